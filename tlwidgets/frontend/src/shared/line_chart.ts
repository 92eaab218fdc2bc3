// A few curves of a few points each, as SVG: it follows the theme by itself, prints, and each point can be read.
import { h } from "./dom";

export interface Curve {
  name: string;
  x: number[];
  y: (number | null)[];
}

interface Options {
  title: string;
  across: string;
  /** Whether values are shares: the axis then shows per cent. */
  share: boolean;
}

const SIZE = { width: 720, height: 240, left: 48, right: 12, top: 12, bottom: 36 };
const SVG = "http://www.w3.org/2000/svg";

/** Curves told apart by colour, dash and, at their points, shape; their names stand beside them. */
export function lineChart(curves: Curve[], options: Options): HTMLElement {
  const xs = curves.flatMap((curve) => curve.x);
  const ys = curves.flatMap((curve) => curve.y).filter((value): value is number => value !== null);
  const [low, high] = ends(ys);
  const last = Math.max(2, ...xs);
  const place = {
    x: (value: number) => SIZE.left + ((value - 1) / (last - 1)) * (SIZE.width - SIZE.left - SIZE.right),
    y: (value: number) => SIZE.height - SIZE.bottom - ((value - low) / (high - low)) * (SIZE.height - SIZE.top - SIZE.bottom),
  };
  const word = (value: number): string => (options.share ? `${Math.round(100 * value)}%` : String(Number(value.toPrecision(3))));
  const ends_ = curves.map((curve) => `${curve.name} ends at ${word(curve.y.filter((v) => v !== null).at(-1) ?? NaN)}`);
  const svg = draw("svg", { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img", "aria-label": `${options.title}. ${ends_.join("; ")}.` });
  svg.append(...grid(low, high, place.y, word), ...ticks(last, place.x, options.across), ...curves.flatMap((curve, index) => line(curve, index, place, word)));
  const names = curves.map((curve, index) => h("span", { class: `tlw-curve-name tlw-curve-${index}` }, key(index), curve.name));
  return h("figure", { class: "tlw-line-chart" }, svg, h("figcaption", { class: "tlw-legends" }, ...names));
}

function ends(values: number[]): [number, number] {
  if (!values.length) return [0, 1];
  const low = Math.min(...values);
  const high = Math.max(...values);
  const margin = 0.08 * (high - low || Math.abs(high) || 1);
  return [low - margin, high + margin];
}

function draw(tag: string, attributes: Record<string, string | number>, text = ""): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  if (text) element.textContent = text;
  return element;
}

function grid(low: number, high: number, y: (value: number) => number, word: (value: number) => string): SVGElement[] {
  return [0.1, 0.37, 0.63, 0.9].flatMap((share) => {
    const value = low + share * (high - low);
    const at = y(value);
    return [draw("line", { x1: SIZE.left, x2: SIZE.width - SIZE.right, y1: at, y2: at, class: "tlw-chart-grid" }), draw("text", { x: SIZE.left - 6, y: at + 4, "text-anchor": "end", class: "tlw-chart-word" }, word(value))];
  });
}

function ticks(last: number, x: (value: number) => number, across: string): SVGElement[] {
  const step = Math.max(1, Math.ceil(last / 12));
  const places = Array.from({ length: last }, (_, index) => index + 1).filter((value) => (value - 1) % step === 0);
  const words = places.map((value) => draw("text", { x: x(value), y: SIZE.height - 20, "text-anchor": "middle", class: "tlw-chart-word" }, String(value)));
  return [...words, draw("text", { x: (SIZE.left + SIZE.width) / 2, y: SIZE.height - 4, "text-anchor": "middle", class: "tlw-chart-word" }, across)];
}

function line(curve: Curve, index: number, place: { x: (v: number) => number; y: (v: number) => number }, word: (value: number) => string): SVGElement[] {
  const points = curve.x.flatMap((x, at) => {
    const y = curve.y[at];
    return y === null || y === undefined ? [] : [{ x, y }];
  });
  const path = draw("polyline", { points: points.map(({ x, y }) => `${place.x(x)},${place.y(y)}`).join(" "), class: `tlw-curve tlw-curve-${index}` });
  const marks = points.map(({ x, y }) => {
    const mark = shape(index, place.x(x), place.y(y));
    mark.append(draw("title", {}, `${curve.name}, ${x}: ${word(y)}`));
    return mark;
  });
  return [path, ...marks];
}

/** Circle, square, diamond, and again. */
function shape(index: number, x: number, y: number): SVGElement {
  const attributes = { class: `tlw-curve-mark tlw-curve-${index}` };
  if (index % 3 === 0) return draw("circle", { cx: x, cy: y, r: 3, ...attributes });
  const turn = index % 3 === 2 ? { transform: `rotate(45 ${x} ${y})` } : {};
  return draw("rect", { x: x - 3, y: y - 3, width: 6, height: 6, ...turn, ...attributes });
}

function key(index: number): SVGElement {
  const svg = draw("svg", { viewBox: "0 0 24 8", class: "tlw-curve-key", "aria-hidden": "true" });
  svg.append(draw("line", { x1: 0, x2: 24, y1: 4, y2: 4, class: `tlw-curve tlw-curve-${index}` }), shape(index, 12, 4));
  return svg;
}

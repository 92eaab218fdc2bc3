// One chart of the dashboard: each batch as a thin line, train (solid, circles) and validation (dashed, squares) by epoch.
import uPlot from "uplot";
import { h, setText } from "./dom";
import type { Cleanup } from "./model";
import { DASHBOARD as TEXT } from "./dashboard_strings";
import { drawBeside, type Beside, type Level } from "./beside";
import { colours, onThemeChange } from "./theme";

type Column = (number | null)[];
export type ChartData = [number[], Column, Column, Column];

const HEIGHT = 200;

export interface ChartOptions {
  title: string;
  format: (value: number | null) => string;
  /** Fixed ends of the y axis, such as 0..1 for accuracy. */
  range?: [number, number];
}

export class Chart {
  readonly element: HTMLElement;
  private readonly canvasBox: HTMLElement;
  private readonly values: Record<"batch" | "train" | "validation", HTMLElement>;
  private plot: uPlot | null = null;
  private data: ChartData = [[], [], [], []];
  private stepsPerEpoch = 1;
  private lastStep = 1;
  private frame = 0;
  private levels: Level[] = [];
  private others: Beside[] = [];

  constructor(
    private readonly options: ChartOptions,
    cleanup: Cleanup,
  ) {
    this.values = { batch: h("span"), train: h("span"), validation: h("span") };
    this.canvasBox = h("div", { class: "tlw-chart-canvas", role: "img", "aria-label": options.title });
    this.element = h(
      "section",
      { class: "tlw-chart" },
      h("header", {}, h("h4", {}, options.title), this.legend()),
      this.canvasBox,
    );
    const observer = new ResizeObserver(() => this.resize());
    observer.observe(this.canvasBox);
    cleanup.add(() => observer.disconnect());
    cleanup.add(() => cancelAnimationFrame(this.frame));
    cleanup.add(() => this.plot?.destroy());
    onThemeChange(() => this.rebuild(), cleanup);
  }

  private legend(): HTMLElement {
    const entry = (kind: "batch" | "train" | "validation", word: string): HTMLElement =>
      h("span", { class: `tlw-legend tlw-legend-${kind}` }, h("i", { "aria-hidden": "true" }), word, this.values[kind]);
    return h(
      "div",
      { class: "tlw-legends" },
      entry("batch", TEXT.batch),
      entry("train", TEXT.train),
      entry("validation", TEXT.validation),
    );
  }

  /** Draw these columns once in the next animation frame, however often it is called before. */
  show(data: ChartData, stepsPerEpoch: number, lastStep: number): void {
    this.data = data;
    this.stepsPerEpoch = Math.max(1, stepsPerEpoch);
    this.lastStep = Math.max(1, lastStep, data[0].at(-1) ?? 0);
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  /** Lines across the chart, and curves of other runs by epoch; drawn over the run's own. */
  showBeside(levels: Level[], others: Beside[]): void {
    this.levels = levels;
    this.others = others;
    if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    this.frame = 0;
    this.readout(null);
    if (!this.plot) this.rebuild();
    else this.plot.setData(this.data as unknown as uPlot.AlignedData);
  }

  private resize(): void {
    const width = Math.floor(this.canvasBox.clientWidth);
    if (width < 50) return; // hidden: a later step of the Studio
    if (!this.plot) this.rebuild();
    else if (this.plot.width !== width) this.plot.setSize({ width, height: HEIGHT });
  }

  private rebuild(): void {
    const width = Math.floor(this.canvasBox.clientWidth);
    if (width < 50) return;
    this.plot?.destroy();
    this.plot = new uPlot(this.plotOptions(width), this.data as unknown as uPlot.AlignedData, this.canvasBox);
  }

  private plotOptions(width: number): uPlot.Options {
    const colour = colours(this.element);
    const font = "11px system-ui, sans-serif";
    const axis = { stroke: colour.muted, font, grid: { stroke: colour.grid, width: 1 }, ticks: { show: false }, gap: 4 };
    const curve = { width: 2, spanGaps: true };
    return {
      width,
      height: HEIGHT,
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      hooks: {
        setCursor: [(plot) => this.readout(plot.cursor.idx ?? null)],
        draw: [(plot) => drawBeside(plot, this.levels, this.others, this.stepsPerEpoch, colour)],
      },
      scales: { x: { time: false, range: () => [0, this.lastStep] }, y: this.yScale() },
      axes: [
        { ...axis, size: 22, label: TEXT.epochAxis, labelFont: font, labelSize: 16, labelGap: 0, incrs: () => this.epochIncrements(), space: 36, values: (_plot, ticks) => ticks.map((tick) => this.epochLabel(tick)) },
        { ...axis, size: 44, space: 32, values: (_plot, ticks) => ticks.map((tick) => this.axisLabel(tick)) },
      ],
      series: [
        {},
        { stroke: translucent(colour.train), width: 1, points: { show: false } },
        { ...curve, stroke: colour.train, points: circles(colour.train) },
        { ...curve, stroke: colour.validation, dash: [6, 4], points: squares(colour.validation, colour.background) },
      ],
    };
  }

  private yScale(): uPlot.Scale {
    const fixed = this.options.range;
    return fixed ? { range: fixed } : { range: (_plot, _low, high) => [0, this.highest(high) * 1.05] };
  }

  private highest(own: number): number {
    const beside = this.others.flatMap(({ values }) => values.filter((value) => value !== null));
    const high = Math.max(Number.isFinite(own) ? own : 0, ...beside);
    return high > 0 ? high : 1;
  }

  /** Steps between two grid lines: whole epochs only. */
  private epochIncrements(): number[] {
    return [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000].map((epochs) => epochs * this.stepsPerEpoch);
  }

  private epochLabel(tick: number): string {
    const epoch = tick / this.stepsPerEpoch;
    return Number.isInteger(epoch) ? String(epoch) : "";
  }

  private axisLabel(tick: number): string {
    return this.options.range ? `${Math.round(tick * 100)}%` : String(Number(tick.toPrecision(3)));
  }

  /** Numbers beside the legend: at the cursor, or the last ones. */
  private readout(index: number | null): void {
    const [, batch, train, validation] = this.data;
    setText(this.values.batch, this.options.format(at(batch, index)));
    setText(this.values.train, this.options.format(at(train, index)));
    setText(this.values.validation, this.options.format(at(validation, index)));
    if (index === null) {
      const label = TEXT.chart(this.options.title, this.data[0].at(-1) ?? 0, this.options.format(at(train, null)), this.options.format(at(validation, null)));
      const beside = [...this.levels.map(({ words }) => words), ...this.others.map(({ name, values }) => `${name} ${this.options.format(at(values, null))}`)];
      this.canvasBox.setAttribute("aria-label", beside.length ? `${label} ${TEXT.beside(beside.join(", "))}` : label);
    }
  }
}

/** The value at an index, else the nearest one before it; at the end where there is no index. */
function at(column: Column, index: number | null): number | null {
  for (let i = index ?? column.length - 1; i >= 0; i--) {
    const value = column[i];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}

/** Three quarters of a colour: still three to one against a light and a dark page, as a line must be that is to be read. */
function translucent(colour: string): string {
  return /^#[0-9a-f]{6}$/i.test(colour) ? `${colour}bf` : colour;
}

function circles(colour: string): uPlot.Series.Points {
  return { show: true, size: 6, stroke: colour, fill: colour };
}

function squares(colour: string, background: string): uPlot.Series.Points {
  return { show: true, size: 6, stroke: colour, fill: background, paths: (plot, index, from, to) => squarePath(plot, index, from, to) };
}

function squarePath(plot: uPlot, series: number, from: number, to: number): { stroke: Path2D; fill: Path2D } {
  const path = new Path2D();
  const side = 6 * devicePixelRatio;
  const ys = plot.data[series] as Column;
  for (let i = from; i <= to; i++) {
    const y = ys[i];
    if (y === null || y === undefined) continue;
    const left = plot.valToPos(plot.data[0][i] ?? 0, "x", true) - side / 2;
    path.rect(left, plot.valToPos(y, "y", true) - side / 2, side, side);
  }
  return { stroke: path, fill: path };
}

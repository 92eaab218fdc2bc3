// What stands beside a run in a chart: levels that it must beat, and other runs. Told apart by dash and number as well.
import type uPlot from "uplot";
import type { Colours } from "./theme";

export interface Level {
  words: string;
  value: number;
}

export interface Beside {
  name: string;
  epochs: number[];
  values: (number | null)[];
}

export const BESIDE_COLOURS = ["#009e73", "#cc79a7", "#56b4e9", "#e69f00"];
const DASHES = [[2, 3], [10, 3, 2, 3], [12, 4], [4, 2, 1, 2]];
const LINE_PX = 13;

export function drawBeside(plot: uPlot, levels: Level[], others: Beside[], perEpoch: number, colour: Colours): void {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `${11 * scale}px system-ui, sans-serif`;
  ctx.lineWidth = 1.5 * scale;
  others.forEach((other, index) => drawCurve(plot, other, index, perEpoch));
  drawLevels(plot, levels, colour);
  ctx.restore();
}

function drawCurve(plot: uPlot, { epochs, values }: Beside, index: number, perEpoch: number): void {
  const { ctx } = plot;
  const scale = devicePixelRatio;
  const points = epochs.flatMap((epoch, at) => {
    const value = values[at];
    return value === null || value === undefined ? [] : [[plot.valToPos(epoch * perEpoch, "x", true), plot.valToPos(value, "y", true)] as const];
  });
  ctx.strokeStyle = ctx.fillStyle = BESIDE_COLOURS[index % BESIDE_COLOURS.length] ?? "";
  ctx.setLineDash((DASHES[index % DASHES.length] ?? []).map((length) => length * scale));
  ctx.beginPath();
  points.forEach(([x, y], at) => (at ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
  ctx.stroke();
  const last = points.at(-1);
  if (!last) return;
  ctx.textAlign = "right";
  ctx.fillText(String(index + 1), last[0] - 4 * scale, last[1] - 5 * scale);
}

/** The words of two levels never lie over each other: a lower one is moved down. */
function drawLevels(plot: uPlot, levels: Level[], colour: Colours): void {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio;
  ctx.strokeStyle = colour.muted;
  ctx.fillStyle = colour.text;
  ctx.textAlign = "right";
  ctx.setLineDash([6 * scale, 3 * scale, 1 * scale, 3 * scale]);
  let free = bbox.top + LINE_PX * scale;
  for (const { words, value } of [...levels].sort((one, other) => other.value - one.value)) {
    const y = plot.valToPos(value, "y", true);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    const at = Math.max(free, y - 3 * scale);
    write(ctx, words, bbox.left + bbox.width - 4 * scale, at, colour);
    free = at + LINE_PX * scale;
  }
}

/** Words with a rim of the background, so that no line runs through them. */
function write(ctx: CanvasRenderingContext2D, words: string, x: number, y: number, colour: Colours): void {
  ctx.save();
  ctx.setLineDash([]);
  ctx.lineJoin = "round";
  ctx.lineWidth = 5 * devicePixelRatio;
  ctx.strokeStyle = colour.background;
  ctx.strokeText(words, x, y);
  ctx.restore();
  ctx.fillText(words, x, y);
}

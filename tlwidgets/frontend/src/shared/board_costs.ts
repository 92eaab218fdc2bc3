// What a run of the plan takes: measured beforehand on this machine, then told by the run itself.
import { BOARD_STRINGS } from "./board_strings";
import { h, setText } from "./dom";
import { bytes, duration, percent, whole } from "./format";

export interface Costs {
  status: "new" | "measuring" | "about" | "run" | "unknown";
  reason: string;
  images: number;
  batch_size: number;
  step_bytes: number;
  seconds: number;
  cached_seconds: number | null;
  share: number;
  cache: string;
}

const TEXT = BOARD_STRINGS.costs;

interface Figure {
  element: HTMLElement;
  value: HTMLElement;
  note: HTMLElement;
}

export class BoardCosts {
  readonly element: HTMLElement;
  private readonly memory = figure(TEXT.memory);
  private readonly epoch = figure(TEXT.epoch);
  private readonly cache = figure(TEXT.cache);

  constructor() {
    this.element = h("dl", { class: "tlw-board-costs", "aria-label": TEXT.title, hidden: true }, this.memory.element, this.epoch.element, this.cache.element);
  }

  show(costs: Partial<Costs>): void {
    const { status = "new", step_bytes, seconds, images = 0, batch_size = 0 } = costs;
    const known = status === "about" || status === "run";
    this.element.hidden = status === "new" && step_bytes === undefined;
    this.element.setAttribute("aria-busy", String(status === "measuring"));
    const waiting = status === "measuring" ? TEXT.measuring : TEXT.unknown;
    const memory = step_bytes !== undefined && status !== "unknown" && status !== "measuring";
    fill(this.memory, memory ? TEXT.about(bytes(step_bytes)) : waiting, memory ? TEXT.images(whole(batch_size)) : "");
    const timed = known && seconds !== undefined;
    const words = duration(seconds);
    fill(this.epoch, !timed ? waiting : status === "run" ? words : TEXT.about(words), status === "unknown" ? (costs.reason ?? "") : !timed ? "" : status === "run" ? TEXT.inRun : TEXT.here(whole(images)));
    this.showCache(costs, known ? "" : waiting);
  }

  private showCache(costs: Partial<Costs>, waiting: string): void {
    const { cache = "", share = 0, cached_seconds = null } = costs;
    if (waiting) fill(this.cache, waiting, "");
    else if (costs.status === "run") fill(this.cache, share > 0 ? TEXT.saves(percent(share, 0)) : "–", cache);
    else if (cached_seconds === null || cached_seconds === undefined) fill(this.cache, TEXT.off(cache), "");
    else fill(this.cache, TEXT.cached(duration(cached_seconds)), TEXT.saves(percent(share, 0)));
  }
}

function figure(title: string): Figure {
  const [value, note] = [h("dd", { class: "tlw-cost" }), h("dd", { class: "tlw-muted" })];
  return { element: h("div", {}, h("dt", {}, title), value, note), value, note };
}

function fill(shown: Figure, value: string, note: string): void {
  setText(shown.value, value);
  setText(shown.note, note);
  shown.note.hidden = note === "";
}

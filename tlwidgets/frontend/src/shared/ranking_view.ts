// How well backbones suit the data: a row a backbone, each score with its interval beside what shuffled labels give.
import { h, icon, setText } from "./dom";
import { whole } from "./format";
import { PICKER_STRINGS } from "./picker_strings";

export interface Figures {
  value: number;
  low: number;
  high: number;
  null: number;
  null_high: number;
}

export interface RankedRow {
  name: string;
  images: number;
  scores: Record<string, Figures | null>;
}

export interface RankingState {
  status: string;
  share: number;
  by: string;
  scores: string[];
  sentence: string;
  rows: RankedRow[];
  left_out: { name: string; reason: string }[];
}

const TEXT = PICKER_STRINGS.ranking;
const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, MARGIN] = [104, 20, 6];

export interface Asked {
  start(): void;
  cancel(): void;
  orderBy(score: string): void;
  choose(name: string): void;
}

export class RankingView {
  readonly element: HTMLElement;
  private readonly start = h("button", { class: "tlw-button tlw-button-primary", type: "button" }, TEXT.start);
  private readonly cancel = h("button", { class: "tlw-button", type: "button" }, icon("stop"), TEXT.cancel);
  private readonly progress = h("progress", { class: "tlw-ranking-progress", max: 1, "aria-label": TEXT.progress });
  private readonly status = h("p", { class: "tlw-lead", role: "status" });
  private readonly table = h("table", { class: "tlw-table tlw-ranking-table" });
  private readonly legend = h("p", { class: "tlw-lead" }, TEXT.legend);
  private readonly leftOut = h("details", { class: "tlw-left-out" });

  constructor(private readonly asked: Asked) {
    this.start.addEventListener("click", () => asked.start());
    this.cancel.addEventListener("click", () => asked.cancel());
    const words = h("div", {}, h("h4", {}, TEXT.title), h("p", { class: "tlw-lead" }, TEXT.lead));
    const head = h("div", { class: "tlw-head" }, words, h("div", { class: "tlw-actions" }, this.progress, this.cancel, this.start));
    this.element = h("section", { class: "tlw-ranking", "aria-label": TEXT.title }, head, this.status, this.table, this.legend, this.leftOut);
  }

  show(state: RankingState, chosen: string): void {
    const running = state.status === "running";
    this.start.hidden = running;
    this.cancel.hidden = this.progress.hidden = !running;
    setText(this.start, state.rows.length ? TEXT.again : TEXT.start);
    this.progress.value = state.share;
    const share = running ? ` ${Math.round(100 * state.share)}%` : "";
    const words = `${TEXT.status[state.status] ?? state.status}${share}`;
    setText(this.status, [words, state.sentence].filter(Boolean).join(". "));
    this.table.hidden = this.legend.hidden = !state.rows.length;
    if (state.rows.length) this.fill(state, chosen);
    this.leftOut.hidden = !state.left_out.length;
    const items = state.left_out.map(({ name, reason }) => h("li", {}, h("span", { class: "tlw-mono" }, name), `: ${reason}`));
    this.leftOut.replaceChildren(h("summary", {}, TEXT.leftOut(items.length)), h("ul", {}, ...items));
  }

  private fill(state: RankingState, chosen: string): void {
    const key = (document.activeElement as HTMLElement | null)?.dataset["key"];
    const scales = new Map(state.scores.map((score) => [score, scale(state.rows, score)]));
    const rows = state.rows.map((row) => this.row(row, state.scores, scales, chosen));
    this.table.replaceChildren(h("thead", {}, this.header(state)), h("tbody", {}, ...rows));
    if (key) this.table.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`)?.focus();
  }

  private header(state: RankingState): HTMLElement {
    const columns = state.scores.map((score) => {
      const [name, meaning] = TEXT.scores[score] ?? [score, ""];
      const by = score === state.by;
      const button = h(
        "button",
        { class: "tlw-button tlw-button-quiet", type: "button", title: meaning, "aria-label": TEXT.order(name), "data-key": `by:${score}`, onclick: () => this.asked.orderBy(score) },
        name,
        by && icon("down"),
      );
      return h("th", { scope: "col", "aria-sort": by ? "descending" : "none" }, button);
    });
    const images = h("th", { scope: "col", class: "tlw-number" }, TEXT.images);
    return h("tr", {}, h("th", { scope: "col" }, TEXT.backbone), ...columns, images, h("th", { scope: "col" }, h("span", { class: "tlw-hidden-label" }, TEXT.use)));
  }

  private row(row: RankedRow, scores: string[], scales: Map<string, Scale>, chosen: string): HTMLElement {
    const cells = scores.map((score) => {
      const figures = row.scores[score];
      if (!figures) return h("td", { class: "tlw-muted" }, TEXT.none);
      const words = TEXT.figures(short(figures.value), short(figures.low), short(figures.high), short(figures.null_high));
      return h("td", { title: words }, h("span", { class: "tlw-score" }, drawn(figures, scales.get(score) as Scale, words), h("span", { class: "tlw-number" }, short(figures.value))));
    });
    const use = h("button", { class: "tlw-button", type: "button", "aria-label": TEXT.useLabel(row.name), "data-key": `use:${row.name}`, onclick: () => this.asked.choose(row.name) }, TEXT.use);
    const last = row.name === chosen ? h("span", { class: "tlw-tag" }, icon("check"), TEXT.chosen) : use;
    const name = h("th", { scope: "row", title: row.name }, h("span", { class: "tlw-ranked-name" }, row.name));
    return h("tr", {}, name, ...cells, h("td", { class: "tlw-number" }, whole(row.images)), h("td", {}, last));
  }
}

type Scale = (value: number) => number;

/** Pixels for the values of one score: all rows on one scale. */
function scale(rows: RankedRow[], score: string): Scale {
  const all = rows.flatMap((row) => {
    const figures = row.scores[score];
    return figures ? [figures.value, figures.low, figures.high, figures.null, figures.null_high] : [];
  });
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const span = high - low || 1;
  return (value) => MARGIN + ((WIDTH - 2 * MARGIN) * (value - low)) / span;
}

function drawn(figures: Figures, place: Scale, words: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  const part = (tag: string, name: string, attributes: Record<string, number>): void => {
    const element = document.createElementNS(SVG, tag);
    element.setAttribute("class", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    svg.append(element);
  };
  for (const [key, value] of Object.entries({ viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img", "aria-label": words })) svg.setAttribute(key, String(value));
  const [middle, chance] = [HEIGHT / 2, place(figures.null_high)];
  part("line", "tlw-axis", { x1: 0, x2: WIDTH, y1: HEIGHT - 1, y2: HEIGHT - 1 });
  part("line", "tlw-interval", { x1: place(figures.low), x2: place(figures.high), y1: middle, y2: middle });
  part("line", "tlw-chance", { x1: chance, x2: chance, y1: 2, y2: HEIGHT - 2 });
  part("circle", "tlw-dot", { cx: place(figures.value), cy: middle, r: 4 });
  return svg;
}

function short(value: number): string {
  return value.toFixed(Math.abs(value) < 10 ? 2 : 1);
}

// What the network sees: a row of pictures for each change that is switched on.
import { DATA_STRINGS } from "./data_strings";
import { h, icon, setDisabled, setText } from "./dom";
import type { Cleanup } from "./model";
import { Pictures } from "./pictures";

export interface Seen {
  backbone: string;
  size: [number, number];
  mean: number[];
  std: number[];
  low: number;
  high: number;
}

export interface ViewRow {
  row: string;
  captions: string[];
}

const TEXT = DATA_STRINGS.seen;

export class NetworkViews {
  readonly element: HTMLElement;
  private readonly lead = h("p", { class: "tlw-lead" });
  private readonly toggles = h("div", { class: "tlw-actions", role: "group", "aria-label": TEXT.toggles });
  private readonly rows = h("div", { class: "tlw-views" });
  private readonly note = h("p", { class: "tlw-lead" });
  private readonly train = h("button", { class: "tlw-button", type: "button", title: TEXT.trainMeaning }, TEXT.train);
  private readonly pictures: Pictures;
  private shown: string[] = [];

  constructor(cleanup: Cleanup, private readonly ask: (name: string, args?: Record<string, unknown>) => Promise<boolean>) {
    this.pictures = new Pictures(cleanup);
    const again = h("button", { class: "tlw-button", type: "button", onclick: () => void ask("draw_again") }, TEXT.again);
    this.train.addEventListener("click", () => void ask("train_with_changes"));
    const bar = h("div", { class: "tlw-views-bar" }, this.toggles, again, this.train);
    this.element = h("section", { class: "tlw-data-section", "aria-label": TEXT.title }, h("h4", {}, TEXT.title), this.lead, bar, this.rows, this.note);
  }

  show(every: string[], shown: string[], parts: string[], augmentation: string, seen: Partial<Seen>): void {
    this.element.hidden = seen.backbone === undefined;
    if (seen.backbone === undefined) return;
    const { backbone, size, mean, std, low, high } = seen as Seen;
    setText(this.lead, TEXT.lead(backbone, `${size[1]} × ${size[0]}`, mean.join(", "), std.join(", "), low.toFixed(1), high.toFixed(1)));
    setText(this.note, `${augmentation === "none" ? TEXT.noneNote : TEXT.runNote(augmentation)} ${parts.includes("mixup") ? TEXT.mixupNote : ""}`.trim());
    this.shown = [...shown];
    setText(this.train, shown.length ? TEXT.train : TEXT.trainPlain);
    setDisabled(this.train, shown.length === parts.length && shown.every((change) => parts.includes(change)));
    const focused = (document.activeElement as HTMLElement | null)?.dataset["change"];
    this.toggles.replaceChildren(...every.map((change) => this.toggle(change, parts.includes(change))));
    if (focused) this.toggles.querySelector<HTMLElement>(`[data-change="${CSS.escape(focused)}"]`)?.focus();
  }

  take(rows: ViewRow[], buffers: DataView[]): void {
    const urls = this.pictures.replace(buffers);
    let place = 0;
    this.rows.replaceChildren(...rows.map(({ row, captions }) => {
      const name = TEXT.rows[row] ?? row;
      const cells = captions.map((caption) => h("img", { src: urls[place++] ?? "", alt: TEXT.picture(name, caption), title: caption }));
      const words = row === "mixup" ? captions.map((caption) => h("span", { class: "tlw-view-caption tlw-muted", "aria-hidden": "true" }, caption)) : [];
      return h("div", { class: "tlw-view-row", role: "group", "aria-label": name, "data-row": row }, h("span", { class: "tlw-view-name" }, name), ...cells.map((cell, index) => h("span", { class: "tlw-view" }, cell, words[index])));
    }));
  }

  private toggle(change: string, inRun: boolean): HTMLElement {
    const on = this.shown.includes(change);
    const flip = (): void => {
      const next = on ? this.shown.filter((other) => other !== change) : [...this.shown, change];
      void this.ask("set_changes", { changes: next });
    };
    const sign = h("span", { class: "tlw-toggle-sign" }, on && icon("check"));
    const tag = inRun && h("span", { class: "tlw-tag" }, TEXT.inRun);
    return h("button", { class: "tlw-button tlw-change", type: "button", "aria-pressed": String(on), "data-change": change, onclick: flip }, sign, TEXT.rows[change] ?? change, tag);
  }
}

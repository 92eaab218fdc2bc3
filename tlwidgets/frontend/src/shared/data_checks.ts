// What can be wrong with data: each check says in words whether all is well, near-identical images are shown.
import { DATA_STRINGS } from "./data_strings";
import { h, icon } from "./dom";
import { whole } from "./format";
import type { Cleanup } from "./model";
import { Pictures } from "./pictures";

interface Counted {
  name: string;
  images: number;
}

export interface Checks {
  largest: Counted;
  smallest: Counted;
  leaks: number;
  duplicates: number;
  conflicts: number;
  groups: { sample_id: string; split: string; label: string }[][];
}

const TEXT = DATA_STRINGS.checks;
const UNEVEN = 2; // times as many images in the largest class as in the smallest

export class DataChecks {
  readonly element: HTMLElement;
  private readonly list = h("ul", { class: "tlw-checks" });
  private readonly groups = h("details", { class: "tlw-copies", hidden: true });
  private readonly setAside = h("details", { class: "tlw-set-aside", hidden: true });
  private readonly pictures: Pictures;
  private shown: Checks["groups"] = [];
  private urls: string[] = [];

  constructor(cleanup: Cleanup) {
    this.pictures = new Pictures(cleanup);
    this.element = h("section", { class: "tlw-data-section", "aria-label": TEXT.title }, h("h4", {}, TEXT.title), this.list, this.groups, this.setAside);
  }

  /** Pictures of the copies come after the words. */
  take(buffers: DataView[]): void {
    this.urls = this.pictures.replace(buffers);
    this.showGroups();
  }

  show(checks: Checks, setAside: { path: string; reason: string }[]): void {
    const lines = [balance(checks), line(checks.leaks > 0, checks.leaks > 0 ? TEXT.leaks(checks.leaks) : TEXT.noLeaks)];
    if (checks.conflicts > 0) lines.push(line(true, TEXT.conflicts(checks.conflicts)));
    if (checks.duplicates > 0) lines.push(line(false, TEXT.duplicates(checks.duplicates)));
    lines.push(line(setAside.length > 0, setAside.length ? DATA_STRINGS.setAside(setAside.length) : TEXT.readable));
    this.list.replaceChildren(...lines);
    if (this.shown !== checks.groups) this.urls = [];
    this.shown = checks.groups;
    this.showGroups();
    this.setAside.hidden = setAside.length === 0;
    const files = setAside.map(({ path, reason }) => h("li", {}, h("span", { class: "tlw-mono" }, path), `: ${reason}`));
    this.setAside.replaceChildren(h("summary", {}, DATA_STRINGS.setAside(files.length)), h("ul", {}, ...files));
  }

  private showGroups(): void {
    this.groups.hidden = this.shown.length === 0;
    let place = 0;
    const rows = this.shown.map((group) =>
      h("div", { class: "tlw-copy-group", role: "listitem" }, ...group.map((copy) => {
        const url = this.urls[place++];
        const words = TEXT.copy(copy.sample_id, copy.split, copy.label);
        const picture = url && h("img", { src: url, alt: "" });
        return h("div", { class: "tlw-copy", title: words }, picture, h("span", { class: "tlw-copy-words" }, h("span", { class: "tlw-mono tlw-ellipsis" }, copy.sample_id), h("span", { class: "tlw-muted tlw-ellipsis" }, `${copy.label} · ${copy.split}`)));
      })),
    );
    this.groups.replaceChildren(h("summary", {}, TEXT.groups(rows.length)), h("div", { role: "list" }, ...rows));
  }
}

function balance(checks: Checks): HTMLElement {
  const { largest, smallest } = checks;
  if (largest.images === smallest.images) return line(false, TEXT.even);
  const times = largest.images / Math.max(1, smallest.images);
  const words = TEXT.balance(largest.name, whole(largest.images), smallest.name, whole(smallest.images));
  return line(times >= UNEVEN, times >= UNEVEN ? `${words} ${TEXT.uneven(times.toFixed(1))}` : words);
}

/** The word beside the sign says the same, for eyes that do not tell them apart. */
function line(look: boolean, words: string): HTMLElement {
  const sign = h("span", { class: "tlw-tag" }, icon(look ? "warn" : "check"), look ? TEXT.look : TEXT.ok);
  return h("li", { "data-look": look }, sign, h("span", {}, words));
}

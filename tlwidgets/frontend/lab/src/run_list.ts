import { h, setDisabled, setText } from "../../src/shared/dom";
import type { Run } from "./runs";
import { LAB } from "./strings";

const TEXT = LAB.runs;

interface Actions {
  compare: (runs: Run[]) => void;
  copy: (run: Run) => Promise<void>;
  remove: (run: Run) => void;
}

/** The runs on disk. */
export class RunList {
  readonly element = h("div", { class: "tlw-runs" });
  private readonly empty = h("p", { class: "tlw-muted" }, TEXT.none);
  private readonly list = h("ul", { class: "tlw-run-list" });
  private readonly more = h("p", { class: "tlw-muted" });
  private readonly compare = h("button", { class: "tlw-button", type: "button", "aria-label": TEXT.compareLabel, onclick: () => this.actions.compare(this.chosen()) }, TEXT.compare);
  private readonly said = h("span", { class: "tlw-hidden-label", role: "status" });
  private readonly ticked = new Set<string>();
  private runs: Run[] = [];
  private drawn = "";

  constructor(private readonly actions: Actions) {
    this.element.append(this.empty, this.compare, this.list, this.more, this.said);
    this.update();
  }

  show(runs: Run[], more: number): void {
    const state = JSON.stringify([runs, more]);
    if (state === this.drawn) return; // what has the focus keeps it
    this.drawn = state;
    this.runs = runs;
    this.list.replaceChildren(...runs.map((run) => this.row(run)));
    setText(this.more, more > 0 ? TEXT.more(more) : "");
    this.update();
  }

  private chosen(): Run[] {
    return this.runs.filter(({ path }) => this.ticked.has(path));
  }

  private update(): void {
    this.empty.hidden = this.runs.length > 0;
    this.compare.hidden = this.runs.length === 0;
    setDisabled(this.compare, this.chosen().length === 0);
  }

  private row(run: Run): HTMLElement {
    const none = run.headTrained ? TEXT.noAccuracy : TEXT.noHead;
    const accuracy = run.accuracy === null ? none : TEXT.accuracy(`${(100 * run.accuracy).toFixed(1)} %`);
    const tick = h("input", { type: "checkbox", "aria-label": TEXT.choose(run.name), onchange: (event: Event) => this.tick(run, event) });
    tick.checked = this.ticked.has(run.path);
    return h(
      "li",
      { class: "tlw-run", "data-run": run.path },
      h("label", { class: "tlw-check tlw-run-name", title: run.path }, tick, h("span", { class: "tlw-ellipsis" }, run.name)),
      h("div", { class: "tlw-muted" }, `${run.backbone} · ${run.plan}`),
      h("div", {}, `${accuracy} · ${run.status}`),
      h("div", { class: "tlw-run-foot" }, h("span", { class: "tlw-muted" }, day(run.date)), this.buttons(run)),
    );
  }

  private buttons(run: Run): HTMLElement {
    const copy = h("button", { class: "tlw-button tlw-button-quiet", type: "button", "aria-label": TEXT.copyLabel(run.name), onclick: () => void this.copy(run) }, TEXT.copy);
    const remove = h("button", { class: "tlw-button tlw-button-quiet", type: "button", "aria-label": TEXT.removeLabel(run.name), onclick: () => this.actions.remove(run) }, TEXT.remove);
    return h("span", {}, copy, remove);
  }

  private tick(run: Run, event: Event): void {
    if ((event.target as HTMLInputElement).checked) this.ticked.add(run.path);
    else this.ticked.delete(run.path);
    this.update();
  }

  private async copy(run: Run): Promise<void> {
    await this.actions.copy(run);
    setText(this.said, `${TEXT.copied} ${run.path}`);
  }
}

function day(date: string): string {
  const time = new Date(date);
  return Number.isNaN(time.getTime()) ? "" : time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

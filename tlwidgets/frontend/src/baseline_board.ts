import "./styles/base.css";
import "./styles/code_panel.css";
import "./styles/baseline_board.css";
import { BASELINES as TEXT } from "./shared/baseline_strings";
import { commands, type Commands } from "./shared/commands";
import { CopyButton } from "./shared/copying";
import { MESSAGES } from "./shared/dashboard_strings";
import { alertLine, h, icon, mount, scrolling, setDisabled, setText } from "./shared/dom";
import { percent } from "./shared/format";
import type { Cleanup, Model } from "./shared/model";
import { view } from "./shared/view";

interface Row {
  name: string;
  accuracy: number;
  gain: number | null;
  low: number | null;
  high: number | null;
}

interface State {
  run_name: string;
  why_not: string;
  why_no_scratch: string;
  status: string;
  progress: { name?: string; number?: number; of?: number; share?: number };
  rows: Row[];
  sentence: string;
  notes: string[];
  code: string;
  error_text: string;
}

const TRAITS = ["run_name", "why_not", "why_no_scratch", "status", "progress", "rows", "sentence", "notes", "code", "error_text"];
let views = 0;

class BaselineBoard {
  private readonly commands: Commands;
  private readonly ids = { why: `tlw-baselines-why-${++views}`, hint: `tlw-baselines-hint-${views}` };
  private readonly start = h("button", { class: "tlw-button tlw-button-primary", type: "button", "aria-describedby": this.ids.why, onclick: () => void this.compare() });
  private readonly cancel = h("button", { class: "tlw-button", type: "button", onclick: () => void this.ask("cancel") }, icon("stop", true), TEXT.cancel);
  private readonly scratch = h("input", { type: "checkbox", "aria-describedby": this.ids.hint });
  private readonly hint = h("p", { class: "tlw-lead", id: this.ids.hint });
  private readonly why = h("p", { class: "tlw-lead", id: this.ids.why });
  private readonly bar = h("progress", { class: "tlw-baselines-progress", max: 1, "aria-label": TEXT.progress });
  private readonly status = h("p", { class: "tlw-lead", role: "status", "aria-live": "polite" });
  private readonly sentence = h("p", { class: "tlw-baselines-sentence", role: "status", "aria-live": "polite" });
  private readonly table = scrolling("tlw-scroll", TEXT.title);
  private readonly notes = h("ul", { class: "tlw-baselines-notes" });
  private readonly text = h("code");
  private readonly copy = new CopyButton(() => this.model.get("code"), (words) => this.alert.show(words));
  private readonly code = h("details", { class: "tlw-details" }, h("summary", {}, TEXT.code), this.copy.element, h("pre", { class: "tlw-code-text", tabindex: 0 }, this.text));
  private readonly alert = alertLine();

  constructor(
    private readonly model: Model<State>,
    el: HTMLElement,
    cleanup: Cleanup,
  ) {
    this.commands = commands(model, cleanup);
    const words = h("div", {}, h("h3", { class: "tlw-title" }, TEXT.title), h("p", { class: "tlw-lead" }, TEXT.lead));
    const tick = h("label", { class: "tlw-check" }, this.scratch, TEXT.scratch);
    mount(el, "baselines", TEXT.title).append(
      h("div", { class: "tlw-head" }, words, h("div", { class: "tlw-actions" }, tick, this.bar, this.cancel, this.start)),
      this.hint,
      this.why,
      this.status,
      this.alert.element,
      this.sentence,
      this.table,
      this.notes,
      this.code,
    );
    for (const name of TRAITS) cleanup.listen(model, `change:${name}`, () => this.update());
    this.update();
  }

  private compare(): Promise<void> {
    return this.ask("compare", { scratch: this.scratch.checked && !this.scratch.disabled });
  }

  private async ask(name: string, args: Record<string, unknown> = {}): Promise<void> {
    this.alert.show("");
    const answer = await this.commands.send(name, args);
    if (answer === "silence") this.alert.show(MESSAGES.silence);
    else if (!answer.ok) this.alert.show(answer.error ?? "");
  }

  private update(): void {
    const { model } = this;
    this.updateControls();
    this.updateTable();
    setText(this.sentence, model.get("sentence"));
    this.sentence.hidden = model.get("sentence") === "";
    this.notes.replaceChildren(...model.get("notes").map((note) => h("li", {}, note)));
    this.notes.hidden = model.get("notes").length === 0;
    this.code.hidden = model.get("code") === "";
    if (this.text.textContent !== model.get("code")) this.copy.ready();
    setText(this.text, model.get("code"));
    this.alert.show(model.get("error_text"));
  }

  private updateControls(): void {
    const { model } = this;
    const running = model.get("status") === "running";
    const focused = document.activeElement;
    setText(this.start, model.get("rows").length ? TEXT.again : TEXT.start);
    setDisabled(this.start, model.get("why_not") !== "");
    setDisabled(this.scratch, running || model.get("why_not") !== "" || model.get("why_no_scratch") !== "");
    this.start.hidden = running;
    this.cancel.hidden = this.bar.hidden = !running;
    // The button that was pressed is gone: the keyboard goes on at the one in its place.
    if (focused === this.start && running) this.cancel.focus();
    if (focused === this.cancel && !running) this.start.focus();
    setText(this.hint, model.get("why_no_scratch") || TEXT.scratchHint);
    setText(this.why, running ? "" : model.get("why_not"));
    this.why.hidden = this.why.textContent === "";
    const { name, number = 0, of = 1, share = 0 } = model.get("progress");
    this.bar.value = name ? (number - 1 + share) / of : 0;
    const going = name ? TEXT.doing(name, number, of) : TEXT.begun;
    setText(this.status, running ? going : (TEXT.status[model.get("status")] ?? ""));
    this.status.hidden = this.status.textContent === "";
  }

  private updateTable(): void {
    const rows = this.model.get("rows");
    this.table.hidden = rows.length < 2;
    this.table.setAttribute("aria-label", TEXT.table(this.model.get("run_name")));
    const { name, accuracy, gain, interval } = TEXT.columns;
    const column = (word: string, number = true): HTMLElement => h("th", { scope: "col", class: number ? "tlw-number" : "" }, word);
    const cell = (word: string): HTMLElement => h("td", { class: "tlw-number" }, word);
    const lines = rows.map((row, index) => {
      const said = index === 0 ? this.model.get("run_name") || row.name : row.name;
      const [better, within] = row.gain === null ? ["", ""] : [TEXT.points(row.gain), TEXT.interval(row.low ?? NaN, row.high ?? NaN)];
      return h("tr", {}, h("th", { scope: "row" }, index === 0 ? h("strong", {}, said) : said), cell(percent(row.accuracy)), cell(better), cell(within));
    });
    const head = h("tr", {}, column(name, false), column(accuracy), column(gain), column(interval));
    this.table.replaceChildren(h("table", { class: "tlw-table" }, h("thead", {}, head), h("tbody", {}, ...lines)));
  }
}

export default view((model: Model<State>, el, cleanup) => void new BaselineBoard(model, el, cleanup));

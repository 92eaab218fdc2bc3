import "./styles/base.css";
import "./styles/predictions.css";
import { askUntilAnswered } from "./shared/asking";
import { commands, type Commands } from "./shared/commands";
import { alertLine, h, icon, mount, setDisabled, setText } from "./shared/dom";
import { percent, whole } from "./shared/format";
import type { Cleanup, Model } from "./shared/model";
import { STRINGS } from "./shared/strings";
import { view } from "./shared/view";

interface Row {
  sample_id: string;
  label: string;
  predicted: string;
  confidence: number;
  action: "" | "relabel" | "exclude";
  new_label: string;
}

interface State {
  name: string;
  classes: string[];
  showing: string;
  of_class: string;
  page: number;
  pages: number;
  total: number;
  rows: Row[];
  n_changes: number;
  can_undo: boolean;
  can_redo: boolean;
  can_apply: boolean;
  applied: boolean;
  /** Without methods, it is being found out. */
  explained: { sample_id?: string; methods?: { method: string; alt: string; verdict: string }[] };
  error_text: string;
}

const TEXT = STRINGS.predictions;
const SHOWN = ["rows", "page", "pages", "total", "n_changes", "can_undo", "can_redo", "can_apply", "applied"] as const;

class Predictions {
  private readonly commands: Commands;
  private readonly grid = h("div", { class: "tlw-predictions-grid", role: "list" });
  private readonly why = h("section", { class: "tlw-why", "aria-live": "polite", hidden: true });
  private readonly status = h("p", { class: "tlw-lead", role: "status" });
  private readonly alert = alertLine();
  private readonly showing = h("select", { class: "tlw-input", "aria-label": TEXT.show });
  private readonly ofClass = h("select", { class: "tlw-input", "aria-label": TEXT.ofClass });
  private readonly undo = this.button(TEXT.undo, "undo", icon("undo"));
  private readonly redo = this.button(TEXT.redo, "redo");
  private readonly apply = this.button(TEXT.apply, "apply", icon("check"));
  private readonly revert = this.button(TEXT.revert, "revert");
  private readonly back = h("button", { class: "tlw-button", type: "button" }, TEXT.back);
  private readonly on = h("button", { class: "tlw-button", type: "button" }, TEXT.on);
  private readonly pictures = new Map<string, string>();
  private explanation: string[] = [];

  constructor(
    private readonly model: Model<State>,
    el: HTMLElement,
    cleanup: Cleanup,
  ) {
    this.commands = commands(model, cleanup);
    const words = h("div", {}, h("h3", { class: "tlw-title" }, TEXT.title(model.get("name"))), h("p", { class: "tlw-lead" }, TEXT.lead));
    const pages = h("div", { class: "tlw-actions" }, this.back, this.status, this.on);
    const lists = h("div", { class: "tlw-actions" }, this.showing, this.ofClass);
    const changes = h("div", { class: "tlw-actions" }, this.undo, this.redo, this.revert, this.apply);
    const head = h("div", { class: "tlw-head" }, words, changes);
    mount(el, "predictions", TEXT.title(model.get("name"))).append(head, h("div", { class: "tlw-head" }, lists, pages), this.grid, this.why, this.alert.element);
    this.fill();
    this.listen(cleanup);
    const answers = askUntilAnswered(model, cleanup);
    cleanup.listen(model, "msg:custom", (message: { t: string; ids: string[] }, buffers: DataView[]) => {
      if (message.t === "pictures") {
        answers.got();
        this.keepPictures(message.ids, buffers);
      } else if (message.t === "explanation") this.keepExplanation(buffers);
    });
    cleanup.add(() => [...this.pictures.values(), ...this.explanation].forEach((url) => URL.revokeObjectURL(url)));
    answers.ask({ t: "ready" });
    this.alert.show(model.get("error_text"));
    this.update();
  }

  private listen(cleanup: Cleanup): void {
    this.showing.addEventListener("change", () => void this.ask("show", { showing: this.showing.value }));
    this.ofClass.addEventListener("change", () => void this.ask("show", { of_class: this.ofClass.value }));
    this.back.addEventListener("click", () => void this.ask("turn_to", { page: this.model.get("page") - 1 }));
    this.on.addEventListener("click", () => void this.ask("turn_to", { page: this.model.get("page") + 1 }));
    for (const name of SHOWN) cleanup.listen(this.model, `change:${name}`, () => this.update());
    for (const name of ["showing", "of_class"]) cleanup.listen(this.model, `change:${name}`, () => this.choose());
    cleanup.listen(this.model, "change:explained", () => this.explain());
    cleanup.listen(this.model, "change:error_text", () => this.alert.show(this.model.get("error_text")));
  }

  private button(word: string, command: string, mark?: SVGSVGElement): HTMLButtonElement {
    return h("button", { class: "tlw-button", type: "button", onclick: () => void this.ask(command) }, mark, word);
  }

  private async ask(name: string, args: Record<string, unknown> = {}): Promise<void> {
    const answer = await this.commands.send(name, args);
    if (answer === "silence") this.alert.show(STRINGS.silence);
    else this.alert.show(answer.ok ? "" : (answer.error ?? ""));
    this.choose();
  }

  private fill(): void {
    this.showing.append(...Object.entries(TEXT.shows).map(([value, word]) => h("option", { value }, word)));
    this.ofClass.append(h("option", { value: "" }, TEXT.everyClass), ...this.model.get("classes").map((name) => h("option", { value: name }, name)));
    this.choose();
  }

  /** The lists show what the kernel holds, also after it has refused something. */
  private choose(): void {
    this.showing.value = this.model.get("showing");
    this.ofClass.value = this.model.get("of_class");
  }

  private update(): void {
    const { model } = this;
    const focused = (document.activeElement as HTMLElement | null)?.dataset["key"];
    this.grid.replaceChildren(...model.get("rows").map((row) => this.card(row)));
    if (focused) this.grid.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    const changed = model.get("n_changes");
    const found = model.get("total") ? TEXT.pageOf(model.get("page") + 1, model.get("pages"), whole(model.get("total"))) : TEXT.nothing;
    setText(this.status, [found, changed > 0 && TEXT.changed(changed, model.get("applied") && model.get("can_apply"))].filter(Boolean).join(" · "));
    setDisabled(this.undo, !model.get("can_undo"));
    setDisabled(this.redo, !model.get("can_redo"));
    setDisabled(this.apply, !model.get("can_apply") || model.get("applied"));
    setDisabled(this.revert, changed === 0);
    setDisabled(this.back, model.get("page") === 0);
    setDisabled(this.on, model.get("page") + 1 >= model.get("pages"));
    this.apply.title = model.get("can_apply") ? TEXT.applyHint : TEXT.noFolder;
  }

  private card(row: Row): HTMLElement {
    const { sample_id: id } = row;
    const image = h("img", { alt: TEXT.picture(row.label, row.predicted), "data-sample": id, src: this.pictures.get(id) ?? null });
    const wrong = row.label !== row.predicted;
    const words = h("p", {}, h("strong", {}, row.label), h("span", { class: wrong ? "tlw-wrong" : "tlw-muted" }, ` ${wrong ? "✗" : "✓"} ${row.predicted} ${percent(row.confidence, 0)}`));
    const options = this.model.get("classes").map((name) => h("option", { value: name, selected: name === (row.new_label || row.label) }, name));
    const select = h("select", { class: "tlw-input", "aria-label": TEXT.relabel(id), "data-key": `label:${id}` }, ...options);
    select.addEventListener("change", () => void this.ask("relabel", { sample_id: id, label: select.value }));
    const out = row.action === "exclude";
    const small = (word: string, command: string, pressed?: boolean): HTMLElement =>
      h("button", { class: "tlw-button", type: "button", "data-key": `${command}:${id}`, "aria-label": `${word}: ${id}`, "aria-pressed": pressed === undefined ? null : String(pressed), onclick: () => void this.ask(command, { sample_id: id }) }, word);
    const buttons = h("div", { class: "tlw-actions" }, out || row.action ? small(TEXT.keep, "keep") : small(TEXT.exclude, "exclude"), small(TEXT.why, "explain"));
    const note = out ? TEXT.excluded : row.action ? TEXT.relabelled(row.new_label) : "";
    return h("div", { class: `tlw-prediction${row.action ? " tlw-prediction-changed" : ""}`, role: "listitem", title: id }, image, words, select, buttons, note && h("p", { class: "tlw-muted" }, note));
  }

  private keepPictures(ids: string[], buffers: DataView[]): void {
    this.pictures.forEach((url) => URL.revokeObjectURL(url));
    this.pictures.clear();
    ids.forEach((id, index) => this.pictures.set(id, picture(buffers[index])));
    this.grid.querySelectorAll<HTMLImageElement>("img").forEach((image) => {
      const url = this.pictures.get(image.dataset["sample"] ?? "");
      if (url) image.src = url;
    });
  }

  private keepExplanation(buffers: DataView[]): void {
    this.explanation.forEach((url) => URL.revokeObjectURL(url));
    this.explanation = buffers.map(picture);
    this.explain();
  }

  private explain(): void {
    const { sample_id: id, methods } = this.model.get("explained");
    this.why.hidden = !id;
    if (!methods) return this.why.replaceChildren(h("h4", {}, TEXT.whyOf(id ?? "")), h("p", { class: "tlw-lead" }, TEXT.looking));
    const figure = (index: number, title: string, alt: string, words: string): HTMLElement =>
      h("figure", {}, h("img", { src: this.explanation[index] ?? null, alt }), h("figcaption", {}, h("strong", {}, title), words && h("span", { class: "tlw-muted" }, words)));
    const seen = figure(0, TEXT.seen, TEXT.seen, "");
    const found = methods.map((each, index) => figure(index + 1, each.method.replaceAll("_", " "), each.alt, each.verdict));
    this.why.replaceChildren(h("h4", {}, TEXT.whyOf(id ?? "")), h("p", { class: "tlw-lead" }, TEXT.colours), h("div", { class: "tlw-why-row" }, seen, ...found));
  }
}

function picture(buffer: DataView | undefined): string {
  return URL.createObjectURL(new Blob([buffer as unknown as BlobPart], { type: "image/png" }));
}

export default view((model: Model<State>, el, cleanup) => void new Predictions(model, el, cleanup));

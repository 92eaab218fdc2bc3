import "./styles/base.css";
import "./styles/code_panel.css";
import { commands, type Commands } from "./shared/commands";
import { CopyButton } from "./shared/copying";
import { alertLine, h, mount, setText } from "./shared/dom";
import type { Cleanup, Model } from "./shared/model";
import { askUntilAnswered } from "./shared/asking";
import { STRINGS } from "./shared/strings";
import { view } from "./shared/view";

interface State {
  python: string;
  recipe: string;
  script: string;
  can_open: boolean;
  note: string;
  error_text: string;
}

type Kind = "python" | "recipe" | "script";

const TEXT = STRINGS.code;
const KINDS: [Kind, string][] = [["python", TEXT.python], ["recipe", TEXT.recipe], ["script", TEXT.script]];

class CodePanel {
  private kind: Kind = "python";
  private readonly text = h("code");
  private readonly copy = new CopyButton(() => this.model.get(this.kind), (why) => this.alert.show(why));
  private readonly commands: Commands;
  private readonly file = h("input", { class: "tlw-input", type: "text", value: "recipe.yaml", spellcheck: "false" });
  private readonly note = h("span", { class: "tlw-muted", role: "status" });
  private readonly choices: HTMLButtonElement[];
  private readonly alert = alertLine();

  constructor(
    private readonly model: Model<State>,
    el: HTMLElement,
    cleanup: Cleanup,
  ) {
    this.choices = KINDS.map(([kind, word]) => h("button", { class: "tlw-choice", type: "button", "data-kind": kind, onclick: () => this.choose(kind) }, word));
    this.commands = commands(model, cleanup);
    const words = h("div", {}, h("h3", { class: "tlw-title" }, TEXT.title), h("p", { class: "tlw-lead" }, TEXT.lead));
    const choices = h("div", { class: "tlw-choices", role: "group", "aria-label": TEXT.title }, ...this.choices);
    mount(el, "code", TEXT.title).append(
      h("div", { class: "tlw-head" }, words, h("div", { class: "tlw-actions" }, choices, this.copy.element)),
      h("pre", { class: "tlw-code-text", tabindex: 0 }, this.text),
      this.recipeFile(),
      this.alert.element,
    );
    for (const name of ["python", "recipe", "script", "note", "error_text"]) cleanup.listen(model, `change:${name}`, () => this.update());
    this.choose("python");
    const code = askUntilAnswered(model, cleanup);
    cleanup.listen(model, "msg:custom", (message: { t: string }) => message.t === "written" && code.got());
    code.ask({ t: "ready" });
  }

  /** Where the recipe is kept, and where it comes back from. */
  private recipeFile(): HTMLElement {
    const button = (word: string, name: string): HTMLElement =>
      h("button", { class: "tlw-button", type: "button", onclick: () => void this.ask(name) }, word);
    const field = h("label", { class: "tlw-recipe-file" }, h("span", {}, TEXT.file), this.file);
    const open = this.model.get("can_open") && button(TEXT.open, "open");
    return h("div", { class: "tlw-actions tlw-recipe", title: TEXT.fileHint }, field, button(TEXT.save, "save"), open, this.note);
  }

  private async ask(name: string): Promise<void> {
    const answer = await this.commands.send(name, { path: this.file.value });
    // Reading many pictures takes its time; what goes wrong then comes as the trait error_text.
    if (answer === "silence" && name === "open") return;
    this.alert.show(answer === "silence" ? STRINGS.silence : answer.ok ? "" : (answer.error ?? ""));
  }

  private choose(kind: Kind): void {
    this.kind = kind;
    for (const choice of this.choices) choice.setAttribute("aria-pressed", String(choice.dataset["kind"] === kind));
    this.update();
  }

  private update(): void {
    setText(this.text, this.model.get(this.kind));
    setText(this.note, this.model.get("note"));
    this.copy.ready();
    this.alert.show(this.model.get("error_text"));
  }
}

export default view((model: Model<State>, el, cleanup) => void new CodePanel(model, el, cleanup));

import "./styles/base.css";
import "./styles/code_panel.css";
import { alertLine, h, icon, mount, setText } from "./shared/dom";
import { Cleanup, type Model, type RenderProps } from "./shared/model";
import { askUntilAnswered } from "./shared/asking";
import { STRINGS } from "./shared/strings";

interface State {
  python: string;
  recipe: string;
  script: string;
  error_text: string;
}

type Kind = "python" | "recipe" | "script";

const TEXT = STRINGS.code;
const KINDS: [Kind, string][] = [["python", TEXT.python], ["recipe", TEXT.recipe], ["script", TEXT.script]];

class CodePanel {
  private kind: Kind = "python";
  private readonly text = h("code");
  private readonly copy = h("button", { class: "tlw-button", type: "button" });
  private readonly choices: HTMLButtonElement[];
  private readonly alert = alertLine();

  constructor(
    private readonly model: Model<State>,
    el: HTMLElement,
    cleanup: Cleanup,
  ) {
    this.choices = KINDS.map(([kind, word]) => h("button", { class: "tlw-choice", type: "button", "data-kind": kind, onclick: () => this.choose(kind) }, word));
    this.copy.addEventListener("click", () => void this.toClipboard());
    const words = h("div", {}, h("h3", { class: "tlw-title" }, TEXT.title), h("p", { class: "tlw-lead" }, TEXT.lead));
    const choices = h("div", { class: "tlw-choices", role: "group", "aria-label": TEXT.title }, ...this.choices);
    mount(el, "code", TEXT.title).append(
      h("div", { class: "tlw-head" }, words, h("div", { class: "tlw-actions" }, choices, this.copy)),
      h("pre", { class: "tlw-code-text", tabindex: 0 }, this.text),
      this.alert.element,
    );
    for (const name of ["python", "recipe", "script", "error_text"]) cleanup.listen(model, `change:${name}`, () => this.update());
    this.choose("python");
    const code = askUntilAnswered(model, cleanup);
    cleanup.listen(model, "msg:custom", (message: { t: string }) => message.t === "written" && code.got());
    code.ask({ t: "ready" });
  }

  private choose(kind: Kind): void {
    this.kind = kind;
    for (const choice of this.choices) choice.setAttribute("aria-pressed", String(choice.dataset["kind"] === kind));
    this.update();
  }

  private update(): void {
    setText(this.text, this.model.get(this.kind));
    this.copy.replaceChildren(icon("copy"), TEXT.copy);
    this.alert.show(this.model.get("error_text"));
  }

  private async toClipboard(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.model.get(this.kind));
      this.copy.replaceChildren(icon("check"), TEXT.copied);
    } catch {
      this.alert.show(TEXT.failed);
    }
  }
}

export default {
  render({ model, el }: RenderProps<State>): () => void {
    const cleanup = new Cleanup();
    new CodePanel(model, el, cleanup);
    return () => cleanup.run();
  },
};

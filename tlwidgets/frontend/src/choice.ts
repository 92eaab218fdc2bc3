import "./styles/base.css";
import "./styles/choice.css";
import { CHOICE } from "./shared/choice_strings";
import { h, mount, setText } from "./shared/dom";
import type { Cleanup, Model } from "./shared/model";
import { view } from "./shared/view";

interface State {
  id: string;
  kind: "predict" | "quiz";
  question: string;
  choices: [string, string][];
  choice: string;
  confidence: number;
  given: number;
  reply: { given?: number; choice?: string; text?: string; good?: boolean };
}

const SILENCE_MS = 3000;

/** One question of a lesson: native radio buttons and a native slider, so that the keyboard needs no help of ours. */
class Choice {
  private readonly answers: { letter: string; input: HTMLInputElement; mark: HTMLElement }[];
  private readonly sure = h("input", { type: "range", min: 0, max: 100, step: 5 });
  private readonly sureWords = h("span", { class: "tlw-muted", "aria-hidden": "true" });
  private readonly give: HTMLButtonElement;
  private readonly said = h("p", { role: "status" });
  private waiting: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly model: Model<State>,
    el: HTMLElement,
    cleanup: Cleanup,
  ) {
    const kind = model.get("kind");
    this.give = h("button", { class: "tlw-button tlw-button-primary", type: "submit" }, CHOICE.give[kind]);
    const group = `tlw-${model.get("id")}-${Math.random()}`;
    this.answers = model.get("choices").map(([letter]) => ({
      letter,
      input: h("input", { type: "radio", name: group, value: letter, onchange: () => this.keep() }),
      mark: h("span", { class: "tlw-answer-mark", "aria-hidden": "true" }),
    }));
    mount(el, "choice", CHOICE.titles[kind]).append(this.form(kind));
    for (const name of ["choice", "reply"]) cleanup.listen(model, `change:${name}`, () => this.update());
    cleanup.add(() => clearTimeout(this.waiting));
    this.update();
  }

  private form(kind: "predict" | "quiz"): HTMLElement {
    const rows = this.model.get("choices").map(([letter, words], index) => {
      const answer = this.answers[index];
      return h("label", { class: "tlw-answer" }, answer?.input, h("span", { class: "tlw-answer-letter" }, letter), h("span", {}, words), answer?.mark);
    });
    this.sure.value = String(Math.round(100 * this.model.get("confidence")));
    this.sure.addEventListener("input", () => this.keep());
    const sure = kind === "predict" && h("label", { class: "tlw-sure" }, h("span", {}, CHOICE.sure), this.sure, this.sureWords);
    const submit = (event: Event): void => {
      event.preventDefault();
      this.answer();
    };
    return h(
      "form",
      { class: "tlw-choice-form", onsubmit: submit as (event: never) => void },
      h("fieldset", {}, h("legend", {}, this.model.get("question")), ...rows),
      sure,
      h("div", { class: "tlw-choice-end" }, this.give, this.said),
    );
  }

  private get chosen(): string {
    return this.answers.find(({ input }) => input.checked)?.letter ?? "";
  }

  /** What is chosen is kept in the model at once: a page that is drawn again shows it. */
  private keep(): void {
    this.model.set("choice", this.chosen);
    this.model.set("confidence", Number(this.sure.value) / 100);
    this.model.save_changes();
    this.update();
  }

  private answer(): void {
    if (!this.chosen) return setText(this.said, CHOICE.chooseFirst);
    this.model.set("given", this.model.get("given") + 1);
    this.model.save_changes();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => setText(this.said, CHOICE.silence), SILENCE_MS);
  }

  private update(): void {
    const { choice, text, good, given } = this.model.get("reply");
    if (given === this.model.get("given")) clearTimeout(this.waiting);
    const current = this.model.get("choice");
    const told = text !== undefined && choice === current;
    for (const { letter, input, mark } of this.answers) {
      input.checked = letter === current;
      const sign = this.model.get("kind") === "predict" ? "✓" : good ? "✓" : "✗";
      setText(mark, told && letter === choice ? sign : "");
    }
    const sure = CHOICE.sureWords(Number(this.sure.value));
    setText(this.sureWords, sure);
    this.sure.setAttribute("aria-valuetext", sure);
    setText(this.said, told ? text : "");
    setText(this.give, (told ? CHOICE.change : CHOICE.give)[this.model.get("kind")]);
  }
}

export default view((model: Model<State>, el, cleanup) => void new Choice(model, el, cleanup));

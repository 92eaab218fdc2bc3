import "./styles/base.css";
import "./styles/steps.css";
import { h, icon, mount, setText } from "./shared/dom";
import type { Cleanup, Model } from "./shared/model";
import { STRINGS } from "./shared/strings";
import { view } from "./shared/view";

interface State {
  titles: string[];
  summaries: string[];
  done: boolean[];
  selected: number;
}

class Steps {
  private readonly buttons: HTMLButtonElement[];
  private readonly summaries: HTMLElement[];
  private readonly marks: HTMLElement[];

  constructor(
    private readonly model: Model<State>,
    el: HTMLElement,
    cleanup: Cleanup,
  ) {
    const titles = model.get("titles");
    this.summaries = titles.map(() => h("span", { class: "tlw-step-summary tlw-ellipsis" }));
    this.marks = titles.map(() => h("span", { class: "tlw-step-mark" }));
    this.buttons = titles.map((title, index) => this.button(title, index));
    const list = h("ol", { class: "tlw-step-list" }, ...this.buttons.map((button) => h("li", {}, button)));
    mount(el, "steps", STRINGS.studio.steps).append(h("nav", { "aria-label": STRINGS.studio.steps }, list));
    for (const name of ["summaries", "done", "selected"]) cleanup.listen(model, `change:${name}`, () => this.update());
    this.update();
  }

  private button(title: string, index: number): HTMLButtonElement {
    return h(
      "button",
      { class: "tlw-step", type: "button", onclick: () => this.select(index), onkeydown: (event: KeyboardEvent) => this.key(event, index) },
      h("span", { class: "tlw-step-title" }, this.marks[index], title),
      this.summaries[index],
    );
  }

  /** The page alone changes the step, so that it works while the kernel is busy; Python hears of it. */
  private select(index: number): void {
    this.model.set("selected", index);
    this.model.save_changes();
    this.update();
  }

  private key(event: KeyboardEvent, index: number): void {
    const last = this.buttons.length - 1;
    const target = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: last }[event.key];
    if (target === undefined || target < 0 || target > last) return;
    event.preventDefault();
    this.buttons[target]?.focus();
  }

  private update(): void {
    const [selected, summaries, done] = [this.model.get("selected"), this.model.get("summaries"), this.model.get("done")];
    this.buttons.forEach((button, index) => {
      if (index === selected) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    });
    this.summaries.forEach((element, index) => setText(element, summaries[index] ?? ""));
    this.marks.forEach((mark, index) => {
      const finished = done[index] === true;
      mark.classList.toggle("tlw-step-done", finished);
      mark.replaceChildren(...(finished ? [icon("check"), h("span", { class: "tlw-hidden-label" }, STRINGS.studio.done)] : [String(index + 1)]));
    });
  }
}

export default view((model: Model<State>, el, cleanup) => void new Steps(model, el, cleanup), true);

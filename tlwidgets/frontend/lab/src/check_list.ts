import { h, setText } from "../../src/shared/dom";
import type { Outcome } from "./outcomes";
import { section } from "./section";
import { LAB } from "./strings";

const SIGN = { passed: "✓", open: "○", failed: "!" };

/** What the latest checks said, for the eye and for a screen reader. Takes no place before there were any. */
export class CheckList {
  private readonly summary = h("p", { class: "tlw-checks-summary", role: "status", "aria-live": "polite" });
  private readonly list = h("ul", { class: "tlw-check-list" });
  readonly element = section(LAB.checks.title, this.summary, this.list);

  constructor() {
    this.element.hidden = true;
  }

  running(topic: string): void {
    this.start(LAB.checks.running(topic));
  }

  failed(topic: string, why: string): void {
    this.start(LAB.failed(topic, why));
  }

  show(topic: string, outcomes: Outcome[], done: boolean, find: (id: string) => void): void {
    this.element.hidden = false;
    this.list.replaceChildren(...outcomes.map((one) => row(one, find)));
    const passed = outcomes.filter(({ status }) => status === "passed").length;
    if (done) setText(this.summary, LAB.checks.summary(topic, passed, outcomes.length));
  }

  private start(says: string): void {
    this.element.hidden = false;
    setText(this.summary, says);
    this.list.replaceChildren();
  }
}

function row({ id, title, status, text }: Outcome, find: (id: string) => void): HTMLElement {
  return h(
    "li",
    { class: "tlw-check-row", "data-status": status, "data-id": id },
    h("span", { class: "tlw-exercise-mark", "aria-hidden": "true" }, SIGN[status]),
    h(
      "div",
      {},
      h("button", { class: "tlw-check-title", type: "button", title: LAB.checks.show(title), onclick: () => find(id) }, title),
      h("span", { class: "tlw-check-status" }, ` ${LAB.checks.status[status]}`),
      text !== "" && h("div", { class: "tlw-muted tlw-check-text" }, text),
    ),
  );
}

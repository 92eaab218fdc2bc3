import { h } from "../../src/shared/dom";

/** A part of the side bar that folds away. */
export function section(title: string, ...content: HTMLElement[]): HTMLDetailsElement {
  return h("details", { class: "tlw-section", open: true }, h("summary", {}, h("h2", {}, title)), ...content);
}

// A confusion matrix and the worst mistakes, as the results and the dashboard show them.
import { h, scrolling } from "./dom";

export function confusionTable(classes: string[], counts: number[][], words: { title: string; corner: string }): HTMLElement {
  const head = h("tr", {}, h("td", { class: "tlw-muted" }, words.corner), ...classes.map((name) => h("th", { scope: "col", title: name }, short(name))));
  const rows = counts.map((row, index) => {
    const total = Math.max(1, row.reduce((sum, value) => sum + value, 0));
    const cells = row.map((value) => {
      const cell = h("td", {}, value || "");
      cell.style.backgroundColor = `rgb(86 180 233 / ${(0.5 * value) / total})`;
      return cell;
    });
    return h("tr", {}, h("th", { scope: "row", title: classes[index] ?? "" }, short(classes[index] ?? "")), ...cells);
  });
  const table = h("table", { class: "tlw-confusion" }, h("thead", {}, head), h("tbody", {}, ...rows));
  return scrolling("", words.title, h("h4", {}, words.title), table);
}

export function mistakeList(title: string, mistakes: { src: string; words: string; hint: string }[], none: string): HTMLElement {
  const figures = mistakes.map(({ src, words, hint }) => h("figure", { title: hint }, h("img", { src, alt: "" }), h("figcaption", {}, words)));
  const body = figures.length ? h("div", { class: "tlw-mistakes" }, ...figures) : h("p", { class: "tlw-lead" }, none);
  return h("div", {}, h("h4", {}, title), body);
}

export function short(name: string, limit = 12): string {
  return name.length > limit ? `${name.slice(0, limit - 1)}…` : name;
}

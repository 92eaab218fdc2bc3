// The confusion matrix and the worst mistakes on the validation images, refreshed after each epoch while it is open.
import { confusionTable, mistakeList, short } from "./confusion";
import { DASHBOARD as TEXT } from "./dashboard_strings";
import { h } from "./dom";
import { percent } from "./format";
import type { Cleanup } from "./model";

export interface Judged {
  epoch: number;
  classes: string[];
  confusion: number[][];
  wrongest: { sample_id: string; label: string; predicted: string; confidence: number }[];
}

export class JudgedPanel {
  private readonly body = h("div", {}, h("p", { class: "tlw-lead" }, TEXT.notJudged));
  readonly element = h("details", { class: "tlw-details tlw-judged" }, h("summary", {}, TEXT.judged), this.body);
  private pictures: string[] = [];

  /** `watch` tells the kernel whether anybody looks: it sends nothing otherwise. */
  constructor(watch: (on: boolean) => void, cleanup: Cleanup) {
    this.element.addEventListener("toggle", () => watch(this.element.open));
    cleanup.add(() => this.forget());
  }

  show({ epoch, classes, confusion, wrongest }: Judged, files: DataView[]): void {
    this.forget();
    this.pictures = files.map((file) => URL.createObjectURL(new Blob([file as DataView<ArrayBuffer>], { type: "image/png" })));
    const mistakes = wrongest.map(({ label, predicted, confidence, sample_id: hint }, index) => ({
      src: this.pictures[index] ?? "",
      words: TEXT.mistake(short(label, 40), short(predicted, 40), percent(confidence, 0)),
      hint,
    }));
    const words = { title: TEXT.confusion, corner: TEXT.corner };
    const matrix = confusion.length ? confusionTable(classes, confusion, words) : h("p", { class: "tlw-lead" }, TEXT.manyClasses);
    this.body.replaceChildren(
      h("p", { class: "tlw-lead" }, TEXT.after(epoch)),
      h("div", { class: "tlw-result-columns" }, matrix, mistakeList(TEXT.wrongest, mistakes, TEXT.noMistakes)),
    );
  }

  private forget(): void {
    for (const url of this.pictures.splice(0)) URL.revokeObjectURL(url);
  }
}

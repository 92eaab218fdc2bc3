import "./styles/base.css";
import "./styles/confusion.css";
import "./styles/results.css";
import { confusionTable, mistakeList, short } from "./shared/confusion";
import { h, mount, scrolling, setText } from "./shared/dom";
import { duration, percent, whole } from "./shared/format";
import type { Cleanup, Model } from "./shared/model";
import { STRINGS } from "./shared/strings";
import { view } from "./shared/view";

interface RunRow {
  run: string;
  backbone: string;
  learns: string;
  epochs: number;
  accuracy: number | null;
  /** What a run whose head was not trained came to instead; empty for any other. */
  learned?: string;
  /** What sets it apart from a run that came to its end; empty for one that did. */
  mark?: string;
  seconds: number | null;
}

interface Card {
  card: string;
  title: string;
  /** Why there is no accuracy, and what was learned instead; empty where there is one. */
  caution?: string;
  learned?: string;
  /** How the run stands to its baselines; empty where nobody has looked. */
  verdict?: string;
  /** What must be known of a run that failed. */
  note?: string;
  accuracy: number;
  right: number;
  n: number;
  majority: number;
  classes: string[];
  confusion: number[][];
  /** Instead of a matrix, where there are too many classes for one. */
  pairs?: { label: string; predicted: string; count: number }[];
  wrongest: { label: string; predicted: string; confidence: number; png: string; sample_id: string }[];
}

interface State {
  runs: RunRow[];
  note: string;
  card: Partial<Card>;
  error_text: string;
}

const TEXT = STRINGS.results;

class Results {
  private readonly table = scrolling("tlw-scroll", TEXT.title);
  private readonly note = h("div", { class: "tlw-caution", role: "status", hidden: true });
  private readonly card = h("div");

  constructor(
    private readonly model: Model<State>,
    el: HTMLElement,
    cleanup: Cleanup,
  ) {
    const words = h("div", {}, h("h3", { class: "tlw-title" }, TEXT.title), h("p", { class: "tlw-lead" }, TEXT.lead));
    mount(el, "results", TEXT.title).append(h("div", { class: "tlw-head" }, words), this.note, this.table, this.card);
    for (const name of ["runs", "note", "card"]) cleanup.listen(model, `change:${name}`, () => this.update());
    // The card below may come, or be lost, while this step is hidden: look again when it is shown.
    const observer = new ResizeObserver(() => this.updateCard());
    observer.observe(this.table);
    cleanup.add(() => observer.disconnect());
    this.update();
  }

  private update(): void {
    const runs = this.model.get("runs");
    setText(this.note, this.model.get("note") ?? "");
    this.note.hidden = this.note.textContent === "";
    this.table.replaceChildren(runs.length ? runTable(runs) : h("p", { class: "tlw-lead" }, TEXT.none));
    this.updateCard();
  }

  private updateCard(): void {
    const card = this.model.get("card");
    if (!card.classes) this.card.replaceChildren();
    else this.card.replaceChildren(isOnPage(card as Card) ? h("p", { class: "tlw-lead" }, TEXT.below) : liveCard(card as Card));
  }
}

function runTable(runs: RunRow[]): HTMLElement {
  const { run, backbone, learns, epochs, accuracy, seconds } = TEXT.columns;
  const column = (word: string, number = false): HTMLElement => h("th", { scope: "col", class: number ? "tlw-number" : "" }, word);
  const head = h("tr", {}, column(run), column(backbone), column(learns), column(epochs, true), column(seconds, true), column(accuracy, true));
  const rows = runs.map((row) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, row.run, !!row.mark && " ", !!row.mark && h("span", { class: "tlw-tag" }, row.mark)),
      h("td", {}, row.backbone),
      h("td", {}, row.learns),
      h("td", { class: "tlw-number" }, row.epochs),
      h("td", { class: "tlw-number" }, duration(row.seconds)),
      h("td", { class: "tlw-number" }, h("strong", {}, row.accuracy === null ? row.learned || "–" : percent(row.accuracy))),
    ),
  );
  return h("table", { class: "tlw-table" }, h("thead", {}, head), h("tbody", {}, ...rows));
}

/** Whether the card of this run stands in the notebook as an output of its own. */
function isOnPage(card: Card): boolean {
  return [...document.querySelectorAll<HTMLElement>("[data-tlw-card]")].some((element) => element.dataset["tlwCard"] === card.card);
}

/** The card drawn live: the one below the Studio is lost to a page that was reloaded while the run went on. */
function liveCard(card: Card): HTMLElement {
  if (card.caution) {
    const learned = card.learned ? `${card.learned.charAt(0).toUpperCase()}${card.learned.slice(1)}.` : "";
    const words = [card.caution, card.note].filter(Boolean).map((said) => h("p", { class: "tlw-result-verdict" }, said));
    return h("section", { class: "tlw-live-card", "aria-label": card.title }, h("div", { class: "tlw-result-headline" }, h("strong", { class: "tlw-result-learned" }, learned)), ...words);
  }
  const headline = h(
    "div",
    { class: "tlw-result-headline" },
    h("span", { class: "tlw-result-number" }, percent(card.accuracy)),
    h("div", {}, h("strong", {}, TEXT.accuracy), h("div", { class: "tlw-muted" }, `${TEXT.of(whole(card.right), whole(card.n))}. ${TEXT.baseline(percent(card.majority))}.`)),
  );
  return h("section", { class: "tlw-live-card", "aria-label": card.title }, headline, !!card.note && h("p", { class: "tlw-result-verdict" }, card.note), !!card.verdict && h("p", { class: "tlw-result-verdict" }, card.verdict), h("div", { class: "tlw-result-columns" }, confusion(card), wrongest(card)));
}

function confusion(card: Card): HTMLElement {
  if (card.pairs) {
    const lines = card.pairs.map(({ label, predicted, count }) => h("li", {}, TEXT.pair(label, predicted, whole(count))));
    return h("div", {}, h("h4", {}, TEXT.pairs), lines.length ? h("ol", { class: "tlw-pairs" }, ...lines) : h("p", { class: "tlw-lead" }, TEXT.noMistakes));
  }
  return confusionTable(card.classes, card.confusion, { title: TEXT.confusion, corner: TEXT.confusionCorner });
}

function wrongest(card: Card): HTMLElement {
  const mistakes = card.wrongest.map(({ label, predicted, confidence, png, sample_id: hint }) => ({
    src: `data:image/png;base64,${png}`,
    words: TEXT.mistake(short(label, 40), short(predicted, 40), percent(confidence, 0)),
    hint,
  }));
  return mistakeList(TEXT.wrongest, mistakes, TEXT.noMistakes);
}

export default view((model: Model<State>, el, cleanup) => void new Results(model, el, cleanup));

import "./styles/base.css";
import "./styles/picker.css";
import { commands, type Commands } from "./shared/commands";
import { alertLine, h, icon, mount, setText } from "./shared/dom";
import { about, bytes, count, duration, whole } from "./shared/format";
import type { Cleanup, Model } from "./shared/model";
import { askUntilAnswered } from "./shared/asking";
import { epochSeconds, filtered, type Entry, type Pace } from "./shared/catalogue";
import { PickerFilters, type FilterState } from "./shared/picker_filters";
import { RankingView, type RankingState } from "./shared/ranking_view";
import { PICKER_STRINGS } from "./shared/picker_strings";
import { STRINGS } from "./shared/strings";
import { view } from "./shared/view";

interface State extends FilterState {
  value: string;
  chosen: Partial<Entry>;
  can_rank: boolean;
  images: number;
  pace: Partial<Pace>;
  cost: { name?: string; seconds?: number; step_bytes?: number; measured?: boolean };
  ranking: RankingState;
  error_text: string;
}

const TEXT = PICKER_STRINGS;
const ROW = 36; // px, also in picker.css
const SPARE_ROWS = 6;
let instances = 0;

class Picker {
  private readonly commands: Commands;
  private readonly id = `tlw-picker-${++instances}`;
  private readonly filters: PickerFilters<State>;
  private readonly ranking: RankingView;
  private readonly frame = h("div", { class: "tlw-picker-list" });
  private readonly summary = h("div", { class: "tlw-muted tlw-picker-count", role: "status" }, TEXT.loading);
  private readonly list = h("div", { class: "tlw-list", role: "listbox", tabindex: 0, "aria-label": TEXT.list });
  private readonly space = h("div", { class: "tlw-list-space", role: "presentation" });
  private readonly empty = h("p", { class: "tlw-list-empty tlw-muted", hidden: true }, TEXT.empty);
  private readonly card = h("div", { class: "tlw-chosen" });
  private readonly alert = alertLine();
  private entries: Entry[] = [];
  private shown: Entry[] = [];
  private current = 0;
  private choosing = "";

  constructor(
    private readonly model: Model<State>,
    el: HTMLElement,
    cleanup: Cleanup,
  ) {
    this.commands = commands(model, cleanup);
    this.filters = new PickerFilters(model, cleanup, () => this.filter());
    this.ranking = new RankingView({
      start: () => void this.ask("rank"),
      cancel: () => void this.ask("cancel_ranking"),
      orderBy: (score) => void this.ask("order_by", { score }),
      choose: (name) => void this.choose(name),
    });
    this.ranking.element.hidden = !model.get("can_rank");
    this.frame.append(this.columns(), this.list, this.summary);
    mount(el, "picker", TEXT.title).append(this.header(), this.filters.element, this.frame, this.alert.element, this.ranking.element);
    this.list.append(this.space, this.empty);
    const catalogue = askUntilAnswered(model, cleanup);
    this.listen(cleanup, catalogue.got);
    this.update();
    catalogue.ask({ t: "ready" });
  }

  private header(): HTMLElement {
    const words = h("div", {}, h("h3", { class: "tlw-title" }, TEXT.title), h("p", { class: "tlw-lead" }, TEXT.lead));
    return h("div", { class: "tlw-head" }, words, this.card);
  }

  private columns(): HTMLElement {
    const { name, parameters, macs, input, epoch, licence, weights } = TEXT.columns;
    const words = [name, parameters, macs, input, epoch, licence, weights].map((word) => h("span", { title: word === epoch ? TEXT.epochMeaning : null }, word));
    return h("div", { class: "tlw-list-head tlw-muted", "aria-hidden": "true" }, ...words);
  }

  private listen(cleanup: Cleanup, got: () => void): void {
    const { model } = this;
    this.filters.search.addEventListener("keydown", (event) => this.fromSearch(event));
    this.list.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("scroll", () => this.paint());
    this.list.addEventListener("click", (event) => this.click(event));
    const observer = new ResizeObserver(() => this.paint());
    observer.observe(this.list);
    cleanup.add(() => observer.disconnect());
    cleanup.listen(model, "msg:custom", (message: { t: string; entries?: Entry[] }) => {
      if (message.t !== "catalogue") return;
      got();
      this.take(message.entries ?? []);
    });
    for (const name of ["value", "chosen", "error_text", "ranking", "images", "pace", "cost"]) cleanup.listen(model, `change:${name}`, () => this.update());
    cleanup.listen(model, "change:can_rank", () => (this.ranking.element.hidden = !model.get("can_rank")));
  }

  private take(entries: Entry[]): void {
    this.entries = entries;
    this.filters.fill(entries);
    this.filter();
    this.reveal(this.shown.findIndex((entry) => entry.name === this.model.get("value")));
  }

  private filter(): void {
    if (!this.entries.length) return;
    this.shown = filtered(this.entries, this.filters.filters);
    this.current = Math.max(0, this.shown.findIndex((entry) => entry.name === this.model.get("value")));
    this.list.scrollTop = 0;
    this.empty.hidden = this.shown.length > 0;
    setText(this.summary, TEXT.matches(whole(this.shown.length), whole(this.entries.length)));
    this.paint();
  }

  /** Only the rows in sight exist, so that thousands cost as little as ten. */
  private paint(): void {
    const first = Math.max(0, Math.floor(this.list.scrollTop / ROW) - SPARE_ROWS);
    const last = Math.min(this.shown.length, Math.ceil((this.list.scrollTop + this.list.clientHeight) / ROW) + SPARE_ROWS);
    this.space.style.height = `${this.shown.length * ROW}px`;
    this.space.replaceChildren(...this.shown.slice(first, last).map((entry, offset) => this.option(entry, first + offset)));
    const active = this.shown.length ? `${this.id}-${this.current}` : null;
    if (active) this.list.setAttribute("aria-activedescendant", active);
    else this.list.removeAttribute("aria-activedescendant");
  }

  private option(entry: Entry, index: number): HTMLElement {
    const selected = entry.name === (this.choosing || this.model.get("value"));
    const option = h(
      "div",
      {
        class: "tlw-option", role: "option", id: `${this.id}-${index}`, "data-index": index, "aria-selected": String(selected),
        "aria-setsize": this.shown.length, "aria-posinset": index + 1, "data-active": index === this.current,
      },
      h("span", { class: "tlw-ellipsis" }, selected ? icon("check") : h("span", { class: "tlw-icon" }), h("span", { class: "tlw-ellipsis", title: entry.name }, entry.name)),
      h("span", { class: "tlw-number" }, count(entry.parameters)),
      h("span", { class: "tlw-number" }, count(entry.macs)),
      h("span", { class: "tlw-number" }, TEXT.pixels(entry.input_size)),
      h("span", { class: "tlw-number" }, about(epochSeconds(entry, this.model.get("pace") ?? {}, this.model.get("images") ?? 0))),
      h("span", { class: "tlw-ellipsis tlw-muted", title: entry.licence }, entry.licence || TEXT.unstated),
      h("span", { class: entry.offline ? "" : "tlw-muted" }, weights(entry)),
    );
    option.style.transform = `translateY(${index * ROW}px)`;
    return option;
  }

  private fromSearch(event: KeyboardEvent): void {
    if (event.key !== "ArrowDown" && event.key !== "Enter") return;
    event.preventDefault();
    if (event.key === "Enter") this.chooseAt(this.current);
    else this.list.focus();
  }

  private key(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.list.clientHeight / ROW) - 1);
    const moves: Record<string, number> = {
      ArrowDown: this.current + 1, ArrowUp: this.current - 1, PageDown: this.current + page, PageUp: this.current - page,
      Home: 0, End: this.shown.length - 1,
    };
    if (event.key === "Enter" || event.key === " ") this.chooseAt(this.current);
    else if (event.key in moves) this.reveal(Math.min(this.shown.length - 1, Math.max(0, moves[event.key] ?? 0)));
    else return;
    event.preventDefault();
  }

  private click(event: Event): void {
    const option = (event.target as Element).closest<HTMLElement>(".tlw-option");
    if (option) this.chooseAt(Number(option.dataset["index"]));
  }

  private reveal(index: number): void {
    if (index < 0) return;
    this.current = index;
    const top = index * ROW;
    if (top < this.list.scrollTop) this.list.scrollTop = top;
    else if (top + ROW > this.list.scrollTop + this.list.clientHeight) this.list.scrollTop = top + ROW - this.list.clientHeight;
    this.paint();
  }

  private chooseAt(index: number): void {
    const entry = this.shown[index];
    if (!entry) return;
    this.current = index;
    void this.choose(entry.name);
  }

  private async choose(name: string): Promise<void> {
    this.choosing = name;
    this.paint();
    await this.ask("choose", { name }, () => (this.choosing = ""));
  }

  private async ask(name: string, args: Record<string, unknown> = {}, answered: () => void = () => {}): Promise<void> {
    const answer = await this.commands.send(name, args);
    answered();
    this.update();
    if (answer === "silence") this.alert.show(STRINGS.silence);
    else if (!answer.ok) this.alert.show(answer.error ?? "");
  }

  /** What an epoch of the chosen backbone takes here; "" where nobody knows. */
  private cost(): string {
    const images = this.model.get("images") ?? 0;
    const { name, seconds, step_bytes, measured } = this.model.get("cost") ?? {};
    if (!images || seconds === undefined || step_bytes === undefined || name !== this.model.get("value")) {
      const guess = epochSeconds(this.model.get("chosen"), this.model.get("pace") ?? {}, images);
      return guess === null ? "" : TEXT.cost(about(guess), whole(images));
    }
    if (!measured) return TEXT.cost(about(images * seconds), whole(images));
    return TEXT.measuredCost(duration(images * seconds), bytes(step_bytes), whole(images));
  }

  private update(): void {
    const chosen = this.model.get("chosen");
    const facts = chosen.name ? [`${count(chosen.parameters)} ${TEXT.parameters}`, `${TEXT.pixels(chosen.input_size ?? 0)} px`, chosen.step_bytes ? TEXT.memory(bytes(chosen.step_bytes)) : "", weights(chosen as Entry)] : [];
    const cost = this.cost();
    this.card.replaceChildren(h("strong", { class: "tlw-ellipsis" }, this.model.get("value")), h("span", { class: "tlw-muted" }, facts.filter(Boolean).join(" · ")), cost && h("span", { class: "tlw-muted tlw-picker-cost", title: TEXT.epochMeaning }, cost));
    this.frame.toggleAttribute("data-costs", Boolean(this.model.get("images")) && this.model.get("pace")?.mac !== undefined);
    this.alert.show(this.model.get("error_text"));
    this.ranking.show(this.model.get("ranking"), this.model.get("value"));
    this.paint();
  }
}

function weights(entry: Entry): string {
  if (entry.source === "bundled") return TEXT.bundled;
  return entry.offline ? TEXT.onThisMachine : TEXT.download;
}

export default view((model: Model<State>, el, cleanup) => void new Picker(model, el, cleanup));

import "./styles/base.css";
import "./styles/picker.css";
import { commands, type Commands } from "./shared/commands";
import { alertLine, h, icon, mount, setText } from "./shared/dom";
import { count, whole } from "./shared/format";
import { Cleanup, type Model, type RenderProps } from "./shared/model";
import { askUntilAnswered } from "./shared/asking";
import { STRINGS } from "./shared/strings";

interface Entry {
  name: string;
  parameters: number | null;
  input_size: number;
  offline: boolean;
  source: string;
}

interface State {
  value: string;
  search: string;
  max_parameters: number | null;
  offline_only: boolean;
  chosen: Partial<Entry>;
  error_text: string;
}

const TEXT = STRINGS.picker;
const ROW = 36; // px, also in picker.css
const SPARE_ROWS = 6;
let instances = 0;

class Picker {
  private readonly commands: Commands;
  private readonly id = `tlw-picker-${++instances}`;
  private readonly search = h("input", { class: "tlw-input tlw-search", type: "search", placeholder: TEXT.placeholder, "aria-label": TEXT.search, autocomplete: "off", spellcheck: "false" });
  private readonly size = h("select", { class: "tlw-input", "aria-label": TEXT.size });
  private readonly offline = h("input", { type: "checkbox" });
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
    for (const [value, words] of TEXT.sizes) this.size.append(h("option", { value: value ?? "" }, words ?? ""));
    mount(el, "picker", TEXT.title).append(this.header(), this.filters(), this.columns(), this.list, this.summary, this.alert.element);
    this.list.append(this.space, this.empty);
    const catalogue = askUntilAnswered(model, cleanup);
    this.listen(cleanup, catalogue.got);
    this.readFilters();
    this.update();
    catalogue.ask({ t: "ready" });
  }

  private header(): HTMLElement {
    const words = h("div", {}, h("h3", { class: "tlw-title" }, TEXT.title), h("p", { class: "tlw-lead" }, TEXT.lead));
    return h("div", { class: "tlw-head" }, words, this.card);
  }

  private filters(): HTMLElement {
    return h("div", { class: "tlw-filters" }, this.search, this.size, h("label", { class: "tlw-check" }, this.offline, TEXT.offline));
  }

  private columns(): HTMLElement {
    const { name, parameters, input, weights } = TEXT.columns;
    return h("div", { class: "tlw-list-head tlw-muted", "aria-hidden": "true" }, h("span", {}, name), h("span", {}, parameters), h("span", {}, input), h("span", {}, weights));
  }

  private listen(cleanup: Cleanup, got: () => void): void {
    const { model } = this;
    this.search.addEventListener("input", () => this.write("search", this.search.value));
    this.size.addEventListener("change", () => this.write("max_parameters", this.size.value ? Number(this.size.value) : null));
    this.offline.addEventListener("change", () => this.write("offline_only", this.offline.checked));
    this.search.addEventListener("keydown", (event) => this.fromSearch(event));
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
    for (const name of ["value", "chosen", "error_text"]) cleanup.listen(model, `change:${name}`, () => this.update());
    for (const name of ["search", "max_parameters", "offline_only"]) cleanup.listen(model, `change:${name}`, () => this.readFilters());
  }

  private write<Key extends "search" | "max_parameters" | "offline_only">(key: Key, value: State[Key]): void {
    this.model.set(key, value);
    this.model.save_changes();
    this.filter();
  }

  private readFilters(): void {
    const limit = this.model.get("max_parameters");
    if (this.search.value !== this.model.get("search")) this.search.value = this.model.get("search");
    this.size.value = limit === null ? "" : String(limit);
    this.offline.checked = this.model.get("offline_only");
    this.filter();
  }

  private take(entries: Entry[]): void {
    this.entries = entries;
    this.filter();
    this.reveal(this.shown.findIndex((entry) => entry.name === this.model.get("value")));
  }

  private filter(): void {
    if (!this.entries.length) return;
    const words = this.model.get("search").toLowerCase().split(/\s+/).filter(Boolean);
    const limit = this.model.get("max_parameters") ?? Infinity;
    const offline = this.model.get("offline_only");
    const fits = (entry: Entry): boolean =>
      (limit === Infinity || (entry.parameters ?? Infinity) <= limit) &&
      (entry.offline || !offline) &&
      words.every((word) => entry.name.toLowerCase().includes(word));
    this.shown = this.entries.filter(fits);
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
      h("span", { class: "tlw-ellipsis" }, selected ? icon("check") : h("span", { class: "tlw-icon" }), entry.name),
      h("span", { class: "tlw-number" }, count(entry.parameters)),
      h("span", { class: "tlw-number" }, TEXT.pixels(entry.input_size)),
      h("span", { class: entry.offline ? "" : "tlw-muted" }, weights(entry)),
    );
    option.style.transform = `translateY(${index * ROW}px)`;
    return option;
  }

  private fromSearch(event: KeyboardEvent): void {
    if (event.key !== "ArrowDown" && event.key !== "Enter") return;
    event.preventDefault();
    if (event.key === "Enter") this.choose(this.current);
    else this.list.focus();
  }

  private key(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this.list.clientHeight / ROW) - 1);
    const moves: Record<string, number> = {
      ArrowDown: this.current + 1, ArrowUp: this.current - 1, PageDown: this.current + page, PageUp: this.current - page,
      Home: 0, End: this.shown.length - 1,
    };
    if (event.key === "Enter" || event.key === " ") this.choose(this.current);
    else if (event.key in moves) this.reveal(Math.min(this.shown.length - 1, Math.max(0, moves[event.key] ?? 0)));
    else return;
    event.preventDefault();
  }

  private click(event: Event): void {
    const option = (event.target as Element).closest<HTMLElement>(".tlw-option");
    if (option) this.choose(Number(option.dataset["index"]));
  }

  private reveal(index: number): void {
    if (index < 0) return;
    this.current = index;
    const top = index * ROW;
    if (top < this.list.scrollTop) this.list.scrollTop = top;
    else if (top + ROW > this.list.scrollTop + this.list.clientHeight) this.list.scrollTop = top + ROW - this.list.clientHeight;
    this.paint();
  }

  private async choose(index: number): Promise<void> {
    const entry = this.shown[index];
    if (!entry) return;
    this.current = index;
    this.choosing = entry.name;
    this.paint();
    const answer = await this.commands.send("choose", { name: entry.name });
    this.choosing = "";
    this.update();
    if (answer === "silence") this.alert.show(STRINGS.silence);
    else if (!answer.ok) this.alert.show(answer.error ?? "");
  }

  private update(): void {
    const chosen = this.model.get("chosen");
    const facts = chosen.name ? [`${count(chosen.parameters)} ${TEXT.parameters}`, `${TEXT.pixels(chosen.input_size ?? 0)} px`, weights(chosen as Entry)] : [];
    this.card.replaceChildren(h("strong", { class: "tlw-ellipsis" }, this.model.get("value")), h("span", { class: "tlw-muted" }, facts.join(" · ")));
    this.alert.show(this.model.get("error_text"));
    this.paint();
  }
}

function weights(entry: Entry): string {
  if (entry.source === "bundled") return TEXT.bundled;
  return entry.offline ? TEXT.onThisMachine : TEXT.download;
}

export default {
  render({ model, el }: RenderProps<State>): () => void {
    const cleanup = new Cleanup();
    new Picker(model, el, cleanup);
    return () => cleanup.run();
  },
};

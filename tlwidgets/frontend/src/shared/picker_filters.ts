// Search and filters above the list of backbones; every choice is a trait, so that Python can make it too.
import { tally, NO_FILTERS, type Entry, type Filters } from "./catalogue";
import { h } from "./dom";
import { bytes, count } from "./format";
import type { Cleanup, Model } from "./model";
import { PICKER_STRINGS } from "./picker_strings";

const TEXT = PICKER_STRINGS;
const PARAMETERS = [1e6, 1e7, 3e7, 1e8, 1e9];
const MACS = [1e8, 1e9, 5e9, 2e10];
const MEMORY = [1e9, 2e9, 4e9, 8e9, 16e9, 24e9, 80e9];
const NUMBERS = ["max_parameters", "max_macs", "max_memory", "input_size"] as const;
const WORDS = ["family", "licence", "pretrained_on"] as const;
type Select = (typeof NUMBERS)[number] | (typeof WORDS)[number];

export interface FilterState extends Filters {
  memory_here: number;
}

export class PickerFilters<State extends FilterState> {
  readonly search = h("input", { class: "tlw-input tlw-search", type: "search", placeholder: TEXT.placeholder, "aria-label": TEXT.search, autocomplete: "off", spellcheck: "false" });
  readonly element: HTMLElement;
  private readonly model: Model<FilterState>;
  private readonly offline = h("input", { type: "checkbox" });
  private readonly clear = h("button", { class: "tlw-button tlw-button-quiet", type: "button", "aria-label": TEXT.clearLabel }, TEXT.clear);
  private readonly selects: Record<Select, HTMLSelectElement>;

  constructor(model: Model<State>, cleanup: Cleanup, private readonly changed: () => void) {
    this.model = model as unknown as Model<FilterState>;
    const select = (key: Select): HTMLSelectElement => h("select", { class: "tlw-input", "aria-label": TEXT.filters[key], title: key === "max_memory" ? TEXT.memoryNote : TEXT.filters[key] });
    this.selects = Object.fromEntries([...NUMBERS, ...WORDS].map((key) => [key, select(key)])) as Record<Select, HTMLSelectElement>;
    const first = h("div", { class: "tlw-filters" }, this.search, h("label", { class: "tlw-check" }, this.offline, TEXT.offline), this.clear);
    this.element = h("div", {}, first, h("div", { class: "tlw-filters tlw-selects" }, ...Object.values(this.selects)));
    this.fill([]);
    this.listen(cleanup);
    this.read();
  }

  get filters(): Filters {
    return Object.fromEntries(Object.keys(NO_FILTERS).map((key) => [key, this.model.get(key as keyof Filters)])) as unknown as Filters;
  }

  /** Offer what the catalogue holds. */
  fill(entries: Entry[]): void {
    const limits = (sizes: number[], words: (n: string) => string, unit: (n: number) => string): [string, string][] =>
      sizes.map((size) => [String(size), words(unit(size))]);
    const values = (all: (string | number)[], words: (value: string | number) => string = String): [string, string][] => tally(all).map(([value, n]) => [String(value), TEXT.choice(words(value), n)]);
    const here = Math.floor(this.model.get("memory_here"));
    const memory = limits(MEMORY, TEXT.upToMemory, bytes);
    if (here > 0) memory.unshift([String(here), TEXT.memoryHere(bytes(here))]);
    const options: Record<Select, [string, string][]> = {
      max_parameters: limits(PARAMETERS, TEXT.upToParameters, count),
      max_macs: limits(MACS, TEXT.upToMacs, count),
      max_memory: memory,
      input_size: values(entries.map((entry) => entry.input_size), (size) => TEXT.pixels(Number(size))),
      family: values(entries.map((entry) => entry.family), (family) => String(family).replaceAll("_", " ")),
      licence: values(entries.map((entry) => entry.licence)),
      pretrained_on: values(entries.flatMap((entry) => entry.datasets)),
    };
    for (const [key, choices] of Object.entries(options) as [Select, [string, string][]][]) {
      this.selects[key].replaceChildren(h("option", { value: "" }, TEXT.any[key]), ...choices.map(([value, words]) => h("option", { value }, words)));
    }
    this.read();
  }

  private listen(cleanup: Cleanup): void {
    this.search.addEventListener("input", () => this.write("search", this.search.value));
    this.offline.addEventListener("change", () => this.write("offline_only", this.offline.checked));
    for (const key of NUMBERS) this.selects[key].addEventListener("change", () => this.write(key, this.selects[key].value ? Number(this.selects[key].value) : null));
    for (const key of WORDS) this.selects[key].addEventListener("change", () => this.write(key, this.selects[key].value));
    this.clear.addEventListener("click", () => {
      for (const [key, value] of Object.entries(NO_FILTERS)) this.model.set(key as keyof Filters, value as never);
      this.model.save_changes();
      this.search.focus();
    });
    for (const key of Object.keys(NO_FILTERS)) {
      cleanup.listen(this.model, `change:${key}`, () => {
        this.read();
        this.changed();
      });
    }
  }

  private write<Key extends keyof Filters>(key: Key, value: Filters[Key]): void {
    this.model.set(key, value as FilterState[Key]);
    this.model.save_changes();
  }

  private read(): void {
    const filters = this.filters;
    if (this.search.value !== filters.search) this.search.value = filters.search;
    this.offline.checked = filters.offline_only;
    for (const key of [...NUMBERS, ...WORDS]) this.show(this.selects[key], filters[key]);
    this.clear.hidden = Object.entries(NO_FILTERS).every(([key, value]) => filters[key as keyof Filters] === value);
  }

  /** A value set from Python may be none of those offered: offer it too, so that the filter is not hidden. */
  private show(select: HTMLSelectElement, value: string | number | null): void {
    const wanted = value === null ? "" : String(value);
    if (![...select.options].some((option) => option.value === wanted)) select.append(h("option", { value: wanted }, wanted));
    select.value = wanted;
    select.toggleAttribute("data-set", wanted !== "");
  }
}

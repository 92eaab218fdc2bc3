import "./styles/base.css";
import "./styles/freeze_board.css";
import { askUntilAnswered } from "./shared/asking";
import { commands, type Commands } from "./shared/commands";
import { alertLine, h, icon, mount, setDisabled, setText } from "./shared/dom";
import { count, percent, rate, whole } from "./shared/format";
import type { Cleanup, Model } from "./shared/model";
import { BOARD_STRINGS } from "./shared/board_strings";
import { BoardCosts, type Costs } from "./shared/board_costs";
import { FrostLine } from "./shared/frost_line";
import { STRINGS } from "./shared/strings";
import { view } from "./shared/view";

interface Block {
  name: string;
  kind: string;
  parameters: number;
  share: number;
  norms: number;
}

interface Stage {
  name: string;
  label: string;
  parameters: number | null;
  share: number | null;
  norms: number | null;
  learning: Record<string, number>;
  blocks?: Block[];
}

interface Live {
  rate: number;
  moved: number | null;
}

interface State {
  live: Record<string, Live>;
  backbone_name: string;
  stages: Stage[];
  states: Record<string, string>;
  trainable_parameters: number;
  total_parameters: number;
  can_undo: boolean;
  can_redo: boolean;
  costs: Partial<Costs>;
  note: string;
  error_text: string;
}

const TEXT = BOARD_STRINGS;

const FAR = 0.1;
const ORDER = ["frozen", "norm", "lora", "trainable"];

interface Row {
  element: HTMLElement;
  toggle: HTMLButtonElement;
  select: HTMLSelectElement;
  norm: HTMLElement;
  rate: HTMLElement;
  moved: HTMLElement;
  open: HTMLButtonElement | null;
}

class Board {
  private readonly commands: Commands;
  private readonly body = h("tbody");
  private readonly rows = new Map<string, Row>();
  private readonly total = h("span", { class: "tlw-board-total" });
  private readonly totalFill = h("span");
  private readonly note = h("p", { class: "tlw-lead", role: "status" });
  private readonly name = h("span", { class: "tlw-muted tlw-ellipsis" });
  private readonly alert = alertLine();
  private readonly line: FrostLine;
  private readonly liveHeads = [heading(TEXT.rate, TEXT.rateMeaning), heading(TEXT.moved, TEXT.movedMeaning)];
  private readonly undo = h("button", { class: "tlw-button tlw-button-quiet", type: "button" }, icon("undo"), TEXT.undo);
  private readonly redo = h("button", { class: "tlw-button tlw-button-quiet", type: "button" }, icon("redo"), TEXT.redo);
  private readonly costs = new BoardCosts();
  private readonly opened = new Set<string>();
  /** What the person asked for and the kernel has not yet confirmed, so that a click shows at once. */
  private wished: Record<string, string> = {};

  constructor(
    private readonly model: Model<State>,
    el: HTMLElement,
    cleanup: Cleanup,
  ) {
    this.commands = commands(model, cleanup);
    this.undo.addEventListener("click", () => void this.ask("undo"));
    this.redo.addEventListener("click", () => void this.ask("redo"));
    this.line = new FrostLine(this.body, (frozen, done) => this.freezeFirst(frozen, done));
    const board = h("div", { class: "tlw-board-body" }, this.table(), this.line.element);
    const root = mount(el, "board", TEXT.title);
    root.append(this.header(), board, this.footer(), this.costs.element, this.note, this.alert.element);
    root.addEventListener("keydown", (event) => this.takeBack(event));
    cleanup.listen(model, "change:stages", () => this.build());
    const observer = new ResizeObserver(() => this.line.place());
    observer.observe(board);
    cleanup.add(() => observer.disconnect());
    for (const name of ["states", "trainable_parameters", "can_undo", "can_redo", "live", "note", "error_text"]) {
      cleanup.listen(model, `change:${name}`, () => this.update());
    }
    this.build();
    this.watchCosts(cleanup);
  }

  /** What a run takes is measured only where somebody looks. */
  private watchCosts(cleanup: Cleanup): void {
    const answers = askUntilAnswered(this.model, cleanup);
    const show = (): void => {
      const costs = this.model.get("costs") ?? {};
      if (costs.status !== undefined && costs.status !== "new") answers.got();
      this.costs.show(costs);
    };
    cleanup.listen(this.model, "change:costs", show);
    answers.ask({ t: "ready" });
    show();
  }

  private header(): HTMLElement {
    const preset = (word: string, command: string): HTMLElement =>
      h("button", { class: "tlw-button", type: "button", onclick: () => void this.ask(command) }, word);
    const words = h("div", {}, h("h3", { class: "tlw-title" }, TEXT.title), h("p", { class: "tlw-lead" }, TEXT.lead));
    return h(
      "div",
      { class: "tlw-head" },
      words,
      h("div", { class: "tlw-actions" }, this.undo, this.redo, preset(TEXT.headOnly, "head_only"), preset(TEXT.everything, "everything")),
    );
  }

  private table(): HTMLElement {
    const column = (name: string): HTMLElement => h("th", { scope: "col" }, name);
    const head = h(
      "tr",
      {},
      column(TEXT.stage),
      column(TEXT.state),
      column(TEXT.parameters),
      column(TEXT.share),
      heading(TEXT.norm, TEXT.normMeaning),
      ...this.liveHeads,
      h("th", { scope: "col" }, h("span", { class: "tlw-hidden-label" }, TEXT.until)),
    );
    return h("table", { class: "tlw-table tlw-board-table" }, h("thead", {}, head), this.body);
  }

  private footer(): HTMLElement {
    return h(
      "div",
      { class: "tlw-board-footer" },
      h("div", { class: "tlw-board-words" }, this.total, this.name),
      h("span", { class: "tlw-bar", "aria-hidden": "true" }, this.totalFill),
    );
  }

  private build(): void {
    this.rows.clear();
    const stages = this.model.get("stages");
    const largest = Math.max(1, ...stages.map((stage) => stage.parameters ?? 0));
    const rows = stages.map((stage, index) => this.row(stage, index, stages.length, largest));
    this.body.replaceChildren(...rows);
    for (const stage of stages) if (this.opened.has(stage.name)) this.showBlocks(stage);
    this.update();
  }

  private row(stage: Stage, index: number, size: number, largest: number): HTMLElement {
    const toggle = h("button", {
      class: "tlw-toggle",
      type: "button",
      role: "switch",
      "data-stage": stage.name,
      "aria-label": TEXT.toggleLabel(stage.name),
      onclick: () => void this.flip(stage.name),
      onkeydown: (event: KeyboardEvent) => this.move(event, index),
    });
    const select = this.select(stage);
    const open = this.opener(stage);
    const norm = h("td", { class: "tlw-muted tlw-norms" });
    const rate = h("td", { class: "tlw-number" });
    const moved = h("td");
    const end = index === 0 ? TEXT.input : index === size - 1 ? TEXT.output : "";
    const until = h(
      "button",
      { class: "tlw-button tlw-button-quiet tlw-until", type: "button", "aria-label": TEXT.untilLabel(stage.name), title: TEXT.untilLabel(stage.name), onclick: () => void this.until(stage.name) },
      icon("down"),
    );
    const element = h(
      "tr",
      { class: "tlw-stage-row" },
      h("th", { scope: "row" }, open, h("span", { class: "tlw-stage-name" }, stage.name), h("span", { class: "tlw-stage-label tlw-mono", title: stage.label }, stage.label), end && h("span", { class: "tlw-tag" }, end)),
      h("td", {}, h("span", { class: "tlw-states" }, toggle, select)),
      h("td", {}, meter(count(stage.parameters), (stage.parameters ?? 0) / largest)),
      h("td", {}, meter(percent(stage.share, 0), stage.share ?? 0)),
      norm,
      rate,
      moved,
      h("td", { class: "tlw-until-cell" }, index < size - 1 && until),
    );
    this.rows.set(stage.name, { element, toggle, select, norm, rate, moved, open });
    return element;
  }

  private opener(stage: Stage): HTMLButtonElement | null {
    if (!stage.blocks?.length) return null;
    return h("button", { class: "tlw-opener", type: "button", "aria-expanded": "false", "aria-label": TEXT.blocksOf(stage.name, stage.blocks.length), title: TEXT.blocksOf(stage.name, stage.blocks.length), onclick: () => this.openOrClose(stage) }, icon("right"));
  }

  private openOrClose(stage: Stage): void {
    if (this.opened.delete(stage.name)) {
      for (const row of this.body.querySelectorAll(`tr[data-of="${CSS.escape(stage.name)}"]`)) row.remove();
      this.rows.get(stage.name)?.open?.setAttribute("aria-expanded", "false");
    } else {
      this.opened.add(stage.name);
      this.showBlocks(stage);
    }
    this.update();
  }

  /** A row for each block below its stage; its state is that of the stage. */
  private showBlocks(stage: Stage): void {
    const row = this.rows.get(stage.name);
    if (!row?.open) return;
    row.open.setAttribute("aria-expanded", "true");
    const largest = Math.max(1, ...this.model.get("stages").map((other) => other.parameters ?? 0));
    row.element.after(...(stage.blocks ?? []).map((block) => blockRow(stage.name, block, largest)));
  }

  /** The keys of every editor: Ctrl+Z, and Ctrl+Shift+Z or Ctrl+Y. */
  private takeBack(event: KeyboardEvent): void {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    const command = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : "";
    if (!command) return;
    event.preventDefault();
    event.stopPropagation();
    if (this.model.get(command === "undo" ? "can_undo" : "can_redo")) void this.ask(command);
  }

  private state(stage: string): string {
    return this.wished[stage] ?? this.model.get("states")[stage] ?? "trainable";
  }

  /** All four states; those that would let nothing learn in this stage cannot be chosen. */
  private select(stage: Stage): HTMLSelectElement {
    const options = ORDER.map((state) => {
      const empty = state !== "frozen" && stage.learning[state] === 0;
      const word = TEXT.states[state] ?? state;
      return h("option", { value: state, disabled: empty }, empty ? TEXT.noSuch(word) : word);
    });
    const select = h("select", { class: "tlw-input tlw-more-states", "aria-label": TEXT.moreStates(stage.name), title: TEXT.moreStates(stage.name) }, ...options);
    select.addEventListener("change", () => void this.setState(stage.name, select.value));
    return select;
  }

  private flip(stage: string): Promise<void> {
    return this.setState(stage, this.state(stage) === "frozen" ? "trainable" : "frozen");
  }

  private setState(stage: string, state: string): Promise<void> {
    this.wished[stage] = state;
    return this.ask("set_state", { stage, state });
  }

  /** The line was moved: so many stages from the input are frozen, shown at once and asked of the kernel when it is let go. */
  private freezeFirst(frozen: number, done: boolean): void {
    const stages = this.model.get("stages");
    if (done) {
      const last = stages[frozen - 1];
      if (last) void this.until(last.name);
      else void this.ask("everything");
      return;
    }
    this.wished = Object.fromEntries(stages.map(({ name }, index) => [name, index < frozen ? "frozen" : "trainable"]));
    this.update();
  }

  private until(stage: string): Promise<void> {
    let state = "frozen";
    for (const { name } of this.model.get("stages")) {
      this.wished[name] = state;
      if (name === stage) state = "trainable";
    }
    return this.ask("freeze_until", { stage });
  }

  /** Up and down go to the switch of the neighbouring stage. */
  private move(event: KeyboardEvent, index: number): void {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const target = step && [...this.rows.values()][index + step];
    if (!target) return;
    event.preventDefault();
    target.toggle.focus();
  }

  private async ask(name: string, args: Record<string, unknown> = {}): Promise<void> {
    this.update();
    const answer = await this.commands.send(name, args);
    this.wished = {};
    this.update();
    if (answer === "silence") this.alert.show(STRINGS.silence);
    else if (!answer.ok) this.alert.show(answer.error ?? "");
  }

  private update(): void {
    const live = this.model.get("live") ?? {};
    for (const head of this.liveHeads) head.hidden = !Object.keys(live).length;
    for (const cell of this.body.querySelectorAll<HTMLElement>(".tlw-block-live")) cell.hidden = !Object.keys(live).length;
    for (const stage of this.model.get("stages")) this.updateRow(stage, live[stage.name]);
    this.updateLine();
    const all = this.model.get("total_parameters");
    const learning = this.learning();
    setText(this.total, learning === 0 && all > 0 ? TEXT.nothing : TEXT.total(whole(learning), whole(all), percent(all ? learning / all : 0)));
    setText(this.name, this.model.get("backbone_name"));
    this.totalFill.style.width = `${all ? (100 * learning) / all : 0}%`;
    setDisabled(this.undo, !this.model.get("can_undo"));
    setDisabled(this.redo, !this.model.get("can_redo"));
    setText(this.note, this.model.get("note"));
    this.note.hidden = this.model.get("note") === "";
    this.alert.show(this.model.get("error_text"));
  }

  private learning(): number {
    return this.model.get("stages").reduce((sum, stage) => sum + (stage.learning[this.state(stage.name)] ?? 0), 0);
  }

  private updateLine(): void {
    const names = this.model.get("stages").map(({ name }) => name);
    const learning = names.findIndex((name) => this.state(name) !== "frozen");
    this.line.show(learning < 0 ? names.length : learning, names);
  }

  private updateRow(stage: Stage, live: Live | undefined): void {
    const row = this.rows.get(stage.name);
    if (!row) return;
    const state = this.state(stage.name);
    const learns = state !== "frozen";
    if (row.element.dataset["state"] !== state) {
      row.element.dataset["state"] = state;
      row.toggle.setAttribute("aria-checked", String(learns));
      row.toggle.replaceChildren(icon(learns ? "trainable" : "frozen"), TEXT.states[state] ?? state);
    }
    row.select.value = state;
    // Only a wholly trainable stage lets the running statistics move.
    setText(row.norm, !stage.norms ? TEXT.normNone : TEXT.norms(stage.norms, TEXT.normStatus[state] ?? state));
    row.rate.hidden = row.moved.hidden = !live;
    if (!live) return;
    setText(row.rate, live.rate ? rate(live.rate) : "0");
    showMoved(row.moved, live.moved);
  }
}

function heading(word: string, meaning: string): HTMLElement {
  return h("th", { scope: "col", title: meaning }, word);
}

/** A bar that is full where a stage has moved by a tenth of its length: fine-tuning seldom moves one further. */
function showMoved(cell: HTMLElement, moved: number | null): void {
  if (moved === null) {
    cell.replaceChildren(h("span", { class: "tlw-muted", title: TEXT.freshMeaning }, TEXT.fresh));
    return;
  }
  const words = moved === 0 ? TEXT.still : percent(moved, moved < 0.01 ? 2 : 1);
  cell.replaceChildren(meter(words, moved / FAR));
}

function blockRow(stage: string, block: Block, largest: number): HTMLElement {
  const name = h("th", { scope: "row" }, h("span", { class: "tlw-block-name tlw-mono" }, block.name), h("span", { class: "tlw-stage-label" }, block.kind));
  const norms = block.norms ? String(block.norms) : TEXT.normNone;
  const live = (): HTMLElement => h("td", { class: "tlw-block-live" });
  return h("tr", { class: "tlw-block-row", "data-of": stage }, name, h("td"), h("td", {}, meter(count(block.parameters), block.parameters / largest)), h("td", {}, meter(percent(block.share, 0), block.share)), h("td", { class: "tlw-muted tlw-norms" }, norms), live(), live(), h("td"));
}

/** A number with a short bar beside it that compares it with the other rows. */
function meter(words: string, share: number): HTMLElement {
  const fill = h("span");
  fill.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
  return h("span", { class: "tlw-meter" }, h("span", { class: "tlw-bar", "aria-hidden": "true" }, fill), h("span", { class: "tlw-number" }, words));
}

export default view((model: Model<State>, el, cleanup) => void new Board(model, el, cleanup));

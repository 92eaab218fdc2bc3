// A line between the stages that can be dragged: everything from the input to it is frozen.
import { BOARD_STRINGS } from "./board_strings";
import { h } from "./dom";

const TEXT = BOARD_STRINGS;

export class FrostLine {
  readonly element = h("div", { class: "tlw-frost-line", role: "slider", tabindex: 0, "aria-label": TEXT.line, "aria-orientation": "vertical", title: TEXT.line }, h("span", { class: "tlw-frost-grip", "aria-hidden": "true" }));
  private names: string[] = [];
  private frozen = 0;
  private dragging = false;

  /** `moved` hears where the line is while it is dragged, and once more with `done` when it is let go. */
  constructor(private readonly body: HTMLElement, private readonly moved: (frozen: number, done: boolean) => void) {
    this.element.addEventListener("pointerdown", (event) => this.take(event));
    this.element.addEventListener("pointermove", (event) => this.dragging && this.moveTo(this.nearest(event.clientY)));
    this.element.addEventListener("pointerup", () => this.letGo(true));
    this.element.addEventListener("pointercancel", () => this.letGo(false));
    this.element.addEventListener("keydown", (event) => this.key(event));
  }

  /** Show so many stages frozen from the input; while it is dragged, the line stays with the pointer. */
  show(frozen: number, names: string[]): void {
    this.names = names;
    if (!this.dragging) this.frozen = frozen;
    const last = names[this.frozen - 1];
    const values = { "aria-valuemin": 0, "aria-valuemax": names.length, "aria-valuenow": this.frozen, "aria-valuetext": last === undefined ? TEXT.lineNone : TEXT.lineAt(last) };
    for (const [key, value] of Object.entries(values)) this.element.setAttribute(key, String(value));
    this.place();
  }

  /** Put the line under the last frozen row, wherever the table has put that. */
  place(): void {
    const rows = this.stageRows();
    const first = rows[0];
    // A stage ends where the next one begins: its blocks may be shown below it.
    const last = this.frozen > 0 ? ((rows[this.frozen]?.previousElementSibling ?? this.body.lastElementChild) as HTMLElement | null) : null;
    this.element.hidden = first === undefined;
    const top = this.element.offsetParent?.getBoundingClientRect().top ?? 0;
    const edge = last ? last.getBoundingClientRect().bottom : (first?.getBoundingClientRect().top ?? 0);
    this.element.style.top = `${edge - top}px`;
  }

  private stageRows(): HTMLElement[] {
    return [...this.body.querySelectorAll<HTMLElement>(".tlw-stage-row")];
  }

  private take(event: PointerEvent): void {
    this.dragging = true;
    this.element.setPointerCapture(event.pointerId);
    this.element.focus();
    event.preventDefault();
  }

  private letGo(keep: boolean): void {
    if (!this.dragging) return;
    this.dragging = false;
    if (keep) this.moved(this.frozen, true);
  }

  private moveTo(frozen: number): void {
    if (frozen === this.frozen) return;
    this.frozen = frozen;
    this.moved(frozen, false);
  }

  /** Stages whose middle lies above the pointer; the last one always learns. */
  private nearest(y: number): number {
    const middles = this.stageRows().map((row) => row.getBoundingClientRect()).map((box) => (box.top + box.bottom) / 2);
    return Math.min(this.names.length - 1, middles.filter((middle) => middle < y).length);
  }

  private key(event: KeyboardEvent): void {
    const most = this.names.length - 1;
    const target = { ArrowDown: this.frozen + 1, ArrowRight: this.frozen + 1, ArrowUp: this.frozen - 1, ArrowLeft: this.frozen - 1, Home: 0, End: most }[event.key];
    if (target === undefined) return;
    event.preventDefault();
    const frozen = Math.max(0, Math.min(most, target));
    if (frozen === this.frozen) return;
    this.frozen = frozen;
    this.moved(frozen, true);
  }
}

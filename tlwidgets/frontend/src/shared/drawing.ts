// A white surface to draw on: with the mouse, a finger or a pen, and with the keyboard alone.
import { h, setText } from "./dom";
import type { Cleanup } from "./model";
import { STRINGS } from "./strings";

type Point = readonly [number, number];

const TEXT = STRINGS.drawing;
const SIDE = 280; // pixels of the surface
const WIDTH = 16; // of a stroke
const CELLS = 16; // steps of the pen across the surface
const STEP = SIDE / CELLS;
const FINE = 4; // so many steps with Shift make one without
const REST_MS = 400; // where the pen is gets told when it rests, not at each step

/** The four corner keys lie around the arrows of a number pad, and draw diagonals with one finger. */
const DIRECTIONS: Record<string, Point> = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
  Home: [-1, -1], PageUp: [1, -1], End: [-1, 1], PageDown: [1, 1],
};

export interface DrawingListener {
  /** There is more, or less, to be seen than before. */
  changed(): void;
  /** Enter was pressed on a drawing. */
  entered(): void;
}

export class Drawing {
  readonly element: HTMLElement;
  readonly canvas = h("canvas", { width: SIDE, height: SIDE, class: "tlw-drawing-canvas", role: "application", tabindex: 0, "aria-label": TEXT.canvas });
  /** What the keys do, to be shown beside the surface. */
  readonly help = h("p", {}, TEXT.keys(CELLS, FINE));
  private readonly cursor = h("span", { class: "tlw-drawing-cursor", "aria-hidden": "true", hidden: true });
  private readonly news = h("div", { class: "tlw-hidden-label", role: "status", "aria-live": "polite" });
  private strokes: Point[][] = [];
  private wiped: Point[][] = [];
  private place: Point = [STEP * (CELLS / 2 - 0.5), STEP * (CELLS / 2 - 0.5)];
  private dragging = false;
  private down = false;
  private readonly held = new Set<string>();
  private movedWhileSpaceIsHeld = false;
  private rest: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly listener: DrawingListener,
    cleanup: Cleanup,
  ) {
    this.help.id = `tlw-drawing-${Math.random().toString(36).slice(2)}`;
    this.canvas.setAttribute("aria-describedby", this.help.id);
    this.element = h("div", { class: "tlw-drawing" }, this.canvas, this.cursor, this.news);
    this.listenToPointer();
    this.listenToKeys();
    cleanup.add(() => clearTimeout(this.rest));
    this.redraw();
  }

  get empty(): boolean {
    return this.strokes.length === 0;
  }

  /** Begin anew; `undo` brings the strokes back unless they were given away. */
  wipe(given = false): void {
    this.wiped = given ? [] : this.strokes.length ? this.strokes : this.wiped;
    this.strokes = [];
    this.lift();
    this.redraw();
  }

  /** Tell a screen reader, when it has finished what it is saying. */
  say(words: string): void {
    clearTimeout(this.rest);
    setText(this.news, words);
  }

  private listenToPointer(): void {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      canvas.focus({ preventScroll: true }); // Ctrl+Z takes this stroke back
      this.lift();
      this.cursor.hidden = true;
      this.dragging = true;
      this.place = this.placeOf(event);
      this.begin();
      event.preventDefault();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (this.dragging) this.drawTo(this.placeOf(event));
    });
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => (this.dragging = false));
  }

  private placeOf(event: PointerEvent): Point {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * SIDE) / box.width, ((event.clientY - box.top) * SIDE) / box.height];
  }

  private listenToKeys(): void {
    const { canvas } = this;
    canvas.addEventListener("keydown", (event) => {
      if (event.altKey || !this.obey(event)) return;
      event.preventDefault(); // the page scrolls with arrows and Space
      event.stopPropagation();
      this.showCursor();
    });
    canvas.addEventListener("keyup", (event) => {
      this.held.delete(event.key);
      if (event.key === " " && this.down && this.movedWhileSpaceIsHeld) this.toggle();
    });
    canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && this.showCursor());
    canvas.addEventListener("blur", () => {
      this.lift();
      this.held.clear();
      this.cursor.hidden = true;
    });
  }

  /** Do what a key asks for; false where it is none of ours. */
  private obey(event: KeyboardEvent): boolean {
    const { key } = event;
    if (event.ctrlKey || event.metaKey) {
      if (key.toLowerCase() !== "z" || event.shiftKey) return false;
      this.undo();
    } else if (key in DIRECTIONS) this.move(key, event.shiftKey ? STEP / FINE : STEP);
    else if (key === " ") {
      if (!event.repeat) this.toggle();
    } else if (key === "Enter") {
      if (!event.repeat) this.enter();
    } else if (key === "Delete" || key === "Backspace") {
      this.wipe();
      this.say(TEXT.cleared);
    } else return false;
    return true;
  }

  /** Two arrows that are held at once make a diagonal. */
  private move(key: string, step: number): void {
    this.held.add(key);
    const ways = [...this.held].map((name) => DIRECTIONS[name] as Point);
    const along = (axis: 0 | 1): number => {
      const sum = Math.sign(ways.reduce((total, way) => total + way[axis], 0));
      return Math.max(STEP / 2, Math.min(SIDE - STEP / 2, this.place[axis] + step * sum));
    };
    const [from, to]: [Point, Point] = [this.place, [along(0), along(1)]];
    this.movedWhileSpaceIsHeld = true;
    if (this.down) this.drawTo(to);
    else this.place = to;
    const stuck = from[0] === to[0] && from[1] === to[1];
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.say((stuck ? `${TEXT.edge} ` : "") + this.where()), REST_MS);
  }

  private toggle(): void {
    this.down = !this.down;
    this.movedWhileSpaceIsHeld = false;
    if (this.down) this.begin();
    this.showCursor();
    this.say(this.where());
  }

  private enter(): void {
    if (this.empty) return this.say(TEXT.empty);
    this.lift();
    this.listener.entered();
  }

  private undo(): void {
    this.lift();
    if (this.empty && this.wiped.length) [this.strokes, this.wiped] = [this.wiped, []];
    else if (!this.strokes.pop()) return this.say(TEXT.empty);
    this.redraw();
    this.say(TEXT.strokes(this.strokes.length));
    if (!this.empty) this.listener.changed();
  }

  private lift(): void {
    this.down = this.dragging = this.movedWhileSpaceIsHeld = false;
    this.drawCursor();
  }

  private where(): string {
    const [column, row] = this.place.map((value) => Math.min(CELLS, Math.floor(value / STEP) + 1));
    return TEXT.where(this.down, column as number, row as number, CELLS);
  }

  private showCursor(): void {
    this.cursor.hidden = false;
    this.drawCursor();
  }

  /** Beside the surface's pixels, never in them: what is drawn goes to the kernel. */
  private drawCursor(): void {
    this.cursor.style.left = `${(100 * this.place[0]) / SIDE}%`;
    this.cursor.style.top = `${(100 * this.place[1]) / SIDE}%`;
    this.cursor.dataset["pen"] = this.down ? "down" : "up";
  }

  private begin(): void {
    this.strokes.push([this.place]);
    this.redraw();
    this.listener.changed();
  }

  private drawTo(to: Point): void {
    this.strokes.at(-1)?.push(to);
    this.place = to;
    this.redraw();
    this.listener.changed();
  }

  /** Each stroke is one line: painted piece by piece, its soft edges would be painted twice where two pieces meet. */
  private redraw(): void {
    const { context } = this;
    context.fillStyle = "#fff";
    context.fillRect(0, 0, SIDE, SIDE);
    Object.assign(context, { fillStyle: "#000", strokeStyle: "#000", lineWidth: WIDTH, lineCap: "round", lineJoin: "round" });
    for (const stroke of this.strokes) {
      context.beginPath();
      if (stroke.length === 1) context.arc(...(stroke[0] as Point), WIDTH / 2, 0, 2 * Math.PI); // a tap makes a dot
      for (const point of stroke) context.lineTo(...point);
      if (stroke.length === 1) context.fill();
      else context.stroke();
    }
  }

  private get context(): CanvasRenderingContext2D {
    return this.canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
  }
}

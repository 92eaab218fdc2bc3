import "./styles/base.css";
import "./styles/domains.css";
import { askUntilAnswered } from "./shared/asking";
import { commands, type Commands } from "./shared/commands";
import { MESSAGES } from "./shared/dashboard_strings";
import { alertLine, h, mount, setText } from "./shared/dom";
import { DOMAINS } from "./shared/domains_strings";
import { percent } from "./shared/format";
import { Pictures } from "./shared/pictures";
import type { Cleanup, Model } from "./shared/model";
import { view } from "./shared/view";

type Slider = "brightness" | "contrast" | "noise";
type Adaptation = "none" | "standardise" | "coral";

interface State {
  shifts: Record<Slider, number>;
  adaptation: Adaptation;
  source_accuracy: number;
  target_accuracy: number;
  sentence: string;
  error_text: string;
}

const SLIDERS: [Slider, number, number, number][] = [["brightness", -0.6, 0.6, 0.05], ["contrast", 0.2, 2, 0.1], ["noise", 0, 0.4, 0.02]];
const SIDE = { width: 480, height: 340, margin: 14 };
const SVG = "http://www.w3.org/2000/svg";

class Domains {
  private readonly commands: Commands;
  private readonly sliders: { name: Slider; input: HTMLInputElement; value: HTMLElement }[];
  private readonly radios: HTMLInputElement[];
  private readonly scatter = document.createElementNS(SVG, "svg");
  private readonly told = h("p", { class: "tlw-domains-told", role: "status" });
  private readonly accuracy = { source: h("dd"), target: h("dd") };
  private readonly alert = alertLine();
  private readonly samples = h("div", { class: "tlw-domains-samples" });
  private readonly pictures: Pictures;
  private busy = false;
  private readonly wishes = new Map<string, Record<string, unknown>>();

  constructor(
    private readonly model: Model<State>,
    el: HTMLElement,
    cleanup: Cleanup,
  ) {
    this.commands = commands(model, cleanup);
    this.pictures = new Pictures(cleanup);
    this.sliders = SLIDERS.map(([name, min, max, step]) => ({
      name,
      input: h("input", { type: "range", min, max, step, oninput: () => void this.shift() }),
      value: h("span", { "aria-hidden": "true" }),
    }));
    const group = `tlw-adaptation-${Math.random()}`;
    this.radios = Object.keys(DOMAINS.adaptations).map((value) => h("input", { type: "radio", name: group, value, onchange: () => void this.ask("adapt", { adaptation: value }) }));
    this.scatter.setAttribute("viewBox", `0 0 ${SIDE.width} ${SIDE.height}`);
    this.scatter.setAttribute("class", "tlw-scatter");
    this.scatter.setAttribute("role", "img");
    const words = h("div", {}, h("h3", { class: "tlw-title" }, DOMAINS.title), h("p", { class: "tlw-lead" }, DOMAINS.lead));
    mount(el, "domains", DOMAINS.title).append(
      h("div", { class: "tlw-head" }, words),
      h("div", { class: "tlw-domains-columns" }, this.controls(), this.figure()),
      this.told,
      this.alert.element,
    );
    this.listen(cleanup);
  }

  private listen(cleanup: Cleanup): void {
    const points = askUntilAnswered(this.model, cleanup);
    cleanup.listen(this.model, "msg:custom", (message: { t: string; names: string[] }, buffers: DataView[]) => {
      if (message.t !== "points") return;
      points.got();
      this.draw(buffers.slice(0, 2).map(floats));
      const sources = this.pictures.replace(buffers.slice(2));
      this.samples.replaceChildren(...sources.map((src, index) => h("img", { src, alt: DOMAINS.sample(message.names[index] ?? "") })));
    });
    for (const name of ["shifts", "adaptation", "source_accuracy", "target_accuracy", "sentence"]) cleanup.listen(this.model, `change:${name}`, () => this.update());
    cleanup.listen(this.model, "change:error_text", () => this.alert.show(this.model.get("error_text")));
    points.ask({ t: "ready" });
    this.update();
  }

  private controls(): HTMLElement {
    const sliders = this.sliders.map(({ name, input, value }) => h("label", { class: "tlw-slider" }, h("span", {}, DOMAINS.sliders[name]), value, input));
    const radios = this.radios.map((radio) => h("label", {}, radio, DOMAINS.adaptations[radio.value as Adaptation]));
    const back = h("button", { class: "tlw-button", type: "button", onclick: () => void this.ask("shift", { brightness: 0, contrast: 1, noise: 0 }) }, DOMAINS.back);
    const facts = h("dl", { class: "tlw-facts" }, ...(["source", "target"] as const).map((name) => h("div", {}, h("dt", {}, DOMAINS.accuracy[name]), this.accuracy[name])));
    return h("div", { class: "tlw-domains-controls" }, this.samples, ...sliders, h("div", {}, back), h("fieldset", {}, h("legend", {}, DOMAINS.adaptation), ...radios), facts);
  }

  private figure(): HTMLElement {
    const key = (name: "source" | "target"): HTMLElement => {
      const svg = document.createElementNS(SVG, "svg");
      svg.setAttribute("viewBox", "-7 -7 14 14");
      svg.setAttribute("aria-hidden", "true");
      svg.append(mark(name, [[0, 0]]));
      return h("span", {}, svg, DOMAINS[name]);
    };
    return h("figure", {}, this.scatter, h("figcaption", {}, key("source"), key("target"), h("span", { class: "tlw-muted" }, DOMAINS.axes)));
  }

  private shift(): Promise<void> {
    const shifts = Object.fromEntries(this.sliders.map(({ name, input }) => [name, Number(input.value)]));
    for (const { input, value } of this.sliders) setText(value, input.value);
    return this.ask("shift", shifts);
  }

  /** One question at a time: while the kernel looks, the latest wish of each kind is remembered. */
  private async ask(name: string, args: Record<string, unknown>): Promise<void> {
    this.wishes.set(name, args);
    if (this.busy) return;
    this.busy = true;
    for (let next = this.take(); next; next = this.take()) {
      const answer = await this.commands.send(...next);
      this.alert.show(answer === "silence" ? MESSAGES.silence : answer.ok ? "" : (answer.error ?? ""));
    }
    this.busy = false;
    this.showControls();
  }

  private take(): [string, Record<string, unknown>] | undefined {
    const [next] = this.wishes;
    if (next) this.wishes.delete(next[0]);
    return next;
  }

  private update(): void {
    const { model } = this;
    this.showControls();
    setText(this.told, model.get("sentence"));
    setText(this.accuracy.source, percent(model.get("source_accuracy"), 0));
    setText(this.accuracy.target, percent(model.get("target_accuracy"), 0));
    this.scatter.setAttribute("aria-label", DOMAINS.chart(model.get("sentence")));
    this.alert.show(model.get("error_text"));
  }

  /** What the kernel has, unless a hand is ahead of it. */
  private showControls(): void {
    if (this.busy) return;
    const shifts = this.model.get("shifts");
    for (const { name, input, value } of this.sliders) {
      input.value = String(shifts[name]);
      setText(value, input.value);
    }
    for (const radio of this.radios) radio.checked = radio.value === this.model.get("adaptation");
  }

  private draw([source, target]: Float32Array[]): void {
    const all = [...(source ?? []), ...(target ?? [])];
    const [xs, ys] = [all.filter((_, at) => at % 2 === 0), all.filter((_, at) => at % 2 === 1)];
    const x = scale(xs, SIDE.margin, SIDE.width - SIDE.margin);
    const y = scale(ys, SIDE.height - SIDE.margin, SIDE.margin);
    const placed = (rows: Float32Array | undefined): [number, number][] => pairs(rows).map(([across, up]) => [x(across), y(up)]);
    this.scatter.replaceChildren(mark("source", placed(source)), mark("target", placed(target)));
  }
}

/** All marks of a domain in one path: circles for the source, crosses for the target. */
function mark(name: "source" | "target", places: [number, number][]): SVGPathElement {
  const path = document.createElementNS(SVG, "path");
  const circle = (x: number, y: number): string => `M${(x - 3.5).toFixed(1)} ${y.toFixed(1)}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0`;
  const cross = (x: number, y: number): string => `M${(x - 3.5).toFixed(1)} ${(y - 3.5).toFixed(1)}l7 7m0 -7l-7 7`;
  path.setAttribute("d", places.map(([x, y]) => (name === "source" ? circle : cross)(x, y)).join(""));
  path.setAttribute("class", `tlw-mark-${name}`);
  return path;
}

function scale(values: number[], from: number, to: number): (value: number) => number {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return (value) => from + ((value - low) / (high - low || 1)) * (to - from);
}

function pairs(rows: Float32Array | undefined): [number, number][] {
  return Array.from({ length: (rows?.length ?? 0) / 2 }, (_, at) => [rows?.[2 * at] ?? 0, rows?.[2 * at + 1] ?? 0]);
}

function floats(buffer: DataView): Float32Array {
  return new Float32Array(buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength) as ArrayBuffer);
}

export default view((model: Model<State>, el, cleanup) => void new Domains(model, el, cleanup));

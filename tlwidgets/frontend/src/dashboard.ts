import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/confusion.css";
import "./styles/dashboard.css";
import { BESIDE_COLOURS } from "./shared/beside";
import { Chart } from "./shared/chart";
import { commands, type Commands } from "./shared/commands";
import { JudgedPanel, type Judged } from "./shared/judged_panel";
import { alertLine, h, icon, mount, scrolling, setDisabled, setText } from "./shared/dom";
import { duration, loss, percent, rate, whole } from "./shared/format";
import type { Cleanup, Model } from "./shared/model";
import { askUntilAnswered } from "./shared/asking";
import { DASHBOARD as TEXT, MESSAGES } from "./shared/dashboard_strings";
import { Curves } from "./shared/stream";
import { newsId, tellTraining } from "./shared/training_news";
import { KERNEL_GONE, view } from "./shared/view";

interface Progress {
  name: string;
  epoch: number;
  epochs: number;
  step: number;
  steps_per_epoch: number;
  total_steps: number;
  seconds: number | null;
  seconds_left: number | null;
  images_per_second: number | null;
  learning_rate: number | null;
  best_val_accuracy: number | null;
}

interface State {
  status: string;
  asked?: string;
  progress: Progress;
  learning_rate: number;
  /** Why no accuracy is shown; empty where one is. */
  caution?: string;
  can_start: boolean;
  baselines?: { name: string; accuracy: number; on?: string }[];
  others?: { name: string; epochs: number[]; val_loss: (number | null)[]; val_accuracy: (number | null)[] }[];
  error_text: string;
}

const OF_THE_HEAD = [2, 3, 4]; // columns of the table: validation loss, and both accuracies
const LEAST_EPOCHS_DRAWN = 8;
const NEWS_EVERY_MS = 5000;
const SILENCE_WHILE_RUNNING_MS = 6000;

class Dashboard {
  private readonly curves = new Curves();
  private readonly commands: Commands;
  private readonly chip = h("span", { class: "tlw-chip" });
  private readonly name = h("span", { class: "tlw-muted tlw-ellipsis" });
  private readonly buttons: Record<"start" | "pause" | "stop", HTMLButtonElement>;
  private readonly rate = h("input", { class: "tlw-input tlw-rate", inputmode: "decimal", autocomplete: "off", spellcheck: "false" });
  private readonly epoch = h("strong");
  private readonly batch = h("span", { class: "tlw-muted" });
  private readonly bars = { overall: bar(TEXT.overall), batches: bar(TEXT.batches) };
  private readonly facts = { time: fact(TEXT.timeLeft), speed: fact(TEXT.speed), rate: fact(TEXT.currentRate), best: fact(TEXT.bestAccuracy), gap: fact(TEXT.gap) };
  private readonly beside = h("p", { class: "tlw-legends tlw-beside", hidden: true });
  private readonly judged: JudgedPanel;
  private readonly alert = alertLine();
  private readonly notice = h("div", { class: "tlw-notice", role: "status", hidden: true });
  private readonly news = h("div", { class: "tlw-hidden-label", role: "status", "aria-live": "polite" });
  private readonly details = h("details", { class: "tlw-details" });
  private readonly rows = h("tbody");
  private readonly headings = h("tr");
  private readonly charts: { loss: Chart; accuracy: Chart };
  private readonly caution = h("p", { class: "tlw-caution", hidden: true });
  private own: { name: string; chart: Chart } | null = null;
  private readonly points: ReturnType<typeof askUntilAnswered>;
  private lastNews = 0;
  private lastMessage = Date.now();
  private rateEdited = false;
  private drawnStatus = "";
  private readonly newsId = newsId();
  private readonly root: HTMLElement;

  constructor(
    private readonly model: Model<State>,
    el: HTMLElement,
    private readonly cleanup: Cleanup,
  ) {
    this.commands = commands(model, cleanup);
    this.points = askUntilAnswered(model, cleanup);
    this.buttons = {
      start: button("tlw-button tlw-button-primary", () => this.ask("start", {}, this.buttons.start)),
      pause: button("tlw-button", () => this.ask(this.status === "paused" ? "resume" : "pause", {}, this.buttons.pause)),
      stop: button("tlw-button", () => this.ask("stop", {}, this.buttons.stop)),
    };
    this.charts = {
      loss: new Chart({ title: TEXT.loss, format: loss }, cleanup),
      accuracy: new Chart({ title: TEXT.accuracy, format: percent, range: [0, 1] }, cleanup),
    };
    this.judged = new JudgedPanel((on) => model.send({ t: "watch", on }), cleanup);
    this.facts.gap.element.title = TEXT.gapHint;
    this.root = mount(el, "dashboard", TEXT.title);
    this.root.append(
      this.header(),
      this.progressArea(),
      this.alert.element,
      this.notice,
      this.caution,
      h("div", { class: "tlw-charts" }, this.charts.loss.element, this.charts.accuracy.element),
      this.beside,
      this.judged.element,
      this.table(),
      this.news,
    );
    this.listen();
  }

  private get status(): string {
    return this.model.get("status");
  }

  private get active(): boolean {
    return ["starting", "running", "paused"].includes(this.status);
  }

  /** What was asked for and the run has not come to yet; the kernel's two words for it come one after the other. */
  private get pending(): string {
    const asked = this.model.get("asked") ?? "";
    const came = { pause: this.status === "paused", resume: this.status === "running", stop: !this.active }[asked];
    return came ? "" : asked;
  }

  private get word(): string {
    return TEXT.asked[this.pending] ?? TEXT.status[this.status] ?? this.status;
  }

  private header(): HTMLElement {
    setLabel(this.buttons.stop, "stop", TEXT.stop);
    const heading = h("div", { class: "tlw-dashboard-title" }, h("h3", { class: "tlw-title" }, TEXT.title), this.chip, this.name);
    return h("div", { class: "tlw-head" }, heading, h("div", { class: "tlw-actions" }, this.rateForm(), this.buttons.start, this.buttons.pause, this.buttons.stop));
  }

  private rateForm(): HTMLElement {
    this.rate.addEventListener("input", () => (this.rateEdited = true));
    const submit = (event: Event): void => {
      event.preventDefault();
      this.setRate();
    };
    return h(
      "form",
      { class: "tlw-rate-form", onsubmit: submit as (event: never) => void },
      h("label", {}, h("span", { class: "tlw-muted" }, TEXT.rate), this.rate),
      h("button", { class: "tlw-button", type: "submit", "aria-label": `${TEXT.set} ${TEXT.rate}` }, TEXT.set),
    );
  }

  private setRate(): void {
    const value = Number(this.rate.value.trim().replace(",", "."));
    const valid = Number.isFinite(value) && value > 0;
    this.rate.setAttribute("aria-invalid", String(!valid));
    if (!valid) return this.alert.show(TEXT.badRate);
    this.rateEdited = false;
    void this.ask("set_learning_rate", { value }, null);
  }

  private progressArea(): HTMLElement {
    return h(
      "div",
      { class: "tlw-progress" },
      h("div", { class: "tlw-progress-bars" }, h("div", { class: "tlw-progress-words" }, this.epoch, this.batch), this.bars.overall.element, this.bars.batches.element),
      h("dl", { class: "tlw-facts" }, this.facts.time.element, this.facts.speed.element, this.facts.rate.element, this.facts.best.element, this.facts.gap.element),
    );
  }

  private table(): HTMLElement {
    const table = h("table", { class: "tlw-table" }, h("thead", {}, this.headings), this.rows);
    this.fillHeadings();
    this.details.addEventListener("toggle", () => this.fillTable());
    this.details.append(h("summary", {}, TEXT.table), scrolling("tlw-scroll", TEXT.table, table));
    return this.details;
  }

  private listen(): void {
    const { model, cleanup } = this;
    cleanup.listen(model, "msg:custom", (message: never, buffers: never) => this.receive(message, buffers));
    for (const name of ["status", "asked", "progress", "learning_rate", "caution", "can_start", "error_text"]) {
      cleanup.listen(model, `change:${name}`, () => this.update());
    }
    for (const name of ["baselines", "others"]) cleanup.listen(model, `change:${name}`, () => this.drawBeside());
    const timer = setInterval(() => this.heartbeat(), 1000);
    cleanup.add(() => clearInterval(timer));
    cleanup.add(() => this.tellPage("gone"));
    cleanup.listen(model, KERNEL_GONE, () => {
      clearInterval(timer);
      this.showNotice("");
      this.tellPage("silent");
    });
    this.drawBeside();
    this.update();
    this.points.ask({ t: "ready" });
  }

  private receive(message: { t: string }, buffers: DataView[]): void {
    this.lastMessage = Date.now();
    this.showNotice("");
    if (message.t === "judged") return this.judged.show(message as unknown as Judged, buffers);
    if (message.t !== "snapshot" && message.t !== "append") return;
    const taken = this.curves.take(message as never, buffers);
    if (taken === "gap") return this.points.ask({ t: "resync" });
    if (taken === "snapshot") this.points.got();
    this.draw();
  }

  /** A run that is going on is never silent for long; ask, and say so when nobody answers. */
  private heartbeat(): void {
    if (this.status !== "running") return;
    const silence = Date.now() - this.lastMessage;
    if (silence > SILENCE_WHILE_RUNNING_MS + 2500) {
      this.showNotice(MESSAGES.kernelGone);
      this.tellPage("silent");
    } else if (silence > SILENCE_WHILE_RUNNING_MS) this.points.ask({ t: "resync" });
  }

  private async ask(name: string, args: Record<string, unknown>, source: HTMLButtonElement | null): Promise<void> {
    source?.setAttribute("aria-busy", "true");
    const answer = await this.commands.send(name, args);
    source?.removeAttribute("aria-busy");
    this.showNotice(answer === "silence" ? MESSAGES.silence : "");
    if (answer !== "silence" && !answer.ok) this.alert.show(answer.error ?? "");
    this.update();
  }

  private showNotice(text: string): void {
    this.notice.hidden = text === "";
    setText(this.notice, text);
  }

  private draw(): void {
    const { curves } = this;
    const perEpoch = this.model.get("progress").steps_per_epoch;
    const total = this.horizon();
    this.charts.loss.show([curves.x, curves.batchLoss, curves.trainLoss, curves.valLoss], perEpoch, total);
    this.charts.accuracy.show([curves.x, curves.batchAccuracy, curves.trainAccuracy, curves.valAccuracy], perEpoch, total);
    this.drawOwn(perEpoch, total);
    this.rows.closest(".tlw-dashboard")?.setAttribute("data-points", String(curves.points));
    const latest = this.curves.epochs.at(-1);
    const gap = (latest?.["train_accuracy"] ?? NaN) - (latest?.["val_accuracy"] ?? NaN);
    setText(this.facts.gap.value, Number.isFinite(gap) ? TEXT.points(gap) : "–");
    this.fillTable();
  }

  /** Of a method that trains no head: what it measures itself, where the accuracy would stand. */
  private drawOwn(perEpoch: number, total: number): void {
    const caution = this.model.get("caution") ?? "";
    const name = caution ? (Object.keys(this.curves.extras[0] ?? {})[0] ?? "") : "";
    setText(this.caution, caution);
    this.caution.hidden = caution === "";
    this.charts.accuracy.element.hidden = this.judged.element.hidden = this.facts.gap.element.hidden = caution !== "";
    if (this.own?.name !== name) {
      this.own?.chart.element.remove();
      this.own = name ? { name, chart: new Chart({ title: plain(name), format: loss }, this.cleanup) } : null;
      if (this.own) this.charts.loss.element.after(this.own.chart.element);
    }
    const none = this.curves.x.map(() => null);
    this.own?.chart.show([this.curves.x, none, this.curves.extra(name), none], perEpoch, total);
    setText(this.facts.best.label, caution ? plain(name) || TEXT.learned : TEXT.bestAccuracy);
    setText(this.facts.best.value, caution ? loss(this.curves.extras.at(-1)?.[name]) : percent(this.model.get("progress").best_val_accuracy));
  }

  /** Lines to beat and earlier runs, in both charts and named below them. */
  private drawBeside(): void {
    const others = this.model.get("others") ?? [];
    const levels = (this.model.get("baselines") ?? []).map(({ name, accuracy, on }) => ({ words: TEXT.baseline(name, percent(accuracy), on ?? "test"), value: accuracy }));
    const curves = (name: "val_loss" | "val_accuracy") => others.map((other) => ({ name: other.name, epochs: other.epochs, values: other[name] }));
    this.charts.loss.showBeside([], curves("val_loss"));
    this.charts.accuracy.showBeside(levels, curves("val_accuracy"));
    const keys = others.map(({ name }, index) => {
      const line = h("i", { "aria-hidden": "true" });
      line.style.borderTopColor = BESIDE_COLOURS[index % BESIDE_COLOURS.length] ?? "";
      return h("span", { class: "tlw-legend" }, line, `${index + 1} ${name}`);
    });
    this.beside.replaceChildren(...keys);
    this.beside.hidden = keys.length === 0;
    this.draw();
  }

  /** Last step on the x axis: the whole of a short run, room to grow in a long one, nothing empty once it is over. */
  private horizon(): number {
    const { step, steps_per_epoch: perEpoch, total_steps: total } = this.model.get("progress");
    const beside = perEpoch * Math.max(0, ...(this.model.get("others") ?? []).flatMap(({ epochs }) => epochs));
    if (!this.active) return Math.max(step, beside);
    return Math.max(beside, Math.min(total, Math.max(LEAST_EPOCHS_DRAWN * perEpoch, Math.ceil((1.25 * step) / perEpoch) * perEpoch)));
  }

  /** The columns of every run, and those of this run's method. */
  private fillHeadings(): void {
    const names = [...Object.values(TEXT.columns), ...Object.keys(this.curves.extras[0] ?? {}).map(plain)].filter((_, index) => this.isShown(index));
    if (names.length === this.headings.childElementCount && names.every((name, i) => this.headings.children[i]?.textContent === name)) return;
    this.headings.replaceChildren(...names.map((name) => h("th", { scope: "col", class: "tlw-number" }, name)));
    this.rows.replaceChildren();
  }

  /** Columns of what a head says are left out where none was trained. */
  private isShown(column: number): boolean {
    return !this.model.get("caution") || !OF_THE_HEAD.includes(column);
  }

  /** Only while it is open: the page of a run of many epochs does not grow by what nobody looks at. */
  private fillTable(): void {
    this.fillHeadings();
    if (!this.details.open) return this.rows.replaceChildren();
    if (this.curves.epochs.length < this.rows.childElementCount) this.rows.replaceChildren();
    const shown = this.rows.childElementCount;
    for (const [index, row] of this.curves.epochs.slice(shown).entries()) {
      const value = (name: string): number => row[name] ?? NaN;
      const cells = [
        whole(value("epoch")), loss(value("train_loss")), loss(value("val_loss")), percent(value("train_accuracy")),
        percent(value("val_accuracy")), rate(value("learning_rate")), value("seconds").toFixed(1),
        ...Object.values(this.curves.extras[shown + index] ?? {}).map((extra) => loss(extra)),
      ];
      this.rows.append(h("tr", {}, ...cells.filter((_, column) => this.isShown(column)).map((cell) => h("td", { class: "tlw-number" }, cell))));
    }
  }

  private update(): void {
    if (this.drawnStatus !== this.status) this.draw();
    this.drawnStatus = this.status;
    this.drawOwn(this.model.get("progress").steps_per_epoch, this.horizon());
    this.updateControls();
    this.updateProgress();
    this.alert.show(this.model.get("error_text"));
    this.tellNews();
    this.tellPage(this.status);
  }

  /** JupyterLab's status bar shows the run, where our extension is there. */
  private tellPage(status: string): void {
    const { epoch, epochs, best_val_accuracy: best } = this.model.get("progress");
    const accuracy = this.curves.epochs.at(-1)?.["val_accuracy"] ?? best;
    tellTraining({ id: this.newsId, status, epoch, epochs, accuracy: Number.isFinite(accuracy) ? accuracy : null, element: this.root });
  }

  private updateControls(): void {
    const { status, active, buttons } = this;
    setText(this.chip, this.word);
    this.chip.dataset["status"] = status;
    setLabel(buttons.start, "play", ["new", "starting"].includes(status) ? TEXT.start : TEXT.again);
    setLabel(buttons.pause, status === "paused" ? "play" : "pause", status === "paused" ? TEXT.resume : TEXT.pause);
    buttons.start.hidden = active;
    buttons.pause.hidden = buttons.stop.hidden = !active;
    setDisabled(buttons.start, !this.model.get("can_start"));
    setDisabled(buttons.pause, status === "starting");
    if (!this.rateEdited && document.activeElement !== this.rate) this.rate.value = rate(this.model.get("learning_rate"));
  }

  private updateProgress(): void {
    const progress = this.model.get("progress");
    const { epoch, epochs, step, steps_per_epoch: perEpoch, total_steps: total } = progress;
    const batch = step ? ((step - 1) % Math.max(1, perEpoch)) + 1 : 0;
    setText(this.name, progress.name);
    setText(this.epoch, epochs ? TEXT.epochOf(epoch, epochs) : TEXT.noEpoch);
    setText(this.batch, epochs ? TEXT.batchOf(batch, perEpoch) : "");
    this.bars.overall.set(step, total);
    this.bars.batches.set(batch, perEpoch);
    const over = !this.active && step > 0;
    setText(this.facts.time.label, over ? TEXT.took : TEXT.timeLeft);
    setText(this.facts.time.value, step ? duration(over ? progress.seconds : progress.seconds_left) : "–");
    setText(this.facts.speed.value, progress.images_per_second ? whole(progress.images_per_second) : "–");
    setText(this.facts.rate.value, rate(progress.learning_rate));
  }

  /** A screen reader hears of the run at most every five seconds, and of its end. */
  private tellNews(): void {
    const { epoch, epochs, best_val_accuracy: best } = this.model.get("progress");
    if (!epochs || (this.status === "running" && !this.pending && Date.now() - this.lastNews < NEWS_EVERY_MS)) return;
    this.lastNews = Date.now();
    setText(this.news, TEXT.news(this.word, epoch, epochs, percent(this.curves.epochs.at(-1)?.["val_accuracy"] ?? best)));
  }
}

function plain(name: string): string {
  return name.replaceAll("_", " ");
}

function button(className: string, press: () => Promise<void>): HTMLButtonElement {
  return h("button", { class: className, type: "button", onclick: () => void press() });
}

function setLabel(element: HTMLButtonElement, name: "play" | "pause" | "stop", word: string): void {
  if (element.textContent !== word) element.replaceChildren(icon(name, name !== "pause"), word);
}

function fact(label: string): { element: HTMLElement; label: HTMLElement; value: HTMLElement } {
  const term = h("dt", {}, label);
  const value = h("dd", {}, "–");
  return { element: h("div", {}, term, value), label: term, value };
}

function bar(label: string): { element: HTMLElement; set: (done: number, all: number) => void } {
  const fill = h("span");
  const element = h("div", { class: "tlw-bar", role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuenow": 0, "aria-valuemax": 100 }, fill);
  return {
    element,
    set: (done, all) => {
      const share = all > 0 ? Math.min(1, done / all) : 0;
      fill.style.width = `${100 * share}%`;
      element.setAttribute("aria-valuenow", String(Math.round(100 * share)));
      element.setAttribute("aria-valuetext", `${done} of ${all}`);
    },
  };
}

export default view((model: Model<State>, el, cleanup) => void new Dashboard(model, el, cleanup));

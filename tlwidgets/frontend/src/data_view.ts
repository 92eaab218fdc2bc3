import "./styles/base.css";
import "./styles/data_view.css";
import { askUntilAnswered } from "./shared/asking";
import { commands, type Commands } from "./shared/commands";
import { DataChecks, type Checks } from "./shared/data_checks";
import { DATA_STRINGS } from "./shared/data_strings";
import { alertLine, h, mount, scrolling, setText } from "./shared/dom";
import { whole } from "./shared/format";
import type { Cleanup, Model } from "./shared/model";
import { NetworkViews, type Seen, type ViewRow } from "./shared/network_views";
import { Pictures } from "./shared/pictures";
import { STRINGS } from "./shared/strings";
import { Uploading } from "./shared/uploading";
import { view } from "./shared/view";

interface ClassCount {
  name: string;
  train: number;
  val: number;
  test: number;
}

interface State {
  name: string;
  classes: ClassCount[];
  more_classes: number;
  splits: Record<string, number>;
  set_aside: { path: string; reason: string }[];
  checks: Checks;
  changes: string[];
  every_change: string[];
  augmentation: string;
  parts: string[];
  draw: number;
  seen: Partial<Seen>;
  uploaded: Record<string, number>;
  error_text: string;
}

const TEXT = DATA_STRINGS;
const PATIENCE = 10; // times that a part is sent again, three seconds each
const SLOW = new Set(["upload_end", "use_uploads"]);
type Message = { t: "samples"; labels: string[] } | { t: "copies" } | { t: "views"; rows: ViewRow[] };

class Panel {
  private readonly commands: Commands;
  private readonly strip = h("div", { class: "tlw-samples" });
  private readonly lead = h("p", { class: "tlw-lead" });
  private readonly table = scrolling("tlw-counts", TEXT.classes);
  private readonly samples: Pictures;
  private readonly views: NetworkViews;
  private readonly checks: DataChecks;
  private readonly uploading: Uploading;
  private readonly alert = alertLine();

  constructor(
    private readonly model: Model<State>,
    el: HTMLElement,
    cleanup: Cleanup,
  ) {
    this.commands = commands(model, cleanup);
    const ask = (name: string, args: Record<string, unknown> = {}): Promise<boolean> => this.ask(name, args);
    this.samples = new Pictures(cleanup);
    this.views = new NetworkViews(cleanup, ask);
    this.checks = new DataChecks(cleanup);
    this.uploading = new Uploading(ask, (words) => this.alert.show(words));
    const head = h("div", { class: "tlw-head" }, h("div", {}, h("h3", { class: "tlw-title" }, TEXT.title), this.lead));
    const figure = h("figure", { class: "tlw-sample-figure" }, this.strip, h("figcaption", { class: "tlw-muted" }, TEXT.samples));
    const columns = h("div", { class: "tlw-data-columns" }, this.table, figure);
    mount(el, "data", TEXT.title).append(head, columns, this.alert.element, this.checks.element, this.views.element, this.uploading.element);
    this.listen(cleanup);
  }

  private listen(cleanup: Cleanup): void {
    const { model } = this;
    const answers = askUntilAnswered(model, cleanup);
    cleanup.listen(model, "msg:custom", (message: Message, buffers: DataView[]) => {
      if (message.t === "samples") {
        answers.got();
        this.showSamples(message.labels, buffers);
      } else if (message.t === "copies") this.checks.take(buffers);
      else if (message.t === "views") this.views.take(message.rows, buffers);
    });
    for (const name of ["name", "classes", "splits"]) cleanup.listen(model, `change:${name}`, () => this.updateCounts());
    for (const name of ["checks", "set_aside"]) cleanup.listen(model, `change:${name}`, () => this.updateChecks());
    for (const name of ["changes", "augmentation", "parts", "seen"]) cleanup.listen(model, `change:${name}`, () => this.updateViews());
    cleanup.listen(model, "change:uploaded", () => this.uploading.show(model.get("uploaded")));
    cleanup.listen(model, "change:error_text", () => this.alert.show(model.get("error_text")));
    this.updateCounts();
    this.updateChecks();
    this.updateViews();
    this.uploading.show(model.get("uploaded"));
    this.alert.show(model.get("error_text"));
    answers.ask({ t: "ready" });
  }

  private async ask(name: string, args: Record<string, unknown>): Promise<boolean> {
    let answer = await this.commands.send(name, args);
    // A busy kernel gets to it later: a part says where it belongs, so that it may be sent again.
    for (let left = PATIENCE; answer === "silence" && name === "upload_part" && left > 0; left--) {
      this.alert.show(TEXT.upload.waiting);
      answer = await this.commands.send(name, args);
    }
    // Unpacking and reading many pictures takes its time; what goes wrong then comes as the trait error_text.
    if (answer === "silence" && SLOW.has(name)) return true;
    this.alert.show(answer === "silence" ? STRINGS.silence : answer.ok ? "" : (answer.error ?? ""));
    return answer !== "silence" && answer.ok;
  }

  private updateCounts(): void {
    const { model } = this;
    const images = Object.values(model.get("splits")).reduce((sum, size) => sum + size, 0);
    setText(this.lead, TEXT.summary(model.get("name"), whole(images), model.get("classes").length + model.get("more_classes")));
    this.table.replaceChildren(this.counts());
    const more = model.get("more_classes");
    if (more > 0) this.table.append(h("p", { class: "tlw-lead" }, TEXT.more(more)));
  }

  private updateChecks(): void {
    this.checks.show(this.model.get("checks"), this.model.get("set_aside"));
  }

  private updateViews(): void {
    const { model } = this;
    this.views.show(model.get("every_change"), model.get("changes"), model.get("parts"), model.get("augmentation"), model.get("seen"));
  }

  private counts(): HTMLElement {
    const { name, train, val, test } = TEXT.columns;
    const number = (value: number | undefined): HTMLElement => h("td", { class: "tlw-number" }, whole(value ?? 0));
    const classes = this.model.get("classes");
    const largest = Math.max(1, ...classes.map((entry) => entry.train));
    const rows = classes.map((entry) => {
      const fill = h("span");
      fill.style.width = `${(100 * entry.train) / largest}%`;
      const bar = h("span", { class: "tlw-bar", "aria-hidden": "true" }, fill);
      return h("tr", {}, h("th", { scope: "row" }, h("span", { class: "tlw-class-name" }, entry.name)), h("td", { class: "tlw-balance" }, bar), number(entry.train), number(entry.val), number(entry.test));
    });
    const splits = this.model.get("splits");
    const total = h("tr", { class: "tlw-total" }, h("th", { scope: "row" }, TEXT.all), h("td"), number(splits["train"]), number(splits["val"]), number(splits["test"]));
    const column = (word: string): HTMLElement => h("th", { scope: "col", class: "tlw-number" }, word);
    const head = h("tr", {}, h("th", { scope: "col" }, name), h("td"), column(train), column(val), column(test));
    return h("table", { class: "tlw-table" }, h("caption", { class: "tlw-hidden-label" }, TEXT.classes), h("thead", {}, head), h("tbody", {}, ...rows), h("tfoot", {}, total));
  }

  private showSamples(labels: string[], buffers: DataView[]): void {
    const pictures = this.samples.replace(buffers).map((url, index) => {
      const label = labels[index] ?? "";
      return h("div", { class: "tlw-sample", title: label }, h("img", { src: url, alt: label }), h("span", { class: "tlw-ellipsis" }, label));
    });
    this.strip.replaceChildren(...pictures);
  }
}

export default view((model: Model<State>, el, cleanup) => void new Panel(model, el, cleanup));

import "./styles/base.css";
import "./styles/data_panel.css";
import { h, mount, scrolling, setText } from "./shared/dom";
import { whole } from "./shared/format";
import { Cleanup, type Model, type RenderProps } from "./shared/model";
import { askUntilAnswered } from "./shared/asking";
import { STRINGS } from "./shared/strings";

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
}

const TEXT = STRINGS.data;

class DataPanel {
  private readonly strip = h("div", { class: "tlw-samples" });
  private readonly urls: string[] = [];

  constructor(
    private readonly model: Model<State>,
    el: HTMLElement,
    cleanup: Cleanup,
  ) {
    const splits = model.get("splits");
    const images = Object.values(splits).reduce((sum, size) => sum + size, 0);
    const classes = model.get("classes").length + model.get("more_classes");
    const lead = TEXT.summary(model.get("name"), whole(images), classes);
    const head = h("div", { class: "tlw-head" }, h("div", {}, h("h3", { class: "tlw-title" }, TEXT.title), h("p", { class: "tlw-lead" }, lead)));
    mount(el, "data", TEXT.title).append(head, h("div", { class: "tlw-data-columns" }, this.counts(), this.samples()), this.setAside());
    const samples = askUntilAnswered(model, cleanup);
    cleanup.listen(model, "msg:custom", (message: { t: string; labels: string[] }, buffers: DataView[]) => {
      if (message.t !== "samples") return;
      samples.got();
      this.show(message.labels, buffers);
    });
    cleanup.add(() => this.urls.forEach((url) => URL.revokeObjectURL(url)));
    samples.ask({ t: "ready" });
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
    const table = h("table", { class: "tlw-table" }, h("caption", { class: "tlw-hidden-label" }, TEXT.classes), h("thead", {}, head), h("tbody", {}, ...rows), h("tfoot", {}, total));
    const more = this.model.get("more_classes");
    return scrolling("tlw-counts", TEXT.classes, table, more > 0 && h("p", { class: "tlw-lead" }, TEXT.more(more)));
  }

  private samples(): HTMLElement {
    return h("figure", { class: "tlw-sample-figure" }, this.strip, h("figcaption", { class: "tlw-muted" }, TEXT.samples));
  }

  private show(labels: string[], buffers: DataView[]): void {
    this.urls.splice(0).forEach((url) => URL.revokeObjectURL(url));
    const pictures = buffers.map((buffer, index) => {
      const url = URL.createObjectURL(new Blob([buffer as unknown as BlobPart], { type: "image/png" }));
      this.urls.push(url);
      const label = labels[index] ?? "";
      const caption = h("span", { class: "tlw-ellipsis" });
      setText(caption, label);
      return h("div", { class: "tlw-sample", title: label }, h("img", { src: url, alt: label }), caption);
    });
    this.strip.replaceChildren(...pictures);
  }

  private setAside(): HTMLElement | string {
    const files = this.model.get("set_aside");
    if (!files.length) return "";
    const items = files.map(({ path, reason }) => h("li", {}, h("span", { class: "tlw-mono" }, path), `: ${reason}`));
    return h("details", { class: "tlw-set-aside" }, h("summary", {}, TEXT.setAside(files.length)), h("ul", {}, ...items));
  }
}

export default {
  render({ model, el }: RenderProps<State>): () => void {
    const cleanup = new Cleanup();
    new DataPanel(model, el, cleanup);
    return () => cleanup.run();
  },
};

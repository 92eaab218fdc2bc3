import "./styles/base.css";
import "./styles/run_compare.css";
import { commands, type Commands } from "./shared/commands";
import { alertLine, h, icon, mount, scrolling, setText } from "./shared/dom";
import { percent } from "./shared/format";
import { lineChart } from "./shared/line_chart";
import type { Cleanup, Model } from "./shared/model";
import { STRINGS } from "./shared/strings";
import { view } from "./shared/view";

interface Found {
  run: string;
  backbone: string;
  data: string;
  status: string;
  epochs: number;
  accuracy: number | null;
  /** What a run whose head was not trained came to instead; empty for any other. */
  learned?: string;
  date: string;
}

interface State {
  folder: string;
  found: Found[];
  chosen: string[];
  measure: string;
  measures?: string[];
  cautions?: string[];
  curves: { run: string; epochs: number[]; values: (number | null)[] }[];
  metrics: { metric: string; values: ([number, number, number] | null)[] }[];
  differences: { field: string; values: string[] }[];
  verdicts: string[];
  error_text: string;
}

const TEXT = STRINGS.compare;

class RunCompare {
  private readonly commands: Commands;
  private readonly list = h("tbody");
  private readonly measure = h("select", { class: "tlw-input", "aria-label": TEXT.measure });
  private readonly chart = h("div", { class: "tlw-compare-chart" });
  private readonly tables = h("div");
  private readonly status = h("p", { class: "tlw-lead", role: "status" });
  private readonly alert = alertLine();

  constructor(
    private readonly model: Model<State>,
    el: HTMLElement,
    cleanup: Cleanup,
  ) {
    this.commands = commands(model, cleanup);
    const refresh = h("button", { class: "tlw-button", type: "button", onclick: () => void this.ask("refresh") }, TEXT.refresh);
    const words = h("div", {}, h("h3", { class: "tlw-title" }, TEXT.title), h("p", { class: "tlw-lead" }, TEXT.lead(model.get("folder"))));
    this.measure.addEventListener("change", () => void this.ask("measure", { measure: this.measure.value }));
    const column = (word: string, number = false): HTMLElement => h("th", { scope: "col", class: number ? "tlw-number" : "" }, word);
    const { run, backbone, data, epochs, accuracy, date } = TEXT.columns;
    const head = h("tr", {}, column(""), column(run), column(backbone), column(data), column(epochs, true), column(accuracy, true), column(date));
    const table = h("table", { class: "tlw-table" }, h("thead", {}, head), this.list);
    mount(el, "compare", TEXT.title).append(
      h("div", { class: "tlw-head" }, words, h("div", { class: "tlw-actions" }, this.measure, refresh)),
      scrolling("tlw-compare-list", TEXT.title, table),
      this.status,
      this.chart,
      this.tables,
      this.alert.element,
    );
    for (const name of ["found", "chosen"]) cleanup.listen(model, `change:${name}`, () => this.updateList());
    for (const name of ["curves", "measure", "measures"]) cleanup.listen(model, `change:${name}`, () => this.updateChart());
    for (const name of ["metrics", "differences", "verdicts", "cautions"]) cleanup.listen(model, `change:${name}`, () => this.updateTables());
    cleanup.listen(model, "change:error_text", () => this.alert.show(model.get("error_text")));
    this.updateList();
    this.updateChart();
    this.updateTables();
    this.alert.show(model.get("error_text"));
  }

  private async ask(name: string, args: Record<string, unknown> = {}): Promise<void> {
    const answer = await this.commands.send(name, args);
    if (answer === "silence") this.alert.show(STRINGS.silence);
    else this.alert.show(answer.ok ? "" : (answer.error ?? ""));
    if (answer === "silence" || !answer.ok) this.updateList(); // a refused box is cleared again
  }

  private updateList(): void {
    const chosen = this.model.get("chosen");
    const focused = (document.activeElement as HTMLElement | null)?.dataset["run"];
    const rows = this.model.get("found").map((row) => {
      const box = h("input", { type: "checkbox", "aria-label": TEXT.choose(row.run), "data-run": row.run, checked: chosen.includes(row.run) });
      box.addEventListener("change", () => void this.ask("choose", { run: row.run, chosen: box.checked }));
      return h(
        "tr",
        {},
        h("td", {}, h("label", { class: "tlw-check" }, box)),
        h("th", { scope: "row" }, h("span", { class: "tlw-ellipsis" }, row.run), row.status !== "finished" && h("span", { class: "tlw-tag" }, row.status)),
        h("td", {}, row.backbone),
        h("td", {}, row.data),
        h("td", { class: "tlw-number" }, row.epochs),
        h("td", { class: "tlw-number" }, row.accuracy === null ? row.learned || "–" : percent(row.accuracy)),
        h("td", { class: "tlw-muted" }, row.date),
      );
    });
    this.list.replaceChildren(...rows);
    if (focused) this.list.querySelector<HTMLElement>(`[data-run="${CSS.escape(focused)}"]`)?.focus();
    setText(this.status, TEXT.count(chosen.length));
  }

  private updateChart(): void {
    const measure = this.model.get("measure");
    const offered = this.model.get("measures") ?? Object.keys(TEXT.measures);
    const word = (name: string): string => TEXT.measures[name] ?? name.replaceAll("_", " ");
    if (offered.join() !== [...this.measure.options].map(({ value }) => value).join()) this.measure.replaceChildren(...offered.map((value) => h("option", { value }, word(value))));
    this.measure.value = measure;
    const curves = this.model.get("curves").map(({ run, epochs, values }) => ({ name: run, x: epochs, y: values }));
    const share = measure.endsWith("accuracy");
    this.chart.replaceChildren(curves.length ? lineChart(curves, { title: word(measure), across: STRINGS.dashboard.epochAxis, share }) : h("p", { class: "tlw-lead" }, TEXT.nothing));
  }

  private updateTables(): void {
    const { model } = this;
    const chosen = model.get("chosen");
    const head = (word: string): HTMLElement => h("thead", {}, h("tr", {}, h("th", { scope: "col" }, word), ...chosen.map((run) => h("th", { scope: "col" }, run))));
    const metric = (value: [number, number, number] | null): HTMLElement =>
      value ? h("td", {}, h("strong", {}, number(value[0])), h("span", { class: "tlw-muted" }, ` ${number(value[1])} – ${number(value[2])}`)) : h("td", {}, "–");
    const metrics = model.get("metrics").map((row) => h("tr", {}, h("th", { scope: "row" }, row.metric.replaceAll("_", " ")), ...row.values.map(metric)));
    const differing = model.get("differences").map((row) => h("tr", {}, h("th", { scope: "row" }, row.field.replaceAll("_", " ")), ...row.values.map((value) => h("td", { class: "tlw-mono" }, value || "–"))));
    const verdicts = model.get("verdicts").map((words) => h("li", {}, icon("check"), " ", words));
    const scroll = (label: string, table: HTMLElement): HTMLElement => scrolling("tlw-compare-scroll", label, table);
    const cautions = (model.get("cautions") ?? []).map((words) => h("p", { class: "tlw-caution" }, words));
    this.tables.replaceChildren(
      ...cautions,
      ...(verdicts.length ? [h("h4", {}, TEXT.verdicts), h("ul", { class: "tlw-compare-verdicts" }, ...verdicts)] : []),
      ...(metrics.length ? [h("h4", {}, TEXT.metrics), scroll(TEXT.metrics, h("table", { class: "tlw-table" }, head(TEXT.metric), h("tbody", {}, ...metrics)))] : []),
      ...(chosen.length > 1 ? [h("h4", {}, TEXT.differences), differing.length ? scroll(TEXT.differences, h("table", { class: "tlw-table" }, head(TEXT.field), h("tbody", {}, ...differing))) : h("p", { class: "tlw-lead" }, TEXT.same)] : []),
    );
  }
}

function number(value: number): string {
  return value.toFixed(3);
}

export default view((model: Model<State>, el, cleanup) => void new RunCompare(model, el, cleanup));

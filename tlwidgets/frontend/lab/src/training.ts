import type { JupyterFrontEnd } from "@jupyterlab/application";
import { Widget } from "@lumino/widgets";
import { h, setText } from "../../src/shared/dom";
import { TRAINING_EVENT, type TrainingNews } from "../../src/shared/training_news";
import { courseIcon } from "./icons";
import { LAB } from "./strings";

const GOING = new Set(["running", "paused"]);

/** The run that is training, in the status bar. Dashboards tell of it on `window`; nothing is asked of any kernel. */
export class TrainingItem extends Widget {
  private readonly runs = new Map<string, TrainingNews>();
  private readonly text = h("span", {});
  private readonly button = h("button", { class: "tlw-status-item", type: "button", title: LAB.training.caption, onclick: () => this.bring() });

  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly changed: () => void,
  ) {
    super();
    this.id = "tlwidgets-training";
    courseIcon.element({ container: this.button.appendChild(h("span", { "aria-hidden": "true" })), stylesheet: "statusBar" });
    this.button.append(this.text);
    this.node.append(this.button);
    window.addEventListener(TRAINING_EVENT, this.hear);
  }

  override dispose(): void {
    window.removeEventListener(TRAINING_EVENT, this.hear);
    super.dispose();
  }

  isTraining(): boolean {
    return this.runs.size > 0;
  }

  private readonly hear = (event: Event): void => {
    const news = (event as CustomEvent<TrainingNews>).detail;
    if (typeof news?.id !== "string") return; // not from a dashboard of ours
    this.runs.delete(news.id);
    if (GOING.has(news.status)) this.runs.set(news.id, news);
    this.draw();
    this.changed();
  };

  private latest(): TrainingNews | undefined {
    return [...this.runs.values()].at(-1);
  }

  private draw(): void {
    const news = this.latest();
    if (!news) return;
    const accuracy = news.accuracy === null ? "" : `${(100 * news.accuracy).toFixed(1)} %`;
    const say = news.status === "paused" ? LAB.training.paused : LAB.training.text;
    setText(this.text, say(news.epoch, news.epochs, accuracy));
  }

  private bring(): void {
    const { element } = this.latest() ?? {};
    if (!element) return;
    for (const area of ["main", "down", "left", "right"] as const) {
      for (const widget of widgets(this.app, area)) {
        if (!widget.node.contains(element)) continue;
        this.app.shell.activateById(widget.id);
        element.scrollIntoView({ block: "center" });
        element.querySelector<HTMLElement>("button:not([hidden]), input")?.focus({ preventScroll: true });
      }
    }
  }
}

function widgets(app: JupyterFrontEnd, area: string): Widget[] {
  try {
    return [...app.shell.widgets(area)];
  } catch {
    return []; // Notebook 7 has fewer areas
  }
}

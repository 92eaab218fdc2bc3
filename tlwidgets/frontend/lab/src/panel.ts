import { Widget } from "@lumino/widgets";
import type { Message } from "@lumino/messaging";
import { h } from "../../src/shared/dom";
import { CourseMap } from "../../src/shared/course_map";
import { COURSE } from "../../src/shared/course_strings";
import "../../src/styles/base.css";
import "../../src/styles/course_map.css";
import "./panel.css";
import { CheckList } from "./check_list";
import { courseIcon } from "./icons";
import { RunList } from "./run_list";
import { section } from "./section";
import { LAB } from "./strings";

const LOOK_EVERY_MS = 10_000;

/** The side bar: the map of the course, what the latest checks said, and the runs on disk. */
export class CoursePanel extends Widget {
  readonly checks = new CheckList();
  private timer = 0;
  private tellDrawn = (): void => undefined;
  private readonly drawn = new Promise<void>((done) => (this.tellDrawn = done));
  private readonly woken = (): void => this.schedule();

  constructor(
    readonly map: CourseMap,
    readonly runs: RunList,
    /** Reads everything anew; called when the panel is shown and then every ten seconds, never while it cannot be seen. */
    private readonly look: () => Promise<void>,
  ) {
    super();
    this.id = "tlwidgets-course";
    this.title.icon = courseIcon;
    this.title.caption = LAB.panel;
    this.addClass("tlw-course-panel");
    this.node.setAttribute("role", "region");
    this.node.setAttribute("aria-label", LAB.panel);
    this.node.tabIndex = -1;
    this.node.append(
      h(
        "div",
        { class: "tlw-root tlw-course" },
        this.checks.element,
        section(COURSE.lessons, map.element),
        section(LAB.runs.title, runs.element),
      ),
    );
  }

  /** Look at once, and go on looking while somebody can see it. */
  schedule(): void {
    window.clearTimeout(this.timer);
    if (this.isDisposed || !this.isVisible || document.hidden) return;
    void this.look().finally(() => {
      this.tellDrawn();
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(this.woken, LOOK_EVERY_MS);
    });
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    document.addEventListener("visibilitychange", this.woken);
  }

  protected override onBeforeDetach(message: Message): void {
    super.onBeforeDetach(message);
    document.removeEventListener("visibilitychange", this.woken);
    window.clearTimeout(this.timer);
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.schedule();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    void this.drawn.then(() => {
      const first = this.node.querySelector<HTMLElement>(".tlw-course-next:not(:disabled), .tlw-lesson-open");
      if (this.isVisible) (first ?? this.node).focus();
    });
  }
}

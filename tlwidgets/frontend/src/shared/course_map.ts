import { COURSE } from "./course_strings";
import { entryOf, isRight, type Lesson, nextLesson, type Problem, type Progress, standing } from "./course";
import { h, icon, setText } from "./dom";

interface Actions {
  open: (lesson: Lesson) => void;
  reset: (lesson: Lesson) => void;
}

/** The lessons with what they build on, how long they take and how they stand. Drawn once; progress changes it in place. */
export class CourseMap {
  readonly element = h("div", { class: "tlw-course-map" });
  private readonly overall = h("span", { class: "tlw-muted" });
  private readonly bar = progressBar(COURSE.overallLabel);
  private readonly next = h("button", { class: "tlw-button tlw-button-primary tlw-course-next", type: "button", onclick: () => this.openNext() });
  private readonly notice = h("p", { class: "tlw-course-notice", role: "status", hidden: true });
  private readonly list = h("ol", { class: "tlw-lessons", onkeydown: (event: KeyboardEvent) => this.key(event) });
  private rows: Row[] = [];
  private lessons: Lesson[] = [];
  private upNext: Lesson | null = null;

  constructor(private readonly actions: Actions) {
    this.element.append(
      h("div", { class: "tlw-course-overall" }, this.bar.element, this.overall),
      this.next,
      this.notice,
      this.list,
    );
  }

  show(lessons: Lesson[], progress: Progress, problem: Problem): void {
    if (JSON.stringify(lessons) !== JSON.stringify(this.lessons)) this.build(lessons);
    for (const row of this.rows) row.update(progress, (number) => this.wordOf(number, progress));
    const all = lessons.map((lesson) => standing(lesson, progress));
    const sum = (pick: (one: (typeof all)[number]) => number): number => all.reduce((total, one) => total + pick(one), 0);
    const [right, of] = [sum((one) => one.passed + one.answered), sum((one) => one.exercises + one.quizzes)];
    this.bar.set(right, of);
    setText(this.overall, COURSE.overall(right, of));
    this.upNext = nextLesson(lessons, progress);
    setText(this.next, this.upNext ? `${COURSE.next}: ${this.upNext.number} ${this.upNext.topic}` : COURSE.allDone);
    this.next.disabled = this.upNext === null;
    setText(this.notice, COURSE.problems[problem]);
    this.notice.hidden = problem === "";
  }

  private build(lessons: Lesson[]): void {
    this.lessons = lessons;
    this.rows = lessons.map((lesson) => new Row(lesson, this.actions, (number) => this.focus(number)));
    this.list.replaceChildren(...this.rows.map((row) => row.element));
  }

  private wordOf(number: string, progress: Progress): "new" | "started" | "done" | null {
    const lesson = this.lessons.find((one) => one.number === number);
    return lesson ? standing(lesson, progress).word : null;
  }

  private openNext(): void {
    if (this.upNext) this.actions.open(this.upNext);
  }

  private focus(number: string): void {
    this.rows.find((row) => row.lesson.number === number)?.title.focus();
  }

  /** Arrow keys go from lesson to lesson; Tab goes through everything. */
  private key(event: KeyboardEvent): void {
    const at = this.rows.findIndex((row) => row.title === document.activeElement);
    const target = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: this.rows.length - 1 }[event.key];
    if (at < 0 || target === undefined) return;
    event.preventDefault();
    this.rows[target]?.title.focus();
  }
}

class Row {
  readonly element: HTMLLIElement;
  readonly title: HTMLButtonElement;
  private readonly word = h("span", { class: "tlw-lesson-word" });
  private readonly score = h("summary", {});
  private readonly bar: ReturnType<typeof progressBar>;
  private readonly exercises = new Map<string, HTMLElement>();
  private readonly chips = new Map<string, HTMLButtonElement>();

  constructor(
    readonly lesson: Lesson,
    actions: Actions,
    focus: (number: string) => void,
  ) {
    this.title = h(
      "button",
      { class: "tlw-lesson-open", type: "button", "aria-label": COURSE.open(`${lesson.number} ${lesson.topic}`), title: lesson.title, onclick: () => actions.open(lesson) },
      h("span", { class: "tlw-lesson-number" }, lesson.number),
      " ",
      h("span", { class: "tlw-lesson-topic" }, lesson.topic),
    );
    this.bar = progressBar(lesson.title);
    const reset = h("button", { class: "tlw-button tlw-lesson-reset", type: "button", "aria-label": COURSE.resetLabel(lesson.title), onclick: () => actions.reset(lesson) }, COURSE.reset);
    const details = h("details", { class: "tlw-lesson-more" }, this.score, this.exerciseList(), reset);
    this.element = h("li", { class: "tlw-lesson", "data-lesson": lesson.name }, this.title, this.meta(focus), this.bar.element, details);
  }

  update(progress: Progress, wordOf: (number: string) => "new" | "started" | "done" | null): void {
    const { lesson } = this;
    const stands = standing(lesson, progress);
    if (this.element.dataset["state"] !== stands.word) {
      this.element.dataset["state"] = stands.word;
      this.word.replaceChildren(...(stands.word === "done" ? [icon("check")] : []), COURSE.words[stands.word]);
    }
    setText(this.score, COURSE.score(stands.passed, stands.exercises, stands.answered, stands.quizzes));
    this.bar.set(stands.passed + stands.answered, stands.exercises + stands.quizzes);
    const { checks } = entryOf(lesson, progress);
    for (const [id, mark] of this.exercises) setText(mark, isRight(checks, id) ? "✓" : "○");
    for (const [id, mark] of this.exercises) mark.setAttribute("aria-label", isRight(checks, id) ? COURSE.exercisePassed : COURSE.exerciseOpen);
    for (const [number, chip] of this.chips) chip.setAttribute("aria-label", COURSE.afterLabel(number, COURSE.words[wordOf(number) ?? "new"]));
    for (const [number, chip] of this.chips) chip.dataset["state"] = wordOf(number) ?? "absent";
    for (const [number, chip] of this.chips) chip.disabled = wordOf(number) === null;
  }

  private meta(focus: (number: string) => void): HTMLElement {
    const { minutes, needs } = this.lesson;
    for (const number of needs) this.chips.set(number, h("button", { class: "tlw-chip-need", type: "button", onclick: () => focus(number) }, number));
    const after = needs.length > 0 && h("span", {}, `${COURSE.after} `, ...this.chips.values());
    return h("div", { class: "tlw-lesson-meta tlw-muted" }, minutes !== null && h("span", {}, COURSE.minutes(minutes)), after, this.word);
  }

  private exerciseList(): HTMLElement {
    const items = this.lesson.exercises.map(({ id, title }) => {
      const mark = h("span", { class: "tlw-exercise-mark", role: "img" });
      this.exercises.set(id, mark);
      return h("li", {}, mark, title);
    });
    return h("ul", { class: "tlw-exercises" }, ...items);
  }
}

function progressBar(label: string): { element: HTMLElement; set: (done: number, all: number) => void } {
  const fill = h("span");
  const element = h("div", { class: "tlw-bar", role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuenow": 0, "aria-valuemax": 100 }, fill);
  return {
    element,
    set: (done, all) => {
      const share = all > 0 ? Math.round((100 * done) / all) : 0;
      fill.style.width = `${share}%`;
      element.setAttribute("aria-valuenow", String(share));
      element.setAttribute("aria-valuetext", `${done} of ${all}`);
    },
  };
}

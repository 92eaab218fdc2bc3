import "./styles/base.css";
import "./styles/course_map.css";
import { commands } from "./shared/commands";
import type { Lesson, Problem, Progress } from "./shared/course";
import { CourseMap } from "./shared/course_map";
import { COURSE } from "./shared/course_strings";
import { alertLine, h, mount, setText } from "./shared/dom";
import type { Cleanup, Model } from "./shared/model";
import { STRINGS } from "./shared/strings";
import { view } from "./shared/view";

interface State {
  lessons: Lesson[];
  progress: Progress;
  problem: Problem;
  note: string;
  error_text: string;
}

const LOOK_EVERY_MS = 10_000;

function draw(model: Model<State>, el: HTMLElement, cleanup: Cleanup): void {
  const alert = alertLine();
  const note = h("p", { class: "tlw-muted", role: "status" });
  const kernel = commands(model, cleanup);
  const ask = async (name: string, lesson: Lesson): Promise<void> => {
    const answer = await kernel.send(name, { lesson: lesson.name });
    if (answer === "silence") alert.show(STRINGS.silence);
    else if (!answer.ok) alert.show(answer.error ?? "");
  };
  const map = new CourseMap({ open: (lesson) => void ask("open", lesson), reset: (lesson) => void ask("reset", lesson) });
  mount(el, "course-widget", COURSE.title).append(h("h3", { class: "tlw-title" }, COURSE.title), map.element, note, alert.element);
  const update = (): void => {
    map.show(model.get("lessons"), model.get("progress"), model.get("problem"));
    setText(note, model.get("note"));
    alert.show(model.get("error_text"));
  };
  for (const name of ["lessons", "progress", "problem", "note", "error_text"]) cleanup.listen(model, `change:${name}`, update);
  update();
  keepLooking(model, el, cleanup);
}

/** Ask how things stand every ten seconds, while somebody can see it and the kernel answered the last time. */
function keepLooking(model: Model<State>, el: HTMLElement, cleanup: Cleanup): void {
  let waiting = false;
  const look = (): void => {
    if (waiting || document.hidden || el.offsetParent === null) return;
    waiting = true;
    model.send({ t: "look" });
  };
  cleanup.listen(model, "msg:custom", ((message: { t: string }) => {
    if (message.t === "looked") waiting = false;
  }) as never);
  const timer = setInterval(look, LOOK_EVERY_MS);
  cleanup.add(() => clearInterval(timer));
  look();
}

export default view(draw, true);

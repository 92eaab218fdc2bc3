import type { ILayoutRestorer, JupyterFrontEnd } from "@jupyterlab/application";
import { Clipboard, Dialog, Notification, showDialog } from "@jupyterlab/apputils";
import { PathExt } from "@jupyterlab/coreutils";
import { NotebookActions } from "@jupyterlab/notebook";
import type { Lesson } from "../../src/shared/course";
import { CourseMap } from "../../src/shared/course_map";
import { stamp } from "./answers";
import { showCheck } from "./checks";
import type { CheckNews, Course } from "./course";
import type { Outcome } from "./outcomes";
import { CoursePanel } from "./panel";
import { RunList } from "./run_list";
import { comparison, listRuns, type Run } from "./runs";
import { LAB } from "./strings";
import { Tree } from "./tree";

const RANK = 560; // below JupyterLab's own

/** The course panel in the left side bar, in JupyterLab and in the notebooks of Notebook 7. */
export function addPanel(app: JupyterFrontEnd, course: Course, restorer: ILayoutRestorer | null): void {
  const map = new CourseMap({ open: (lesson) => void course.open(lesson), reset: (lesson) => void course.reset(lesson) });
  const runs = new RunList({
    compare: (chosen) => void course.tell(LAB.runs.compare, () => compare(course, chosen)),
    copy: async (run) => Clipboard.copyToSystem(run.path),
    remove: (run) => void course.tell(LAB.runs.removeTitle(run.name), () => remove(app, run, panel)),
  });
  const panel = new CoursePanel(map, runs, async () => {
    try {
      await look(app, course, panel);
    } catch (error) {
      panel.checks.failed(LAB.panel, error instanceof Error ? error.message : String(error));
      console.warn("tlwidgets: the course panel cannot be brought up to date", error);
    }
  });
  app.shell.add(panel, "left", { rank: RANK });
  restorer?.add(panel, panel.id);
  course.changed.connect(() => panel.schedule());
  NotebookActions.executed.connect(() => panel.schedule());
  course.checked.connect((_, news) => showNews(app, panel, news));
}

async function look(app: JupyterFrontEnd, course: Course, panel: CoursePanel): Promise<void> {
  const tree = new Tree(app.serviceManager.contents);
  const [lessons, kept, folder] = [await course.lessons, await course.progress(tree), await course.folder(tree)];
  panel.map.show(lessons, kept.lessons, kept.problem);
  const front = course.notebooks?.currentWidget?.context.path;
  const beside = front === undefined || front.includes(":") ? [] : [PathExt.dirname(front)];
  const { runs, more } = await listRuns(app.serviceManager.contents, [folder, "", ...beside], tree);
  panel.runs.show(runs, more);
}

function showNews(app: JupyterFrontEnd, panel: CoursePanel, { lesson, panel: notebook, outcomes, state, why }: CheckNews): void {
  const find = (id: string): void => {
    app.shell.activateById(notebook.id);
    showCheck(notebook, id);
  };
  if (state === "failed") panel.checks.failed(lesson.topic, why);
  else if (outcomes.length === 0) panel.checks.running(lesson.topic);
  else panel.checks.show(lesson.topic, outcomes, state === "done", find);
  if (state === "done" && !panel.isVisible) pointTo(app, panel, lesson, outcomes);
}

/** Say how the checks ended where the panel is not in view, with a way to it. */
function pointTo(app: JupyterFrontEnd, panel: CoursePanel, { topic }: Lesson, outcomes: Outcome[]): void {
  const passed = outcomes.filter(({ status }) => status === "passed").length;
  const actions = [{ label: LAB.checks.details, callback: () => app.shell.activateById(panel.id) }];
  Notification.emit(LAB.checks.summary(topic, passed, outcomes.length), passed === outcomes.length ? "success" : "info", { actions, autoClose: 8000 });
}

async function remove(app: JupyterFrontEnd, run: Run, panel: CoursePanel): Promise<void> {
  const buttons = [Dialog.cancelButton({ label: LAB.cancel }), Dialog.warnButton({ label: LAB.runs.removeYes })];
  const answer = await showDialog({ title: LAB.runs.removeTitle(run.name), body: `${run.path}. ${LAB.runs.removeBody}`, buttons });
  if (!answer.button.accept) return;
  await app.serviceManager.contents.delete(run.path);
  panel.schedule();
}

/** A notebook that compares the chosen runs; it is run as soon as it is open. */
async function compare(course: Course, chosen: Run[]): Promise<void> {
  const folder = await course.folder();
  const cells = comparison(chosen.map(({ path }) => PathExt.relative(folder, path)));
  const path = await course.write(folder, `compare-runs-${stamp()}`, cells);
  const panel = await course.show(path);
  await panel?.sessionContext.ready;
  await course.app.commands.execute("notebook:run-all-cells");
}

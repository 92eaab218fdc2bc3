import type { JupyterFrontEnd } from "@jupyterlab/application";
import { Dialog, Notification, showDialog } from "@jupyterlab/apputils";
import type { IDocumentManager } from "@jupyterlab/docmanager";
import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook";
import { PathExt } from "@jupyterlab/coreutils";
import { type ISignal, Signal } from "@lumino/signaling";
import { type Lesson, lessonOf } from "../../src/shared/course";
import { isForbidden, reasonOf } from "./answers";
import { readOriginal } from "./assets";
import { Copies } from "./copies";
import { marksOf, runChecks } from "./checks";
import { DRIVE, LessonsDrive } from "./drive";
import { checkedIn, type Outcome } from "./outcomes";
import { DEFAULT_FOLDER, type Settings } from "./settings";
import { type Kept, ProgressStore } from "./store";
import { LAB } from "./strings";
import type { Tree } from "./tree";
import { Turns } from "./turns";

export interface CheckNews {
  lesson: Lesson;
  panel: NotebookPanel;
  outcomes: Outcome[];
  state: "running" | "done" | "failed";
  why: string;
}

const STUDIO_CELL = 'import tlwidgets as tlw\n\nstudio = tlw.Studio("digits")\nstudio';

/** What can be done with lessons, runs and the Studio, whoever asks: a card, a command, the side bar or the toolbar. */
export class Course {
  private readonly store: ProgressStore;
  private readonly copies: Copies;
  private readonly checking = new Signal<this, CheckNews>(this);
  private readonly moved = new Signal<this, void>(this);
  private readonly turns = new Turns<NotebookPanel>();

  constructor(
    readonly app: JupyterFrontEnd,
    readonly lessons: Promise<Lesson[]>,
    readonly settings: Promise<Settings>,
    readonly notebooks: INotebookTracker | null,
    private readonly documents: IDocumentManager | null,
  ) {
    const { contents } = app.serviceManager;
    contents.addDrive(new LessonsDrive(readOriginal));
    this.store = new ProgressStore(contents);
    this.copies = new Copies(contents, readOriginal, DRIVE);
  }

  /** News of checks as they run. */
  get checked(): ISignal<this, CheckNews> {
    return this.checking;
  }

  /** Progress or runs may have changed. */
  get changed(): ISignal<this, void> {
    return this.moved;
  }

  /** Where the copies and the progress file lie: the folder of the settings, or Jupyter's own where a course was begun there. */
  async folder(tree?: Tree): Promise<string> {
    const { lessonsFolder } = await this.settings;
    return lessonsFolder === DEFAULT_FOLDER && (await this.store.exists("", tree)) ? "" : lessonsFolder;
  }

  async progress(tree?: Tree): Promise<Kept> {
    return this.store.read(await this.folder(tree), tree);
  }

  /** The lesson that a notebook is a copy of, or null. */
  async lessonIn(panel: NotebookPanel | null): Promise<Lesson | null> {
    if (!panel) return null;
    await panel.context.ready;
    return lessonOf(await this.lessons, checkedIn(marksOf(panel)));
  }

  open(lesson: Lesson): Promise<void> {
    return this.tell(lesson.title, async () => {
      const folder = await this.folder();
      const copy = await this.copies.open(folder, lesson.name);
      if (copy.how !== "read-only") await this.begin(folder, lesson);
      await this.show(copy.path);
      if (copy.note !== "") Notification.warning(copy.note, { autoClose: false });
      this.moved.emit();
    });
  }

  reset(lesson: Lesson): Promise<void> {
    return this.tell(lesson.title, async () => {
      const buttons = [Dialog.cancelButton({ label: LAB.cancel }), Dialog.warnButton({ label: LAB.resetYes })];
      const answer = await showDialog({ title: LAB.resetTitle(lesson.title), body: LAB.resetBody, buttons });
      if (!answer.button.accept) return;
      const folder = await this.folder();
      await this.close((await this.copies.place(folder, lesson.name)).path);
      const { path, backup } = await this.copies.reset(folder, lesson.name).catch((error: unknown) => {
        throw isForbidden(error) ? new Error(LAB.readOnly(folder || "/")) : error;
      });
      await this.begin(folder, lesson);
      await this.show(path);
      Notification.info(backup === "" ? LAB.resetFresh(path) : LAB.resetDone(path, backup), { autoClose: 8000 });
      this.moved.emit();
    });
  }

  /** Check a lesson; asked for again while it is being checked, it is checked again after that, for an answer may be new. */
  check(panel: NotebookPanel, lesson: Lesson): Promise<void> {
    return this.turns.take(panel, () => this.checkNow(panel, lesson));
  }

  private checkNow(panel: NotebookPanel, lesson: Lesson): Promise<void> {
    const say = (state: CheckNews["state"], outcomes: Outcome[], why = ""): void =>
      this.checking.emit({ lesson, panel, outcomes, state, why });
    return this.tell(lesson.title, async () => {
      say("running", []);
      try {
        say("done", await runChecks(panel, lesson, (outcomes) => say("running", outcomes)));
      } catch (error) {
        say("failed", [], reasonOf(error));
        throw error;
      } finally {
        this.moved.emit();
      }
    });
  }

  /** The Studio in a notebook of its own; a new one is run at once, and one that is as we made it too. */
  openStudio(): Promise<void> {
    return this.tell(LAB.studio, async () => {
      const folder = await this.folder();
      const path = await this.write(folder, "studio", [STUDIO_CELL]);
      const panel = await this.show(path);
      const first = panel?.content.widgets[0];
      if (panel && first?.model.sharedModel.getSource() === STUDIO_CELL) {
        panel.content.activeCellIndex = 0;
        await panel.sessionContext.ready;
        await this.app.commands.execute("notebook:run-cell");
      }
    });
  }

  /** A notebook that lies in the course's folder; one that is there already is kept. Returns its path. */
  async write(folder: string, name: string, cells: string[]): Promise<string> {
    const { path, taken } = await this.copies.place(folder, name);
    if (taken) return path;
    await this.copies.ensure(folder);
    const made = cells.map((source) => ({ cell_type: "code", execution_count: null, metadata: {}, outputs: [], source }));
    const kernelspec = { name: "python3", display_name: "Python 3", language: "python" };
    const content = { cells: made, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 4 };
    await this.app.serviceManager.contents.save(path, { type: "notebook", format: "json", content });
    return path;
  }

  /** Open a notebook, wait until it is drawn, and hand back its panel where this page shows it. */
  async show(path: string): Promise<NotebookPanel | null> {
    const opened = (await this.app.commands.execute("docmanager:open", { path, factory: "Notebook" })) as NotebookPanel | undefined;
    const panel = opened ?? this.notebooks?.find((one) => one.context.path === path) ?? null;
    await panel?.context?.ready;
    return panel?.content?.widgets ? panel : null;
  }

  /** Do something for a person; what goes wrong is told, and logged. */
  async tell(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      console.warn(`tlwidgets: ${what}`, error);
      Notification.error(LAB.failed(what, reasonOf(error)), { autoClose: false });
    }
  }

  /** A lesson opened from elsewhere counts as begun too, where it lies in the course's folder. */
  async noteOpened(panel: NotebookPanel, lesson: Lesson): Promise<void> {
    const folder = await this.folder();
    const { path } = panel.context;
    if (path.includes(":") || PathExt.dirname(path) !== folder) return;
    await this.begin(folder, lesson);
    this.moved.emit();
  }

  private async begin(folder: string, lesson: Lesson): Promise<void> {
    try {
      const aside = await this.store.begin(folder, lesson.name);
      if (aside !== "") Notification.warning(LAB.keptAside(aside), { autoClose: false });
    } catch (error) {
      console.warn("tlwidgets: progress could not be written", error); // the lesson opens all the same
    }
  }

  /** Save and close a notebook that is open, so that its backup holds everything and its tab shows no old file. */
  private async close(path: string): Promise<void> {
    const widget = this.documents?.findWidget(path, null);
    const context = widget && this.documents?.contextForWidget(widget);
    if (context?.model.dirty) await context.save();
    if (widget) await this.documents?.closeFile(path);
  }
}

import type { JupyterFrontEnd } from "@jupyterlab/application";
import { type ICommandPalette, InputDialog } from "@jupyterlab/apputils";
import type { NotebookPanel } from "@jupyterlab/notebook";
import type { Lesson } from "../../src/shared/course";
import type { Course } from "./course";
import { courseIcon, lessonIcon, studioIcon } from "./icons";
import { LAB } from "./strings";

export const COMMANDS = {
  studio: "tlwidgets:open-studio",
  open: "tlwidgets:open-lesson",
  reset: "tlwidgets:reset-lesson",
  check: "tlwidgets:check",
  show: "tlwidgets:show-course",
} as const;

interface Arguments {
  /** Name of a lesson; without one, the person is asked. */
  lesson?: string;
  /** For a card of the launcher: its label and number. */
  label?: string;
  caption?: string;
  number?: string;
}

export function addCommands(app: JupyterFrontEnd, course: Course, palette: ICommandPalette | null): void {
  const { commands } = app;
  commands.addCommand(COMMANDS.studio, {
    label: ({ label }: Arguments) => label ?? LAB.openStudio,
    caption: LAB.studioCaption,
    icon: studioIcon,
    execute: () => course.openStudio(),
  });
  commands.addCommand(COMMANDS.open, {
    label: ({ label }: Arguments) => label ?? LAB.openLesson,
    caption: ({ caption }: Arguments) => caption ?? LAB.openLesson,
    icon: ({ number }: Arguments) => (number === undefined ? courseIcon : lessonIcon(number)),
    execute: async (args) => withLesson(course, args as Arguments, null, (lesson) => course.open(lesson)),
  });
  commands.addCommand(COMMANDS.reset, {
    label: LAB.resetLesson,
    execute: async (args) => withLesson(course, args as Arguments, inFront(course), (lesson) => course.reset(lesson)),
  });
  commands.addCommand(COMMANDS.check, { label: LAB.check, caption: LAB.checkCaption, execute: () => checkInFront(course) });
  commands.addCommand(COMMANDS.show, { label: LAB.showCourse, icon: courseIcon, execute: () => app.shell.activateById("tlwidgets-course") });
  for (const command of Object.values(COMMANDS)) palette?.addItem({ command, category: LAB.category });
}

function inFront(course: Course): NotebookPanel | null {
  return course.notebooks?.currentWidget ?? null;
}

function checkInFront(course: Course): Promise<void> {
  return course.tell(LAB.check, async () => {
    const panel = inFront(course);
    const lesson = await course.lessonIn(panel);
    if (!panel || !lesson) throw new Error(LAB.noLessonInFront);
    await course.check(panel, lesson);
  });
}

/** The lesson that is named, else the one in front, else the one that the person chooses. */
async function withLesson(course: Course, { lesson: name }: Arguments, panel: NotebookPanel | null, act: (lesson: Lesson) => Promise<void>): Promise<void> {
  await course.tell(LAB.which, async () => {
    const lessons = await course.lessons;
    const named = lessons.find((lesson) => lesson.name === name || lesson.number === name);
    const lesson = named ?? (await course.lessonIn(panel)) ?? (await choose(lessons));
    if (lesson) await act(lesson);
  });
}

async function choose(lessons: Lesson[]): Promise<Lesson | undefined> {
  const items = lessons.map(({ title }) => title);
  const { button, value } = await InputDialog.getItem({ title: LAB.which, items, okLabel: LAB.open, cancelLabel: LAB.cancel });
  return button.accept ? lessons.find(({ title }) => title === value) : undefined;
}

import type { JupyterFrontEnd } from "@jupyterlab/application";
import type { ILauncher } from "@jupyterlab/launcher";
import { DisposableSet } from "@lumino/disposable";
import type { Lesson } from "../../src/shared/course";
import { COMMANDS } from "./commands";
import type { Course } from "./course";
import { LAB } from "./strings";

/** The cards of the launcher, there as long as the settings want them. */
export async function addCards(_app: JupyterFrontEnd, course: Course, launcher: ILauncher): Promise<void> {
  const settings = await course.settings;
  const lessons = await course.lessons.catch((error: unknown) => {
    console.error("tlwidgets: the launcher shows no lessons", error);
    return [];
  });
  let shown: DisposableSet | null = null;
  const update = (): void => {
    if (settings.launcherCards && !shown) shown = cards(launcher, lessons);
    if (!settings.launcherCards) {
      shown?.dispose();
      shown = null;
    }
  };
  update();
  settings.changed.connect(update);
}

function cards(launcher: ILauncher, lessons: Lesson[]): DisposableSet {
  const all = new DisposableSet();
  all.add(launcher.add({ command: COMMANDS.studio, args: { label: LAB.studio }, category: LAB.category, rank: 0 }));
  lessons.forEach(({ name, number, title, topic, minutes }, index) => {
    const args = { lesson: name, number, label: LAB.lessonLabel(number, topic, minutes), caption: LAB.lessonCaption(title, minutes) };
    all.add(launcher.add({ command: COMMANDS.open, args, category: LAB.category, rank: index + 1 }));
  });
  return all;
}

import type { JupyterFrontEnd } from "@jupyterlab/application";
import { ToolbarButton } from "@jupyterlab/apputils";
import type { NotebookPanel } from "@jupyterlab/notebook";
import { checkIcon } from "@jupyterlab/ui-components";
import { DisposableDelegate, type IDisposable } from "@lumino/disposable";
import type { Lesson } from "../../src/shared/course";
import type { Course } from "./course";
import { LAB } from "./strings";

/** A "Check" button in the toolbar of every notebook that is a lesson's. */
export function addCheckButton(app: JupyterFrontEnd, course: Course): void {
  app.docRegistry.addWidgetExtension("Notebook", {
    createNew: (panel): IDisposable => {
      const notebook = panel as NotebookPanel;
      let button: ToolbarButton | null = null;
      void course
        .lessonIn(notebook)
        .then(async (lesson) => {
          if (!lesson || notebook.isDisposed) return;
          button = makeButton(course, notebook, lesson);
          notebook.toolbar.insertItem(10, "tlwidgets-check", button);
          await course.noteOpened(notebook, lesson);
        })
        .catch((error: unknown) => console.warn("tlwidgets: no Check button here", error));
      return new DisposableDelegate(() => button?.dispose());
    },
  });
}

function makeButton(course: Course, notebook: NotebookPanel, lesson: Lesson): ToolbarButton {
  let busy = false;
  const press = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    await course.check(notebook, lesson);
    busy = false;
  };
  return new ToolbarButton({ label: LAB.checkButton, tooltip: LAB.checkCaption, icon: checkIcon, onClick: () => void press() });
}

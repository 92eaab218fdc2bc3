import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ILayoutRestorer } from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { IDocumentManager } from "@jupyterlab/docmanager";
import { ILauncher } from "@jupyterlab/launcher";
import { INotebookTracker } from "@jupyterlab/notebook";
import { ISettingRegistry } from "@jupyterlab/settingregistry";
import { IStatusBar } from "@jupyterlab/statusbar";
import { readCatalogue } from "./assets";
import { Course } from "./course";
import { addCards } from "./cards";
import { addCommands } from "./commands";
import { addPanel } from "./side_bar";
import { readSettings } from "./settings";
import { addStatus } from "./status";
import { addCheckButton } from "./toolbar";

const ID = "tlwidgets:plugin";

/** Do one part of the work; what goes wrong in it is logged and leaves the other parts, and Jupyter, as they are. */
async function attempt(what: string, work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    console.error(`tlwidgets: ${what} could not be set up`, error);
  }
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: "Lessons and runs of tlwidgets: launcher cards, course panel, checks, the run that is training.",
  autoStart: true,
  optional: [INotebookTracker, ISettingRegistry, ICommandPalette, ILauncher, ILayoutRestorer, IStatusBar, IDocumentManager],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker | null,
    registry: ISettingRegistry | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    restorer: ILayoutRestorer | null,
    statusBar: IStatusBar | null,
    documents: IDocumentManager | null,
  ): void => {
    void attempt("the extension", async () => {
      const lessons = readCatalogue();
      lessons.catch(() => undefined); // told by the parts that need it
      const settings = readSettings(ID, registry);
      const course = new Course(app, lessons, settings, notebooks, documents);
      await attempt("the side bar", () => addPanel(app, course, restorer));
      await attempt("the commands", () => addCommands(app, course, palette));
      await attempt("the Check button", () => addCheckButton(app, course));
      await attempt("the status bar", () => statusBar && addStatus(app, statusBar));
      await attempt("the launcher", () => launcher && addCards(app, course, launcher));
    });
  },
};

export default plugin;

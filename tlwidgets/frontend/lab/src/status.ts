import type { JupyterFrontEnd } from "@jupyterlab/application";
import type { IStatusBar } from "@jupyterlab/statusbar";
import { Signal } from "@lumino/signaling";
import { TrainingItem } from "./training";

/** Put the run that is training into the status bar; it takes no place while none is. */
export function addStatus(app: JupyterFrontEnd, statusBar: IStatusBar): void {
  const owner = {};
  const changed = new Signal<object, void>(owner);
  const item = new TrainingItem(app, () => changed.emit());
  statusBar.registerStatusItem("tlwidgets:training", {
    item,
    align: "left",
    rank: 100,
    isActive: () => item.isTraining(),
    activeStateChanged: changed as never, // the bar only listens; its type asks for a signal of its own
  });
}

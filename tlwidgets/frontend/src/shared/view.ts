// What every view does beside drawing itself: it tidies up when it goes, and says when the kernel behind it has gone.
import { MESSAGES } from "./dashboard_strings";
import { h } from "./dom";
import { Cleanup, type Model, type RenderProps } from "./model";

type Draw<State extends object> = (model: Model<State>, el: HTMLElement, cleanup: Cleanup) => void;

/** The event by which Jupyter's manager of widgets says that a model has lost its kernel; other pages send none. */
export const KERNEL_GONE = "comm_live_update";

/** A widget's module exports this. `quiet` leaves the words about the kernel to the widgets around it. */
export function view<State extends object>(draw: Draw<State>, quiet = false): { render: (props: RenderProps<State>) => () => void } {
  return {
    render({ model, el }) {
      const cleanup = new Cleanup();
      draw(model, el, cleanup);
      if (!quiet) cleanup.listen(model, KERNEL_GONE, () => tell(el));
      return () => cleanup.run();
    },
  };
}

function tell(el: HTMLElement): void {
  const root = el.querySelector(".tlw-root");
  if (!root || root.querySelector(":scope > .tlw-gone")) return;
  root.prepend(h("div", { class: "tlw-notice tlw-gone", role: "status" }, MESSAGES.kernelEnded));
}

// JupyterLab (seen on 4.6.6, after a reload of the page) may go on sending a widget's messages to a subshell of the
// kernel that it has deleted itself; ipykernel drops them with "Unknown subshell_id". The main shell always answers.
import type { Cleanup, Model } from "./model";

interface Connection {
  commsOverSubshells?: string;
}

const PATIENCE_MS = 1500;
const ATTEMPTS = 8;

/** Send this page's widget messages to the kernel's main shell from now on, where the page has that choice. */
export function useMainShell<State extends object>(model: Model<State>): void {
  const kernel = model.widget_manager?.kernel as Connection | null | undefined;
  if (kernel && "commsOverSubshells" in kernel) kernel.commsOverSubshells = "disabled";
}

/** Ask the kernel for something until it comes; `got` ends the asking. */
export function askUntilAnswered<State extends object>(
  model: Model<State>,
  cleanup: Cleanup,
): { ask: (message: unknown) => void; got: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const got = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  const attempt = (message: unknown, left: number): void => {
    timer = left > 1 ? setTimeout(() => again(message, left - 1), PATIENCE_MS) : undefined;
    try {
      model.send(message);
    } catch {
      got(); // the channel to the kernel is closed
    }
  };
  const again = (message: unknown, left: number): void => {
    useMainShell(model);
    attempt(message, left);
  };
  cleanup.add(got);
  return { ask: (message) => timer === undefined && attempt(message, ATTEMPTS), got };
}

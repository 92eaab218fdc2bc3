// A message may be lost while a page connects: ask again until the answer comes.
import type { Cleanup, Model } from "./model";

const PATIENCE_MS = 1500;
const ATTEMPTS = 8;

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
    timer = left > 1 ? setTimeout(() => attempt(message, left - 1), PATIENCE_MS) : undefined;
    try {
      model.send(message);
    } catch {
      got(); // the channel to the kernel is closed
    }
  };
  cleanup.add(got);
  return { ask: (message) => timer === undefined && attempt(message, ATTEMPTS), got };
}

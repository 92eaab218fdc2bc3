// Commands from the page to the kernel, each answered by an acknowledgement with the same id.
import type { Cleanup, Model } from "./model";

export interface Acknowledgement {
  t: "ack";
  id: string;
  ok: boolean;
  error?: string;
}

const SILENCE_MS = 2000;

export interface Commands {
  /** Send a command; settles with the kernel's answer, or after three seconds of silence. */
  send(name: string, args?: Record<string, unknown>): Promise<Acknowledgement | "silence">;
}

export function commands<State extends object>(model: Model<State>, cleanup: Cleanup): Commands {
  const waiting = new Map<string, (answer: Acknowledgement) => void>();
  cleanup.listen(model, "msg:custom", (message: Acknowledgement) => {
    if (message.t === "ack") waiting.get(message.id)?.(message);
  });
  return {
    send(name, args = {}) {
      const id = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
      const message = { t: "cmd", id, name, args };
      return new Promise((resolve) => {
        // The kernel does a command once, however often it hears of it.
        const again = (): void => {
          timer = setTimeout(() => settle("silence"), SILENCE_MS / 2);
          model.send(message);
        };
        let timer = setTimeout(again, SILENCE_MS);
        const settle = (answer: Acknowledgement | "silence"): void => {
          clearTimeout(timer);
          waiting.delete(id);
          resolve(answer);
        };
        waiting.set(id, settle);
        try {
          model.send(message);
        } catch {
          settle("silence"); // the channel to the kernel is closed
        }
      });
    },
  };
}

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
  /** Send a command; settles with the kernel's answer, or after two seconds of silence. */
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
      return new Promise((resolve) => {
        const timer = setTimeout(() => settle("silence"), SILENCE_MS);
        const settle = (answer: Acknowledgement | "silence"): void => {
          clearTimeout(timer);
          waiting.delete(id);
          resolve(answer);
        };
        waiting.set(id, settle);
        try {
          model.send({ t: "cmd", id, name, args });
        } catch {
          settle("silence"); // the channel to the kernel is closed
        }
      });
    },
  };
}

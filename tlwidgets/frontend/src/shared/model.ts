// The part of anywidget's front-end model that these widgets use (anywidget 0.11, packages/types).

export type Listener = (...args: never[]) => void;

export interface Model<State extends object> {
  get<Key extends keyof State & string>(key: Key): State[Key];
  set<Key extends keyof State & string>(key: Key, value: State[Key]): void;
  save_changes(): void;
  send(content: unknown): void;
  on(event: string, listener: Listener): void;
  off(event: string, listener?: Listener): void;
}

export interface RenderProps<State extends object> {
  model: Model<State>;
  el: HTMLElement;
}

/** What a view must undo when it goes away. */
export class Cleanup {
  private readonly jobs: Array<() => void> = [];

  add(job: () => void): void {
    this.jobs.push(job);
  }

  /** Listen to the model until the view goes away. */
  listen<State extends object>(model: Model<State>, event: string, listener: Listener): void {
    model.on(event, listener);
    this.add(() => model.off(event, listener));
  }

  run(): void {
    for (const job of this.jobs.splice(0).reverse()) job();
  }
}

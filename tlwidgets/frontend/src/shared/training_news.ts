// A dashboard tells the page how its run stands; JupyterLab's status bar listens. Nobody need be listening.

export const TRAINING_EVENT = "tlwidgets:training";

export interface TrainingNews {
  /** Which view of which dashboard speaks. */
  id: string;
  /** "running", "paused", ... or "gone" once the view is. */
  status: string;
  epoch: number;
  epochs: number;
  /** Share of validation images classified rightly in the best epoch so far, or null. */
  accuracy: number | null;
  /** What to bring to the front. */
  element: HTMLElement;
}

let views = 0;

export function newsId(): string {
  views += 1;
  return `${views}-${Math.random().toString(36).slice(2)}`;
}

export function tellTraining(news: TrainingNews): void {
  window.dispatchEvent(new CustomEvent<TrainingNews>(TRAINING_EVENT, { detail: news }));
}

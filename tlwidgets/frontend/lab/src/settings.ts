import type { ISettingRegistry } from "@jupyterlab/settingregistry";
import { type ISignal, Signal } from "@lumino/signaling";
import { below } from "./answers";

export const DEFAULT_FOLDER = "transfer-learning";

/** What a person may set. Without a settings registry the defaults hold. */
export class Settings {
  lessonsFolder = DEFAULT_FOLDER;
  launcherCards = true;
  private readonly signal = new Signal<this, void>(this);

  get changed(): ISignal<this, void> {
    return this.signal;
  }

  take(composite: Record<string, unknown>): void {
    const { lessonsFolder, launcherCards } = composite;
    if (typeof lessonsFolder === "string") this.lessonsFolder = below(lessonsFolder);
    if (typeof launcherCards === "boolean") this.launcherCards = launcherCards;
    this.signal.emit();
  }
}

/** Settings that follow the person's changes; they have their defaults until the registry answers. */
export async function readSettings(id: string, registry: ISettingRegistry | null): Promise<Settings> {
  const settings = new Settings();
  try {
    const loaded = await registry?.load(id);
    if (loaded) {
      settings.take(loaded.composite);
      loaded.changed.connect(() => settings.take(loaded.composite));
    }
  } catch (error) {
    console.warn("tlwidgets: its settings cannot be read, so the defaults hold", error);
  }
  return settings;
}

// A canvas cannot use CSS variables: read them, and read them again when the theme changes.
import type { Cleanup } from "./model";

const STYLE_SHEET_MS = 500;

export interface Colours {
  text: string;
  muted: string;
  grid: string;
  background: string;
  train: string;
  validation: string;
}

export function colours(element: HTMLElement): Colours {
  const style = getComputedStyle(element);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return {
    text: read("--tlw-fg"),
    muted: read("--tlw-fg-muted"),
    grid: read("--tlw-grid"),
    background: read("--tlw-bg"),
    train: read("--tlw-train"),
    validation: read("--tlw-validation"),
  };
}

/** Call back when JupyterLab, VS Code, Colab or the system changes between light and dark. */
export function onThemeChange(callback: () => void, cleanup: Cleanup): void {
  let late: ReturnType<typeof setTimeout>;
  const changed = (): void => {
    callback();
    // JupyterLab names the new theme before its style sheet has come.
    clearTimeout(late);
    late = setTimeout(callback, STYLE_SHEET_MS);
  };
  cleanup.add(() => clearTimeout(late));
  const observer = new MutationObserver(changed);
  const attributeFilter = ["data-jp-theme-light", "data-jp-theme-name", "data-vscode-theme-kind", "theme"];
  observer.observe(document.body, { attributes: true, attributeFilter });
  observer.observe(document.documentElement, { attributes: true, attributeFilter });
  cleanup.add(() => observer.disconnect());
  const query = matchMedia("(prefers-color-scheme: dark)");
  query.addEventListener("change", changed);
  cleanup.add(() => query.removeEventListener("change", changed));
}

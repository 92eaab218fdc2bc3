// Elements are made from tags and text, never from HTML: names and messages come from strangers' folders.

type Child = Node | string | number | null | undefined | false;
type Properties = Record<string, string | number | boolean | null | undefined | ((event: never) => void)>;

function assign(element: Element, properties: Properties): void {
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(key.slice(2).toLowerCase(), value as EventListener);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
}

/** Make an element. `onclick` and its like are listeners, everything else an attribute; strings become text nodes. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  assign(element, properties);
  append(element, ...children);
  return element;
}

export function append(parent: Element, ...children: Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(typeof child === "number" ? String(child) : child);
  }
}

/** Change the text only where it differs: a screen reader announces every change of a live region. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setDisabled(element: HTMLButtonElement | HTMLInputElement, disabled: boolean): void {
  if (element.disabled !== disabled) element.disabled = disabled;
}

const PATHS = {
  frozen: "M8 1.5v13M2.4 4.75l11.2 6.5M13.6 4.75l-11.2 6.5M8 4 6.3 2.4M8 4l1.7-1.6M8 12l-1.7 1.6M8 12l1.7 1.6",
  trainable: "M2.5 13.5 6 8.5l2.8 2.3L13.5 3M13.5 3h-3.6M13.5 3v3.6",
  play: "M4.5 2.8v10.4L13 8z",
  pause: "M5 3v10M11 3v10",
  stop: "M4 4h8v8H4z",
  undo: "M6 3 2.8 6.2 6 9.4M3 6.2h6.4a3.8 3.8 0 0 1 0 7.6H7",
  redo: "M10 3l3.2 3.2L10 9.4M13 6.2H6.6a3.8 3.8 0 0 0 0 7.6H9",
  right: "m6 3.5 4.5 4.5L6 12.5",
  check: "m3 8.5 3.3 3.3L13 4.8",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  warn: "M8 2 1.5 13.5h13zM8 6.5v3.2M8 11.6v.4",
  down: "M8 2.5v9M4.5 8 8 11.5 11.5 8M3 14h10",
} as const;

export type IconName = keyof typeof PATHS;

/** A 16 px line drawing, decorative: the word beside it says what it means. */
export function icon(name: IconName, filled = false): SVGSVGElement {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  assign(svg, { viewBox: "0 0 16 16", class: filled ? "tlw-icon tlw-icon-filled" : "tlw-icon", "aria-hidden": "true" });
  const path = document.createElementNS(namespace, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** A box that scrolls, and that the keyboard can scroll too. */
export function scrolling(className: string, label: string, ...children: Child[]): HTMLElement {
  return h("div", { class: className, role: "group", tabindex: 0, "aria-label": label }, ...children);
}

const OWN_KEYS = "data-lm-suppress-shortcuts";

/** Prepare the element of a view: our class, our keys kept from the notebook, and nothing left from an earlier render. */
export function mount(el: HTMLElement, name: string, label: string): HTMLElement {
  const root = h("div", { class: `tlw-root tlw-${name}`, role: "group", "aria-label": label });
  root.setAttribute(OWN_KEYS, "true");
  // JupyterLab looks for the mark from the focused element upwards, and for its own selectors first at each: a shortcut
  // whose selector ends in ":focus" is found on a button before the mark on our root is seen.
  root.addEventListener("focusin", (event) => (event.target as Element).setAttribute(OWN_KEYS, "true"));
  root.addEventListener("keydown", submitOnEnter);
  el.replaceChildren(root);
  return root;
}

/** In JupyterLab 4.6, Enter in a field does not send its form by itself. */
function submitOnEnter(event: KeyboardEvent): void {
  const field = event.target;
  if (event.key !== "Enter" || event.isComposing || event.defaultPrevented) return;
  if (!(field instanceof HTMLInputElement) || field.form === null) return;
  event.preventDefault();
  field.form.requestSubmit();
}

/** A line that is shown, and announced, only while it has something to say. */
export function alertLine(): { element: HTMLElement; show: (message: string) => void } {
  const text = h("span");
  const element = h("div", { class: "tlw-alert", role: "alert", hidden: true }, icon("warn"), text);
  return {
    element,
    show: (message) => {
      element.hidden = message === "";
      setText(text, message);
    },
  };
}

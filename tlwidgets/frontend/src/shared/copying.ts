// A button that puts a text on the clipboard, and says so.
import { h, icon } from "./dom";
import { STRINGS } from "./strings";

const TEXT = STRINGS.code;

export class CopyButton {
  readonly element = h("button", { class: "tlw-button", type: "button", onclick: () => void this.copy() });

  /** `text` gives what is copied; `failed` hears why it was not. */
  constructor(private readonly text: () => string, private readonly failed: (why: string) => void) {
    this.ready();
  }

  /** Offer to copy: the text is another one now. */
  ready(): void {
    this.element.replaceChildren(icon("copy"), TEXT.copy);
  }

  private async copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.text());
      this.element.replaceChildren(icon("check"), TEXT.copied);
    } catch {
      this.failed(TEXT.failed);
    }
  }
}

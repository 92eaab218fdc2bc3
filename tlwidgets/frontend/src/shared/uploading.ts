// Pictures and zip files from the person's disk to the kernel, in parts that a notebook server lets through.
import { DATA_STRINGS } from "./data_strings";
import { h, setText } from "./dom";
import { percent } from "./format";

const PART = 512 * 1024; // bytes; base64 makes 700 kB of it, and servers refuse messages of 10 MB
const LARGEST = 200 * 1024 * 1024; // also in uploads.py
const TEXT = DATA_STRINGS.upload;
type Ask = (name: string, args?: Record<string, unknown>) => Promise<boolean>;

export class Uploading {
  readonly element: HTMLElement;
  private readonly label = h("input", { class: "tlw-input", type: "text", maxlength: 80, "aria-label": TEXT.label, placeholder: TEXT.label });
  private readonly file = h("input", { type: "file", accept: "image/*,.zip,application/zip", multiple: true, class: "tlw-hidden-label", tabindex: -1, "aria-hidden": "true" });
  private readonly choose = h("button", { class: "tlw-button", type: "button" }, TEXT.choose);
  private readonly use = h("button", { class: "tlw-button tlw-button-primary", type: "button" }, TEXT.use);
  private readonly clear = h("button", { class: "tlw-button tlw-button-quiet", type: "button" }, TEXT.clear);
  private readonly again = h("button", { class: "tlw-button", type: "button", hidden: true }, TEXT.again);
  private readonly status = h("p", { class: "tlw-lead", role: "status" });

  private uploaded: Record<string, number> = {};
  /** Files that did not arrive, and those behind them. */
  private left: File[] = [];

  constructor(private readonly ask: Ask, private readonly complain: (words: string) => void) {
    this.choose.addEventListener("click", () => this.file.click());
    this.file.addEventListener("change", () => void this.send([...(this.file.files ?? [])]));
    this.use.addEventListener("click", () => {
      setText(this.status, TEXT.reading);
      void ask("use_uploads").then((done) => !done && this.show(this.uploaded));
    });
    this.again.addEventListener("click", () => void this.send(this.left));
    this.clear.addEventListener("click", () => void ask("clear_uploads"));
    const bar = h("div", { class: "tlw-actions" }, this.label, this.choose, this.file, this.again, this.use, this.clear);
    this.element = h("section", { class: "tlw-data-section", "aria-label": TEXT.title }, h("h4", {}, TEXT.title), h("p", { class: "tlw-lead" }, TEXT.lead), bar, this.status);
  }

  show(uploaded: Record<string, number>): void {
    this.uploaded = uploaded;
    const pictures = Object.values(uploaded).reduce((sum, n) => sum + n, 0);
    this.use.hidden = this.clear.hidden = pictures === 0;
    setText(this.status, pictures ? TEXT.have(pictures, Object.keys(uploaded).length) : "");
  }

  private async send(files: File[]): Promise<void> {
    const label = this.label.value.trim();
    this.file.value = "";
    if (!label && files.some((file) => !file.name.toLowerCase().endsWith(".zip"))) {
      this.complain(TEXT.needsClass);
      this.label.focus();
      return;
    }
    const large = files.find((file) => file.size > LARGEST);
    if (large) {
      this.complain(TEXT.tooLarge(large.name, LARGEST >> 20));
      return;
    }
    this.choose.disabled = true;
    this.again.hidden = true;
    this.left = [];
    for (const [index, file] of files.entries()) {
      if (await this.sendOne(file, label)) continue;
      this.show(this.uploaded);
      this.left = files.slice(index);
      this.again.hidden = false;
      setText(this.status, TEXT.broken(file.name));
      break;
    }
    this.choose.disabled = false;
  }

  private async sendOne(file: File, label: string): Promise<boolean> {
    const upload = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    for (let start = 0; start < file.size; start += PART) {
      setText(this.status, TEXT.busy(file.name, percent(start / file.size, 0)));
      const data = await base64(file.slice(start, start + PART)).catch(() => null);
      if (data === null) this.complain(TEXT.failed);
      if (data !== null && (await this.ask("upload_part", { upload, data, start, name: file.name }))) continue;
      if (data === null) void this.ask("upload_cancel", { upload });
      return false;
    }
    setText(this.status, TEXT.reading);
    return this.ask("upload_end", { upload, name: file.name, label, size: file.size });
  }
}

function base64(part: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).slice(String(reader.result).indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(part);
  });
}

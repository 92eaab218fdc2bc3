import "./styles/base.css";
import "./styles/drawing.css";
import "./styles/teach.css";
import { askUntilAnswered } from "./shared/asking";
import { commands, type Commands } from "./shared/commands";
import { alertLine, h, icon, mount, setText } from "./shared/dom";
import { Drawing } from "./shared/drawing";
import { percent } from "./shared/format";
import type { Cleanup, Model } from "./shared/model";
import { base64, smallPicture } from "./shared/small_picture";
import { STRINGS } from "./shared/strings";
import { view } from "./shared/view";

interface State {
  classes: string[];
  counts: number[];
  answer: number[];
  note: string;
  error_text: string;
}

const TEXT = STRINGS.teach;
const KEPT = 96; // pixels that travel to the kernel
const LOOK_MS = 250;

class Teach {
  private readonly commands: Commands;
  private readonly drawing: Drawing;
  private readonly video = h("video", { class: "tlw-teach-video", muted: true, playsinline: true, hidden: true });
  private readonly list = h("div", { class: "tlw-teach-classes" });
  private readonly bars = h("div", { class: "tlw-teach-bars" });
  private readonly said = h("p", { class: "tlw-teach-said", role: "status" });
  private readonly note = h("p", { class: "tlw-lead", role: "status" });
  private readonly alert = alertLine();
  private readonly camera = h("button", { class: "tlw-button", type: "button", "aria-pressed": "false", onclick: () => void this.toggleCamera() }, TEXT.camera);
  private readonly chosen = h("select", { class: "tlw-input" });
  private readonly pictures = new Map<number, { label: string; url: string }>();
  private looking = false;
  /** Whether there is more to be seen than the kernel has been shown. */
  private stale = false;
  private lookAgain: ReturnType<typeof setTimeout> | undefined;
  private stream: MediaStream | null = null;

  constructor(
    private readonly model: Model<State>,
    el: HTMLElement,
    cleanup: Cleanup,
  ) {
    this.commands = commands(model, cleanup);
    this.drawing = new Drawing({ changed: () => this.look(), entered: () => void this.addDrawn() }, cleanup);
    const words = h("div", {}, h("h3", { class: "tlw-title" }, TEXT.title), h("p", { class: "tlw-lead" }, TEXT.lead));
    const undo = h("button", { class: "tlw-button tlw-button-quiet", type: "button", onclick: () => void this.ask("undo") }, icon("undo"), TEXT.undo);
    const columns = h("div", { class: "tlw-teach-columns" }, this.input(), h("section", { "aria-label": TEXT.gather }, h("h4", {}, TEXT.gather), this.list, this.newClass(), this.note), this.preview());
    mount(el, "teach", TEXT.title).append(h("div", { class: "tlw-head" }, words, h("div", { class: "tlw-actions" }, undo)), columns, h("p", { class: "tlw-lead" }, TEXT.more), this.alert.element);
    const answers = askUntilAnswered(model, cleanup);
    cleanup.listen(model, "msg:custom", (message: { t: string; numbers: number[]; labels: string[] }, buffers: DataView[]) => {
      if (message.t !== "examples") return;
      answers.got();
      this.keep(message.numbers, message.labels, buffers);
    });
    for (const name of ["classes", "counts"]) cleanup.listen(model, `change:${name}`, () => this.updateClasses());
    for (const name of ["answer", "note"]) cleanup.listen(model, `change:${name}`, () => this.updateAnswer());
    cleanup.listen(model, "change:error_text", () => this.alert.show(model.get("error_text")));
    cleanup.add(() => this.stopCamera());
    cleanup.add(() => clearTimeout(this.lookAgain));
    cleanup.add(() => this.pictures.forEach(({ url }) => URL.revokeObjectURL(url)));
    answers.ask({ t: "ready" });
    this.alert.show(model.get("error_text"));
    this.updateClasses();
    this.updateAnswer();
  }

  private input(): HTMLElement {
    const clear = h("button", { class: "tlw-button", type: "button", onclick: () => this.drawing.wipe() }, TEXT.clear);
    const file = h("input", { type: "file", accept: "image/*", multiple: true, class: "tlw-hidden-label", tabindex: -1, "aria-hidden": "true" });
    file.addEventListener("change", () => void this.upload(file));
    const upload = h("button", { class: "tlw-button", type: "button", onclick: () => file.click() }, TEXT.uploadButton);
    const keys = h("details", { class: "tlw-teach-keys" }, h("summary", {}, TEXT.keys), this.drawing.help);
    const choice = h("label", { class: "tlw-teach-choice" }, h("span", { class: "tlw-muted" }, TEXT.chosen), this.chosen);
    return h("section", { class: "tlw-teach-input" }, this.drawing.element, this.video, h("div", { class: "tlw-actions" }, clear, this.camera), choice, h("div", { class: "tlw-actions" }, upload, file), keys);
  }

  private preview(): HTMLElement {
    return h("section", { "aria-label": TEXT.answer }, h("h4", {}, TEXT.answer), this.said, this.bars);
  }

  private newClass(): HTMLElement {
    const name = h("input", { class: "tlw-input", type: "text", maxlength: 80, "aria-label": TEXT.newClass, placeholder: TEXT.newClass });
    const form = h("form", { class: "tlw-actions" }, name, h("button", { class: "tlw-button", type: "submit" }, TEXT.addClass));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.ask("add_class", { name: name.value }).then((done) => {
        if (done) name.value = "";
      });
    });
    return form;
  }

  private async ask(name: string, args: Record<string, unknown> = {}): Promise<boolean> {
    const answer = await this.commands.send(name, args);
    if (answer === "silence") this.alert.show(STRINGS.silence);
    else this.alert.show(answer.ok ? "" : (answer.error ?? ""));
    return answer !== "silence" && answer.ok;
  }

  /** What is to be seen now - the drawing, or the camera - as a small PNG. */
  private picture(): string {
    const small = h("canvas", { width: KEPT, height: KEPT });
    const target = small.getContext("2d") as CanvasRenderingContext2D;
    const { videoWidth, videoHeight } = this.video;
    if (this.stream && videoWidth) {
      const side = Math.min(videoWidth, videoHeight);
      target.drawImage(this.video, (videoWidth - side) / 2, (videoHeight - side) / 2, side, side, 0, 0, KEPT, KEPT);
    } else target.drawImage(this.drawing.canvas, 0, 0, KEPT, KEPT);
    return base64(small.toDataURL("image/png"));
  }

  /** Ask what it is: one question at a time, and not more than a few a second. */
  private look(): void {
    this.stale = true;
    if (this.looking || this.lookAgain !== undefined) return;
    this.lookAgain = setTimeout(() => {
      this.lookAgain = undefined;
      this.looking = true;
      this.stale = false;
      void this.commands.send("look", { picture: this.picture() }).then(() => {
        this.looking = false;
        if (this.stream || this.stale) this.look();
      });
    }, LOOK_MS);
  }

  private async upload(input: HTMLInputElement): Promise<void> {
    const label = this.chosen.value;
    for (const file of [...(input.files ?? [])]) {
      const picture = await smallPicture(file, KEPT).catch(() => null);
      if (picture === null) this.alert.show(TEXT.cannotOpen(file.name));
      if (picture === null || !(await this.ask("add", { label, picture }))) break;
    }
    input.value = "";
  }

  private async toggleCamera(): Promise<void> {
    if (this.stream) {
      this.stopCamera();
      return;
    }
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { width: 320 } });
    } catch {
      this.alert.show(TEXT.noCamera);
      return;
    }
    this.video.srcObject = this.stream;
    await this.video.play();
    this.showCamera(true);
    this.look();
  }

  private stopCamera(): void {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.showCamera(false);
  }

  private showCamera(on: boolean): void {
    this.video.hidden = !on;
    this.drawing.element.hidden = on;
    this.camera.setAttribute("aria-pressed", String(on));
    setText(this.camera, on ? TEXT.cameraOff : TEXT.camera);
  }

  private keep(numbers: number[], labels: string[], buffers: DataView[]): void {
    this.pictures.forEach(({ url }) => URL.revokeObjectURL(url));
    this.pictures.clear();
    numbers.forEach((number, index) => {
      const url = URL.createObjectURL(new Blob([buffers[index] as unknown as BlobPart], { type: "image/png" }));
      this.pictures.set(number, { label: labels[index] ?? "", url });
    });
    this.updateClasses();
  }

  private updateClasses(): void {
    const focused = (document.activeElement as HTMLElement | null)?.dataset["key"];
    const { model } = this;
    const counts = model.get("counts");
    this.list.replaceChildren(...model.get("classes").map((name, index) => this.classCard(name, counts[index] ?? 0, index)));
    const chosen = this.chosen.value;
    this.chosen.replaceChildren(...model.get("classes").map((name) => h("option", { value: name, selected: name === chosen }, name)));
    if (focused) this.list.querySelector<HTMLElement>(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    this.updateAnswer();
  }

  private classCard(name: string, count: number, index: number): HTMLElement {
    const title = h("input", { class: "tlw-input", type: "text", value: name, maxlength: 80, "aria-label": TEXT.rename(name), "data-key": `name:${index}` });
    title.addEventListener("change", () => void this.ask("rename_class", { name, new: title.value }).then((done) => !done && (title.value = name)));
    const add = h("button", { class: "tlw-button", type: "button", "data-key": `add:${index}`, onclick: () => void this.addSeen(name) }, TEXT.add(name));
    const remove = h("button", { class: "tlw-button tlw-button-quiet", type: "button", "aria-label": TEXT.removeClass(name), onclick: () => void this.ask("remove_class", { name }) }, "✕");
    const own = [...this.pictures].filter(([, { label }]) => label === name);
    const pictures = own.map(([number, { url }], place) =>
      h("button", { class: "tlw-teach-example", type: "button", "aria-label": TEXT.removeExample(name, place + 1), title: TEXT.removeExample(name, place + 1), onclick: () => void this.ask("remove", { number }) }, h("img", { src: url, alt: "" })),
    );
    return h("div", { class: "tlw-teach-class" }, h("div", { class: "tlw-actions" }, title, h("span", { class: "tlw-muted" }, TEXT.examples(count)), remove), h("div", { class: "tlw-teach-examples" }, ...pictures), add);
  }

  private async addSeen(label: string): Promise<boolean> {
    const added = await this.ask("add", { label, picture: this.picture() });
    if (added && !this.stream) this.drawing.wipe(true);
    return added;
  }

  private async addDrawn(): Promise<void> {
    const label = this.chosen.value;
    if (label === "") this.drawing.say(TEXT.noClass);
    else if (await this.addSeen(label)) this.drawing.say(TEXT.added(label));
  }

  private updateAnswer(): void {
    const { model } = this;
    const [classes, answer] = [model.get("classes"), model.get("answer")];
    setText(this.note, model.get("note"));
    const best = answer.indexOf(Math.max(...answer));
    setText(this.said, answer.length ? TEXT.says(classes[best] ?? "", percent(answer[best] ?? 0, 0)) : TEXT.nothing);
    const rows = answer.map((share, index) => {
      const fill = h("span");
      fill.style.width = `${100 * share}%`;
      return h("div", { class: "tlw-teach-bar" }, h("span", { class: "tlw-ellipsis" }, classes[index] ?? ""), h("span", { class: "tlw-bar", "aria-hidden": "true" }, fill), h("span", { class: "tlw-number" }, percent(share, 0)));
    });
    this.bars.replaceChildren(...rows);
  }
}

export default view((model: Model<State>, el, cleanup) => void new Teach(model, el, cleanup));

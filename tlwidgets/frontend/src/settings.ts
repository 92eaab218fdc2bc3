import "./styles/base.css";
import "./styles/settings.css";
import { commands, type Commands } from "./shared/commands";
import { alertLine, h, mount } from "./shared/dom";
import { rate } from "./shared/format";
import type { Cleanup, Model } from "./shared/model";
import { STRINGS } from "./shared/strings";
import { view } from "./shared/view";

type Value = number | string | boolean | null;
type State = Record<string, unknown> & { choices: Record<string, string[]>; error_text: string };

const TEXT = STRINGS.settings;
const GROUPS: [string, string[]][] = [
  [TEXT.groups.run, ["epochs", "batch_size", "learning_rate", "augmentation"]],
  [TEXT.groups.backbone, ["pretrained", "backbone_scale", "seed"]],
  [TEXT.groups.more, ["optimizer", "schedule", "weight_decay", "patience"]],
];
let instances = 0;

class Settings {
  private readonly commands: Commands;
  private readonly controls = new Map<string, HTMLInputElement | HTMLSelectElement>();
  private readonly alert = alertLine();
  private readonly id = `tlw-settings-${++instances}`;

  constructor(
    private readonly model: Model<State>,
    el: HTMLElement,
    cleanup: Cleanup,
  ) {
    this.commands = commands(model, cleanup);
    const words = h("div", {}, h("h3", { class: "tlw-title" }, TEXT.title), h("p", { class: "tlw-lead" }, TEXT.lead));
    const groups = GROUPS.map(([title, names]) => h("fieldset", { class: "tlw-fields" }, h("legend", {}, title), ...names.map((name) => this.field(name))));
    mount(el, "settings", TEXT.title).append(h("div", { class: "tlw-head" }, words), h("div", { class: "tlw-groups" }, ...groups), this.alert.element);
    for (const name of [...this.controls.keys(), "error_text"]) cleanup.listen(model, `change:${name}`, () => this.update());
    this.update();
  }

  private field(name: string): HTMLElement {
    const [title, help] = TEXT.fields[name] ?? [name, ""];
    const control = this.control(name);
    control.id = `${this.id}-${name}`;
    if (help) control.setAttribute("aria-describedby", `${control.id}-help`);
    control.addEventListener("change", () => void this.change(name));
    this.controls.set(name, control);
    const label = h("label", { for: control.id }, title);
    return h("div", { class: "tlw-field" }, label, control, help !== "" && h("span", { class: "tlw-muted", id: `${control.id}-help` }, help));
  }

  private control(name: string): HTMLInputElement | HTMLSelectElement {
    const choices = this.model.get("choices")[name];
    if (choices) return h("select", { class: "tlw-input" }, ...choices.map((choice) => h("option", { value: choice }, choice)));
    if (typeof this.model.get(name) === "boolean") return h("input", { type: "checkbox" });
    return h("input", { class: "tlw-input", inputmode: "decimal", autocomplete: "off", spellcheck: "false" });
  }

  private read(control: HTMLInputElement | HTMLSelectElement): Value {
    if (control instanceof HTMLSelectElement) return control.value;
    if (control.type === "checkbox") return control.checked;
    const text = control.value.trim().replace(",", ".");
    if (text === "") return null;
    return Number.isFinite(Number(text)) ? Number(text) : text; // words are refused by the kernel, in its own words
  }

  private async change(name: string): Promise<void> {
    const control = this.controls.get(name);
    if (!control) return;
    const answer = await this.commands.send("set", { name, value: this.read(control) });
    const refused = answer !== "silence" && !answer.ok;
    control.setAttribute("aria-invalid", String(refused));
    if (answer === "silence") this.alert.show(STRINGS.silence);
    else this.alert.show(answer.error ?? "");
  }

  private update(): void {
    for (const [name, control] of this.controls) {
      const value = this.model.get(name) as Value;
      if (control === document.activeElement && control.getAttribute("aria-invalid") === "true") continue;
      if (control instanceof HTMLInputElement && control.type === "checkbox") control.checked = Boolean(value);
      else if (control instanceof HTMLSelectElement) choose(control, String(value));
      else control.value = value === null ? "" : typeof value === "number" ? rate(value) : String(value);
    }
    this.alert.show(this.model.get("error_text"));
  }
}

/** A value that is none of the choices, such as changes joined in the data view, is offered too, so that it shows. */
function choose(select: HTMLSelectElement, value: string): void {
  if (![...select.options].some((option) => option.value === value)) select.append(h("option", { value }, value));
  select.value = value;
}

export default view((model: Model<State>, el, cleanup) => void new Settings(model, el, cleanup));

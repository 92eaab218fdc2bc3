import "./styles/base.css";
import "./styles/code_panel.css";
import "./styles/step_code.css";
import { commands, type Commands } from "./shared/commands";
import { CopyButton } from "./shared/copying";
import { alertLine, h, mount, setText } from "./shared/dom";
import type { Cleanup, Model } from "./shared/model";
import { STRINGS } from "./shared/strings";
import { view } from "./shared/view";

interface State {
  title: string;
  opened: boolean;
  code: string;
  error_text: string;
}

const TEXT = STRINGS.stepCode;

class StepCode {
  private readonly commands: Commands;
  private readonly root: HTMLElement;
  private readonly alert = alertLine();
  private readonly toggle = h("button", { class: "tlw-button", type: "button", onclick: () => void this.turn() });
  private readonly copy = new CopyButton(() => this.model.get("code"), (why) => this.alert.show(why));
  private readonly text = h("code");
  private readonly pre = h("pre", { class: "tlw-code-text", tabindex: 0 }, this.text);

  constructor(
    private readonly model: Model<State>,
    el: HTMLElement,
    cleanup: Cleanup,
  ) {
    this.commands = commands(model, cleanup);
    this.root = mount(el, "step-code", TEXT.title(model.get("title")));
    this.root.append(h("div", { class: "tlw-actions" }, this.toggle, this.copy.element), this.pre, this.alert.element);
    for (const name of ["title", "opened", "code", "error_text"]) cleanup.listen(model, `change:${name}`, () => this.update());
    this.update();
  }

  private async turn(): Promise<void> {
    const answer = await this.commands.send("show", { opened: !this.model.get("opened") });
    this.alert.show(answer === "silence" ? STRINGS.silence : this.model.get("error_text"));
  }

  private update(): void {
    const [opened, code] = [this.model.get("opened"), this.model.get("code")];
    this.root.setAttribute("aria-label", TEXT.title(this.model.get("title")));
    setText(this.toggle, opened ? TEXT.hide : TEXT.show);
    this.toggle.setAttribute("aria-expanded", String(opened));
    this.pre.hidden = this.copy.element.hidden = code === "";
    setText(this.text, code);
    this.copy.ready();
    this.alert.show(this.model.get("error_text"));
  }
}

export default view((model: Model<State>, el, cleanup) => void new StepCode(model, el, cleanup), true);

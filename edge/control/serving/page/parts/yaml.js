// An object as YAML, to read and to copy.

import { h, say } from "../dom.js";

const SAID = 2000;

export class Yaml {
  constructor() {
    this.title = h("h2");
    this.text = h("code");
    this.button = h("button", { class: "button", type: "button", onclick: () => this.copy() }, "Copy");
    this.element = h(
      "section",
      { class: "section", hidden: true },
      h("div", { class: "section-head" }, this.title, this.button),
      h("p", { class: "note" }, "As Edge reads it: fields that it ignores are left out."),
      h("pre", { class: "code", tabindex: "0", role: "region", "aria-label": "YAML" }, this.text),
    );
    this.button.hidden = !navigator.clipboard;
  }

  show(title, text) {
    this.element.hidden = text === "";
    say(this.title, title);
    say(this.text, text);
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(this.text.textContent);
      say(this.button, "Copied");
    } catch {
      say(this.button, "Not allowed");
    }
    setTimeout(() => say(this.button, "Copy"), SAID);
  }
}

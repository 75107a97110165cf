// The switch between the system's preference, light and dark.

import { say, set } from "./dom.js";

const ORDER = ["system", "light", "dark"];
const WORDS = { system: "Theme: system", light: "Theme: light", dark: "Theme: dark" };

export class Switch {
  constructor(button) {
    this.button = button;
    this.choice = document.documentElement.dataset.theme ?? "system";
    button.addEventListener("click", () => this.next());
    button.hidden = false;
    this.show();
  }

  next() {
    this.choice = ORDER[(ORDER.indexOf(this.choice) + 1) % ORDER.length];
    set(document.documentElement, "data-theme", this.choice === "system" ? null : this.choice);
    try {
      if (this.choice === "system") localStorage.removeItem("theme");
      else localStorage.setItem("theme", this.choice);
    } catch {
      // A browser that keeps nothing for us: the choice holds until the page is closed.
    }
    this.show();
  }

  show() {
    say(this.button, WORDS[this.choice]);
  }
}

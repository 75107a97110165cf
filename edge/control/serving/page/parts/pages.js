// The ways to the part of a list before and after the one that is shown.

import { address } from "../api.js";
import { h, put, say } from "../dom.js";
import { number } from "../format.js";

export class Pages {
  constructor(view, limit) {
    this.view = view;
    this.limit = limit;
    this.range = h("span");
    this.nav = h("nav", { "aria-label": "Pages" });
    this.element = h("div", { class: "pages", hidden: true }, this.range, this.nav);
    this.last = "";
  }

  /** FOUND has `total` and `offset`; PARAMETERS are those of the view. */
  show({ total, offset }, parameters) {
    const { limit } = this;
    this.element.hidden = total <= limit && offset === 0;
    say(this.range, `${number(Math.min(offset + 1, total))} to ${number(Math.min(offset + limit, total))} of ${number(total)}`);
    const state = JSON.stringify([total, offset, parameters]);
    if (state === this.last) return;
    this.last = state;
    const to = (text, place, there) =>
      there
        ? h("a", { class: "button", href: address(this.view, { ...parameters, offset: place || "" }) }, text)
        : h("span", { class: "button button-off" }, text);
    put(this.nav, to("Previous", Math.max(0, offset - limit), offset > 0), to("Next", offset + limit, offset + limit < total));
  }
}

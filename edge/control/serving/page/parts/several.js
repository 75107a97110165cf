// A card with the first few of something, and a link to the view that has them all.

import { Children, h } from "../dom.js";

const SHOWN = 5;

export class Several {
  /** KEY and MAKE as for `Children`; NONE is the text shown in place of an empty list. */
  constructor({ title, link, none, key, make }) {
    this.list = h("ul", { class: "list" });
    this.none = h("p", { class: "faint" }, none);
    this.items = new Children(this.list, key, make);
    this.element = h(
      "section",
      { class: "card" },
      h("h2", {}, title, h("a", { href: link, "aria-label": `All ${title.toLowerCase()}` }, "All")),
      this.list,
      this.none,
    );
  }

  fill(items) {
    this.items.fill(items.slice(0, SHOWN));
    this.list.hidden = items.length === 0;
    this.none.hidden = items.length > 0;
  }
}

/** Make of an item that never changes, for `Children`. */
export function fixed(make) {
  return (item) => ({ element: make(item), update() {} });
}

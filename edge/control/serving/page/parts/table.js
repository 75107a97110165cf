// A table whose rows stay while their numbers change.
//
// Rules of this file:
// - A column is `{ title, kind, of(item), show(value, item) }`. OF gives a value that is compared; SHOW makes a text or
//   nodes of it, and is called only when it is another one. Without SHOW the value itself is shown.
// - KIND is a class of style/tables.css: number, name, wide.

import { Children, h, put } from "../dom.js";

export class Table {
  constructor({ caption, columns, key, none }) {
    this.columns = columns;
    this.body = h("tbody");
    this.none = h("p", { class: "empty", hidden: true }, none);
    this.rows = new Children(this.body, key, (item) => this.row(item));
    this.scroll = h(
      "div",
      { class: "table-scroll", role: "region", "aria-label": caption, tabindex: "0" },
      h(
        "table",
        {},
        h("caption", { class: "unseen" }, caption),
        h("thead", {}, h("tr", {}, columns.map((one) => h("th", { scope: "col", class: one.kind ?? "" }, one.title)))),
        this.body,
      ),
    );
    this.element = h("div", { class: "table" }, this.scroll, this.none);
  }

  /** Show ITEMS, in this order. */
  fill(items) {
    this.rows.fill(items);
    this.none.hidden = items.length > 0;
    this.scroll.hidden = items.length === 0;
  }

  row(item) {
    const cells = this.columns.map((one, index) => h(index ? "td" : "th", { class: one.kind ?? "", scope: index ? null : "row" }));
    const values = cells.map(() => undefined);
    const update = (now) => {
      this.columns.forEach((column, index) => {
        const value = column.of(now);
        const text = typeof value === "object" ? JSON.stringify(value) : value;
        if (text === values[index]) return;
        values[index] = text;
        put(cells[index], column.show ? column.show(value, now) : String(value));
      });
    };
    update(item);
    return { element: h("tr", {}, cells), update };
  }
}

// A view that is a list of the API: searched as one types, with one more choice if need be, a page at a time.
//
// Rules of this file:
// - The control plane searches, so that 20,000 entries cost the browser no more than a page of them.
// - Each key asks at once; while an answer is under way, only the newest text waits for its turn.

import { get } from "../api.js";
import { h, say, set } from "../dom.js";
import { Pages } from "./pages.js";
import { Refresh } from "./refresh.js";
import { Table } from "./table.js";

const LIMIT = 50;

export class Searched {
  /**
   * PARAMETERS and MOVE are those of a view. PATH is that of the API and of the view, and the name of the list in its
   * answer. HINT says what is searched. CHOICE is `{ name, label, options }`, with "" for the usual option.
   */
  constructor(parameters, move, { path, title, hint, choice = null, key, columns }) {
    Object.assign(this, { title, path, move, choice });
    this.search = parameters.get("search") ?? "";
    const chosen = choice && parameters.get(choice.name);
    this.chosen = chosen && Object.hasOwn(choice.options, chosen) ? chosen : "";
    this.offset = Math.max(0, Number.parseInt(parameters.get("offset") ?? "0", 10) || 0);
    this.note = h("p", { class: "view-note", role: "status" });
    this.table = new Table({ caption: title, key, columns, none: "" });
    this.pages = new Pages(path, LIMIT);
    this.element = h(
      "div",
      {},
      h("div", { class: "view-head" }, h("h1", {}, title), this.note),
      this.form(hint),
      this.table.element,
      this.pages.element,
    );
    this.refresh = new Refresh(() => this.read());
  }

  form(hint) {
    const input = h("input", {
      type: "search",
      name: "search",
      value: this.search,
      placeholder: hint,
      "aria-label": `Search ${this.title.toLowerCase()}`,
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => this.ask({ search: input.value }),
    });
    return h(
      "form",
      { class: "search", role: "search", action: this.path, onsubmit: (event) => event.preventDefault() },
      input,
      this.choice && this.select(this.choice),
    );
  }

  select({ name, label, options }) {
    const list = Object.entries(options).map(([value, text]) => h("option", { value, selected: value === this.chosen }, text));
    const select = h("select", { name, onchange: () => this.ask({ chosen: select.value }) }, list);
    return h("label", { class: "inline" }, label, select);
  }

  /** Another question: its first page. */
  ask(question) {
    Object.assign(this, question, { offset: 0 });
    this.move(this.parameters());
    this.refresh.quietly();
  }

  parameters() {
    const { search, chosen, choice, offset } = this;
    return { search, ...(choice ? { [choice.name]: chosen } : {}), offset: offset || "" };
  }

  async load(signal) {
    this.signal = signal;
    await this.refresh.now();
  }

  async read() {
    const { search } = this;
    const found = await get(this.path, { ...this.parameters(), limit: LIMIT }, this.signal);
    this.table.fill(found[this.path]);
    set(this.table.element, "data-search", search);
    const [note, none] = this.describe(found, search.trim() !== "" || this.chosen !== "");
    say(this.note, note);
    say(this.table.none, none);
    this.pages.show(found, this.parameters());
  }

  /** The texts above the list and in place of an empty one; SEARCHED: the search or a filter is set. */
  describe() {
    return ["", ""];
  }
}

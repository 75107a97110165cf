// The last changes of the table: what was changed, what it touched, how long it took to the wire.

import { get } from "../api.js";
import { h, say } from "../dom.js";
import { ago, count, latency, moment, number } from "../format.js";
import { touched, what } from "../parts/changes.js";
import { badge } from "../parts/marks.js";
import { Table } from "../parts/table.js";

const KEPT = 300;

export default class Changes {
  constructor() {
    this.title = "Changes";
    this.changes = [];
    this.note = h("p", { class: "view-note" });
    this.table = table();
    this.element = h("div", {}, h("div", { class: "view-head" }, h("h1", {}, "Changes"), this.note), this.table.element);
  }

  async load(signal) {
    this.changes = (await get("changes", { limit: KEPT }, signal)).changes;
    this.show();
  }

  hear(name, data) {
    if (name !== "changes") return;
    this.changes = [...[...data.changes].reverse(), ...this.changes].slice(0, KEPT);
    this.show();
  }

  tick() {
    this.show();
  }

  show() {
    this.table.fill(this.changes);
    say(this.note, this.changes.length < KEPT ? count(this.changes.length, "change") : `the last ${KEPT}`);
  }
}

function table() {
  return new Table({
    caption: "Changes of the table, the newest first",
    key: (one) => one.id,
    none: "The table has not changed yet.",
    columns: [
      { title: "When", kind: "still", of: (one) => ago(one.time), show: (text, one) => h("span", { title: moment(one.time) }, text) },
      { title: "Objects", kind: "wide", of: (one) => one.id, show: (_, one) => what(one, 3) },
      { title: "Touched", kind: "name", of: (one) => touched(one.touched), show: (text, one) => [text, names(one.touched)] },
      { title: "Problems", of: (one) => one.problems, show: problems },
      { title: "To the wire", kind: "number", of: (one) => latency(one.seconds) },
      { title: "Generation", kind: "number", of: (one) => number(one.generation) },
    ],
  });
}

function names({ hosts, services, certificates, streams }) {
  const first = [...hosts.first, ...services.first, ...certificates.first, ...streams.first].slice(0, 3);
  return first.length > 0 && h("div", { class: "under" }, first.join(", "));
}

function problems({ appeared, gone }) {
  if (!appeared && !gone) return "–";
  return [appeared > 0 && badge("warning", `${number(appeared)} new`), " ", gone > 0 && badge("ok", `${number(gone)} gone`)];
}

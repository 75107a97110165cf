// The processes of this instance.

import { get } from "../api.js";
import { h, put, say } from "../dom.js";
import { bytes, count, number, rate, share, span } from "../format.js";
import { badge, facts } from "../parts/marks.js";
import { Chart } from "../parts/chart.js";
import { Refresh } from "../parts/refresh.js";
import { after, rows } from "../parts/samples.js";
import { Table } from "../parts/table.js";

const SILENT = 10;

export default class Workers {
  constructor() {
    this.title = "Workers";
    this.note = h("p", { class: "view-note" });
    this.table = table();
    this.samples = [];
    this.chart = new Chart({
      title: "Processors used by workers",
      format: number,
      series: [{ name: "processors", of: (one) => one.cpu, tone: "warning" }],
    });
    this.control = h("div");
    this.element = h(
      "div",
      {},
      h("div", { class: "view-head" }, h("h1", {}, "Workers"), this.note),
      this.table.element,
      h("div", { class: "charts below" }, this.chart.element, h("section", { class: "card" }, h("h2", {}, "Control plane"), this.control)),
    );
    this.refresh = new Refresh(() => this.read());
  }

  async load(signal) {
    this.signal = signal;
    const [{ samples }] = await Promise.all([get("overview", {}, signal), this.refresh.now()]);
    this.samples = rows(samples);
    this.chart.draw(this.samples);
  }

  hear(name, data) {
    if (name !== "overview") return;
    this.samples = after(this.samples, data.sample);
    this.chart.draw(this.samples);
    this.refresh.quietly();
  }

  end() {
    this.chart.end();
  }

  async read() {
    const { workers, control } = await get("workers", {}, this.signal);
    this.table.fill(workers);
    say(this.note, count(workers.filter((one) => one.alive).length, "worker"));
    const now = Date.now() / 1000;
    put(
      this.control,
      facts([
        ["Process", String(control.pid)],
        ["Up", span(now - control.started)],
        ["CPU", share(control.cpu)],
        ["CPU time", span(control.cpu_seconds_total)],
        ["Memory", bytes(control.resident_bytes)],
      ]),
    );
  }
}

function table() {
  return new Table({
    caption: "Workers",
    key: (one) => one.worker,
    none: "No worker is running.",
    columns: [
      { title: "Worker", of: (one) => `${one.worker}` },
      { title: "Process", kind: "number", of: (one) => String(one.pid) },
      { title: "State", of: state, show: ([tone, text]) => badge(tone, text) },
      { title: "Up", kind: "number", of: (one) => span(Date.now() / 1000 - one.started) },
      { title: "CPU", kind: "number", of: (one) => share(one.cpu) },
      { title: "Memory", kind: "number", of: (one) => bytes(one.resident_bytes) },
      { title: "Requests", kind: "number", of: (one) => rate(one.rate) },
      { title: "Connections", kind: "number", of: (one) => number(one.connections.active) },
      { title: "Idle", kind: "number", of: (one) => number(one.connections.waiting) },
      { title: "Upgraded", kind: "number", of: (one) => number(one.connections.upgraded) },
      { title: "Retries", kind: "number", of: (one) => number(one.retries_total) },
      { title: "Ejections", kind: "number", of: (one) => number(one.ejections_total) },
      { title: "Restarts", kind: "number", of: (one) => number(one.restarts) },
    ],
  });
}

function state({ alive, draining, behind, heartbeat_age: silent }) {
  if (!alive) return ["error", "ended"];
  if (draining) return ["warning", "draining"];
  if (silent > SILENT) return ["error", `silent for ${span(silent)}`];
  if (behind) return ["warning", `${count(behind, "generation")} behind`];
  return ["ok", "serving"];
}

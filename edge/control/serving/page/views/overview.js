// The overview: what flows, the state of the table, and what wants attention.

import { get } from "../api.js";
import { h, put, say } from "../dom.js";
import { ago, count, number } from "../format.js";
import { Refresh } from "../parts/refresh.js";
import { badge, facts } from "../parts/marks.js";
import { certificates, changes, problems, workers } from "./overview-cards.js";
import { after, rows } from "../parts/samples.js";
import { charts } from "./overview-charts.js";

export default class Overview {
  constructor() {
    this.title = "Overview";
    this.samples = [];
    this.changes = [];
    this.state = null;
    this.charts = charts();
    this.note = h("p", { class: "view-note" });
    this.table = h("section", { class: "card" }, h("h2", {}, "Table"));
    this.facts = h("div");
    this.age = h("span");
    this.table.append(this.facts);
    this.cards = { workers: workers(), problems: problems(), certificates: certificates(), changes: changes() };
    this.element = h(
      "div",
      {},
      h("div", { class: "view-head" }, h("h1", {}, "Overview"), this.note),
      h("div", { class: "charts" }, this.charts.map((chart) => chart.element)),
      h("div", { class: "cards" }, this.table, Object.values(this.cards).map((card) => card.element)),
    );
    this.problems = new Refresh(async () => this.cards.problems.fill((await get("problems", { limit: 5 })).problems));
    this.workers = new Refresh(async () => this.cards.workers.fill((await get("workers")).workers.filter((one) => one.alive)));
  }

  async load(signal) {
    const [state, ends, changed] = await Promise.all([
      get("overview", {}, signal),
      get("certificates", { limit: 5 }, signal),
      get("changes", { limit: 5 }, signal),
      this.problems.now(),
      this.workers.now(),
    ]);
    this.samples = rows(state.samples);
    this.changes = changed.changes;
    this.cards.certificates.fill(ends.certificates.filter((one) => one.state !== "valid"));
    this.show(state);
  }

  hear(name, data) {
    if (this.state === null) return;
    if (name === "overview") {
      this.samples = after(this.samples, data.sample);
      this.show(data);
      this.workers.quietly();
    } else if (name === "changes") {
      this.changes = [...[...data.changes].reverse(), ...this.changes].slice(0, 5);
      this.cards.changes.fill(this.changes);
    } else this.problems.quietly();
  }

  show(state) {
    this.state = state;
    say(this.note, `${state.instance} · Edge ${state.version} · up ${ago(state.started).replace(" ago", "")}`);
    for (const chart of this.charts) chart.draw(this.samples);
    this.cards.changes.fill(this.changes);
    const { table, connections } = state;
    put(
      this.facts,
      facts([
        ["State", state.ready ? badge("ok", "ready") : badge("error", "not ready")],
        !state.ready && ["Why", state.notes.join("; ")],
        table.failure && ["Failure", badge("error", table.failure)],
        ["Generation", number(table.generation)],
        ["Last change", this.age],
        ["Hosts and routes", `${number(table.hosts)} and ${number(table.routes)}`],
        ["Certificates", certificatesText(state.certificates)],
        ["Problems", problemsText(state.problems)],
        ["Connections", `${number(connections.active)} active, ${number(connections.waiting)} idle, ${number(connections.upgraded)} upgraded`],
        ["Workers", workersText(state.workers)],
      ]),
    );
    this.tick();
  }

  tick() {
    if (this.state) say(this.age, ago(this.state.table.last_change));
  }

  end() {
    for (const chart of this.charts) chart.end();
  }
}

function certificatesText({ total, ending, expired }) {
  const parts = [number(total)];
  if (ending) parts.push(`${number(ending)} ending soon`);
  if (expired) parts.push(`${number(expired)} expired`);
  return parts.join(", ");
}

function problemsText({ errors, warnings }) {
  return errors || warnings ? `${count(errors, "error")}, ${count(warnings, "warning")}` : "none";
}

function workersText({ alive, restarts, behind }) {
  return [`${number(alive)} alive`, count(restarts, "restart"), behind ? `${number(behind)} behind` : ""].filter(Boolean).join(", ");
}

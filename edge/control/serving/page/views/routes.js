// All routes, with what they are doing now.

import { h } from "../dom.js";
import { count, latency, number, rate, share } from "../format.js";
import { badge } from "../parts/marks.js";
import { object, part, routeAddress, routeText, service, some } from "../parts/objects.js";
import { Searched } from "../parts/searched.js";

const SORTS = { "": "Host", rate: "Most requests", error_ratio: "Most errors", p99: "Slowest" };

export default class Routes extends Searched {
  constructor(parameters, move) {
    super(parameters, move, {
      path: "routes",
      title: "Routes",
      hint: "Host, path, owner, Service or policy",
      choice: { name: "sort", label: "Sort by", options: SORTS },
      key: (one) => one.id,
      columns: COLUMNS,
    });
    this.turn = 0;
  }

  describe({ all, total }) {
    const none = all ? "No route contains all of these words." : "There is no route yet. An Ingress or a route of the Gateway API makes one.";
    return [this.search.trim() ? `${number(total)} of ${count(all, "route")}` : count(all, "route"), none];
  }

  /** Traffic changes all the time: every second event. */
  hear(name) {
    if (name === "changes" || (name === "overview" && this.turn++ % 2)) this.refresh.quietly();
  }
}

const COLUMNS = [
  {
    title: "Route",
    kind: "route-cell",
    of: ({ id, host, path, type, conditions, tls, scope, owner, problems }) => ({ id, host, path, type, conditions, tls, scope, owner, problems }),
    show: routeCell,
  },
  { title: "Policies", of: (one) => one.policies, show: (names) => (names.length ? some(names, 2) : "–") },
  { title: "Backends", kind: "name", of: (one) => one.backends, show: backends },
  { title: "Requests", kind: "number", of: (one) => rate(one.rate) },
  { title: "Errors", kind: "number", of: (one) => one.error_ratio, show: errors },
  { title: "p99", kind: "number", of: (one) => latency(one.p99) },
];

function routeCell(route) {
  return [
    h("a", { href: routeAddress(route.id) }, routeText(route)),
    h(
      "div",
      { class: "under" },
      object(route.owner),
      ` · ${route.type}`,
      route.tls && " · TLS",
      route.scope && ` · ${route.scope}`,
      route.conditions.map((one) => [" · ", one]),
      route.problems > 0 && [" ", badge("warning", count(route.problems, "problem"))],
    ),
  ];
}

function backends(several) {
  if (!several.length) return "–";
  return h("ul", {}, several.map((one) => h("li", {}, backend(one, several))));
}

function backend(one, several) {
  const endpoints = h("span", { class: one.endpoints ? "faint" : "is-error" }, ` ${count(one.endpoints, "endpoint")}`);
  return [service(one), several.length > 1 && ` ${part(one, several)}`, one.canary && " canary", one.service && endpoints];
}

function errors(value) {
  return value > 0 ? h("span", { class: "is-error" }, share(value)) : share(value);
}

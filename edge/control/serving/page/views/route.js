// One route: its traffic, where requests go, what its policies do, and the object that asked for it.

import { get } from "../api.js";
import { h, put } from "../dom.js";
import { ago, latency, moment, number, rate, share } from "../format.js";
import { badge, code, section } from "../parts/marks.js";
import { named, owner as link, part, routeName, service } from "../parts/objects.js";
import { policies } from "../parts/policies.js";
import { reports } from "../parts/reports.js";
import { Refresh } from "../parts/refresh.js";
import { Table } from "../parts/table.js";
import { Yaml } from "../parts/yaml.js";

export default class Route {
  constructor(parameters) {
    this.id = parameters.get("id") ?? "";
    this.title = "Route";
    this.drawn = "";
    this.name = h("h1", {}, "Route");
    this.note = h("p", { class: "view-note" });
    this.figures = h("dl", { class: "figures" });
    this.endpoints = endpoints();
    this.traffic = traffic();
    this.rest = h("div");
    this.yaml = new Yaml();
    this.body = h(
      "div",
      { hidden: true },
      this.figures,
      section("Backends", this.endpoints.element),
      this.rest,
      section("Traffic", this.traffic.element),
      this.yaml.element,
    );
    this.element = h(
      "div",
      {},
      h("div", { class: "view-head" }, h("p", { class: "view-back" }, h("a", { href: "routes" }, "Routes")), this.name, this.note),
      this.body,
    );
    this.refresh = new Refresh(() => this.read());
  }

  async load(signal) {
    this.signal = signal;
    await this.refresh.now();
  }

  hear(name) {
    if (name !== "problems") this.refresh.quietly();
  }

  async read() {
    const route = await get(`routes/${encodeURIComponent(this.id)}`, {}, this.signal);
    this.title = routeName(route);
    this.endpoints.fill(addresses(route));
    this.traffic.fill(route.traffic);
    this.body.hidden = false;
    const { rate: requests, error_ratio: errors, p50, p99, certificate } = route;
    put(
      this.figures,
      figure("Requests", rate(requests)),
      figure("Errors (5xx)", share(errors)),
      figure("p50", latency(p50)),
      figure("p99", latency(p99)),
      certificate && figure("Certificate ends", h("span", { title: moment(certificate.not_after) }, ago(certificate.not_after))),
    );
    this.still(route);
  }

  /** What changes seldom: drawn again only when it is different, so that the reader's place stays. */
  still(route) {
    const { host, type, conditions, scope, tls, owner, details, reports: found, mirrors, yaml, certificate } = route;
    const state = JSON.stringify([host, type, conditions, scope, tls, owner, details, found, mirrors, yaml, certificate]);
    if (state === this.drawn) return;
    this.drawn = state;
    put(this.name, code(routeName(route)));
    put(
      this.note,
      type,
      tls && [" · TLS with ", certificate?.secret ? code(certificate.secret) : "Edge's own certificate"],
      scope && ` · ${scope}`,
      conditions.map((one) => [" · ", code(one)]),
      " · by ",
      link(owner),
    );
    put(
      this.rest,
      found.length > 0 && section("Problems", reports(found)),
      section("Policies", details.length ? policies(details) : h("p", { class: "note" }, "None: requests are forwarded as they come.")),
      mirrors.length > 0 && section("Mirrors", h("ul", {}, mirrors.map((one) => h("li", {}, `${share(one.share)} to ${named({ namespace: one.namespace, name: service({ ...one, status: null }) })}`)))),
    );
    this.yaml.show(owner.kind ? `${owner.kind} ${named(owner)}` : "", yaml);
  }
}

function figure(name, value) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}

/** A row for each endpoint; for a backend without any, one that says so. */
function addresses({ backends }) {
  return backends.flatMap((one, index) => {
    const about = { backend: index, name: named({ namespace: one.namespace, name: service(one) }), share: part(one, backends), canary: one.canary };
    const terms = [one.protocol, one.balance].filter(Boolean).join(", ");
    const rows = one.addresses.map((each) => ({ ...about, terms, ...each }));
    return rows.length ? rows : [{ ...about, terms, address: "", none: one.service ? "no endpoint: 503" : "" }];
  });
}

function endpoints() {
  return new Table({
    caption: "Endpoints of the backends",
    key: (one) => `${one.backend} ${one.address}`,
    none: "No backend: policies answer every request.",
    columns: [
      { title: "Endpoint", kind: "name", of: (one) => one.address, show: (address) => (address ? code(address) : "–") },
      { title: "Backend", kind: "name", of: (one) => `${one.name}${one.canary ? " (canary)" : ""}` },
      { title: "Spoken to by", of: (one) => one.terms },
      { title: "State", of: ({ none, ejected, ejected_for }) => ({ none, ejected, ejected_for: Math.ceil(ejected_for ?? 0) }), show: health },
      { title: "Share", kind: "number", of: (one) => one.share },
      { title: "In flight", kind: "number", of: (one) => number(one.in_flight) },
    ],
  });
}

function health({ none, ejected, ejected_for: left }) {
  if (none !== undefined) return none ? badge("error", none) : "–";
  if (ejected === null || ejected === undefined) return badge("idle", "not reported yet");
  return ejected ? badge("error", `left out for ${number(left)} s`) : badge("ok", "in use");
}

function traffic() {
  return new Table({
    caption: "Requests by method and status",
    key: (one) => `${one.method} ${one.status}`,
    none: "No request yet.",
    columns: [
      { title: "Method", of: (one) => one.method },
      { title: "Status", of: (one) => one.status },
      { title: "Requests", kind: "number", of: (one) => rate(one.rate) },
      { title: "In all", kind: "number", of: (one) => number(one.total) },
    ],
  });
}

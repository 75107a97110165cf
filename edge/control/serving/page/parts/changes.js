// A change of the table in words.

import { h } from "../dom.js";
import { count, number } from "../format.js";
import { named } from "./objects.js";

const WORDS = { apply: "", delete: "deleted ", invalid: "invalid " };

/** The objects that a change took up: the first MOST of them. */
export function what(change, most) {
  const { first, total } = change.objects;
  if (!total) return h("span", { class: "faint" }, "by time: names, tickets or certificates renewed");
  const shown = first.slice(0, most);
  const more = total - shown.length;
  return h(
    "ul",
    {},
    shown.map((one) => h("li", {}, WORDS[one.action] ?? "", h("span", { class: "kind" }, one.kind), " ", named(one))),
    more > 0 && h("li", { class: "faint" }, `and ${number(more)} more`),
  );
}

/** The records that a change touched. */
export function touched({ hosts, services, certificates, streams }) {
  const parts = [
    hosts.total && count(hosts.total, "host"),
    services.total && count(services.total, "Service port"),
    certificates.total && count(certificates.total, "certificate"),
    streams.total && count(streams.total, "stream"),
  ].filter(Boolean);
  return parts.length ? parts.join(", ") : "nothing";
}

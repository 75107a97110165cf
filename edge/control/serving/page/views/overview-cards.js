// The cards of the overview: the first few of what has a view of its own.

import { h, say } from "../dom.js";
import { ago, bytes, latency, moment, number, share } from "../format.js";
import { badge } from "../parts/marks.js";
import { owner } from "../parts/objects.js";
import { Several, fixed } from "../parts/several.js";
import { what } from "../parts/changes.js";

export function problems() {
  return new Several({
    title: "Problems",
    link: "problems",
    none: "None: every object is served as it asks.",
    key: (one) => JSON.stringify([one.object, one.reason, one.field, one.message]),
    make: fixed((one) =>
      h(
        "li",
        {},
        h("div", { class: "list-line" }, owner(one.object), badge(one.severity, one.reason)),
        h("p", { class: "list-text" }, one.message),
      ),
    ),
  });
}

export function certificates() {
  return new Several({
    title: "Certificates that end soon",
    link: "certificates",
    none: "None ends within 21 days.",
    key: (one) => JSON.stringify([one.secret, one.serial]),
    make: fixed((one) =>
      h(
        "li",
        { class: "list-line" },
        h("span", {}, one.secret ? `${one.secret.namespace}/${one.secret.name}` : one.common_name),
        h("span", { title: moment(one.not_after) }, badge(one.state === "expired" ? "error" : "warning", ago(one.not_after))),
      ),
    ),
  });
}

export function workers() {
  return new Several({
    title: "Workers",
    link: "workers",
    none: "No worker is running.",
    key: (one) => `${one.worker} ${one.pid}`,
    make: () => {
      const name = h("span");
      const numbers = h("span");
      return {
        element: h("li", { class: "list-line" }, name, numbers),
        update(one) {
          say(name, `Worker ${one.worker}`);
          say(numbers, `${share(one.cpu)} CPU · ${bytes(one.resident_bytes)} · ${number(one.connections.active)} conn.`);
        },
      };
    },
  });
}

export function changes() {
  return new Several({
    title: "Last changes",
    link: "changes",
    none: "The table has not changed yet.",
    key: (one) => one.id,
    make: (first) => {
      const element = h("li", { class: "list-line" }, h("span", {}, what(first, 1)), h("span", { title: moment(first.time) }, latency(first.seconds)));
      return { element, update() {} };
    },
  });
}

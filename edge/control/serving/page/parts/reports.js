// Problems of objects as a list.

import { h } from "../dom.js";
import { ago } from "../format.js";
import { badge, code } from "./marks.js";

export function reports(found) {
  return h(
    "ul",
    { class: "list card" },
    found.map((one) =>
      h(
        "li",
        {},
        h("div", { class: "list-line" }, badge(one.severity, one.reason), h("span", {}, ago(one.since))),
        h("p", {}, one.message),
        one.field && h("p", { class: "list-text" }, code(one.field)),
      ),
    ),
  );
}

// The policies of a route, in the order in which they act.

import { h } from "../dom.js";
import { code } from "./marks.js";

export function policies(details) {
  return h(
    "ol",
    { class: "steps" },
    details.map((one) =>
      h(
        "li",
        {},
        h(
          "div",
          {},
          h("div", { class: "list-line" }, h("strong", {}, one.name), one.source && code(one.source, "faint")),
          h("p", { class: "list-text" }, one.summary, one.backend && ` (for ${one.backend})`),
        ),
      ),
    ),
  );
}

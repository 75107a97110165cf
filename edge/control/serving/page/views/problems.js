// What is wrong with objects, errors first.

import { get } from "../api.js";
import { h } from "../dom.js";
import { ago, count, number } from "../format.js";
import { badge, code } from "../parts/marks.js";
import { owner } from "../parts/objects.js";
import { Searched } from "../parts/searched.js";

const SEVERITIES = { "": "All", error: "Errors", warning: "Warnings" };

export default class Problems extends Searched {
  constructor(parameters, move) {
    super(parameters, move, {
      path: "problems",
      title: "Problems",
      hint: "Object, reason, field or message",
      choice: { name: "severity", label: "Severity", options: SEVERITIES },
      key: (one) => JSON.stringify([one.object, one.reason, one.field, one.message]),
      columns: [
        { title: "Object", kind: "name", of: (one) => one.object, show: owner },
        { title: "Severity", of: (one) => one.severity, show: (severity) => badge(severity, severity) },
        { title: "Reason", of: (one) => one.reason },
        { title: "What is wrong", kind: "wide", of: ({ message, field }) => ({ message, field }), show: message },
        { title: "Since", kind: "still", of: (one) => ago(one.since) },
      ],
    });
  }

  describe({ all, total, errors, warnings }, searched) {
    if (!all) return ["", "No problems. Every object is served as it asks."];
    const whole = `${count(errors, "error")}, ${count(warnings, "warning")}`;
    return [searched ? `${number(total)} of ${whole}` : whole, "No problem contains all of these words."];
  }

  hear(name) {
    if (name === "problems") this.refresh.quietly();
  }
}

function message({ message: text, field }) {
  return [h("p", {}, text), field && h("p", { class: "under" }, code(field))];
}

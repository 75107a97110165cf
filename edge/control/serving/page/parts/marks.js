// Small pieces that several views share: badges, names of objects, empty places.

import { h } from "../dom.js";

const SIGNS = { ok: "●", warning: "▲", error: "■", idle: "○" };

/** A word with a sign before it: colour alone never carries the meaning. */
export function badge(tone, text) {
  return h("span", { class: `badge badge-${tone}` }, h("span", { class: "badge-sign", "aria-hidden": "true" }, SIGNS[tone]), text);
}

/** A word in a box, such as the name of a policy. */
export function chip(text, title = null) {
  return h("span", { class: "chip", title }, text);
}

/** A text of users in the type of machines. */
export function code(text, kind = "") {
  return h("code", { class: kind }, text);
}

/** Names and what they stand for. */
export function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    pairs.filter(Boolean).map(([name, ...values]) => h("div", {}, h("dt", {}, name), h("dd", {}, values))),
  );
}

/** A part of a page with its heading. */
export function section(title, ...children) {
  return h("section", { class: "section" }, h("h2", {}, title), children);
}

/** The text shown in place of an empty list. */
export function empty(title, text = "") {
  return h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), text && h("p", {}, text));
}

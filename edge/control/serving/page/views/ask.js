// Which route takes a request, and why others do not.

import { get } from "../api.js";
import { h, put } from "../dom.js";
import { badge, code, empty, section } from "../parts/marks.js";
import { object, routeAddress, routeText } from "../parts/objects.js";
import { policies } from "../parts/policies.js";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

export default class Ask {
  constructor(parameters, move) {
    this.title = "Ask";
    this.move = move;
    this.question = { method: parameters.get("method") ?? "", url: parameters.get("url") ?? "", header: parameters.getAll("header") };
    this.answer = h("div", { class: "answer", "aria-live": "polite" });
    this.element = h(
      "div",
      {},
      h("div", { class: "view-head" }, h("h1", {}, "Ask"), h("p", { class: "view-note" }, "Which route takes a request, and why others do not")),
      this.form(),
      this.answer,
    );
  }

  form() {
    const { method, url, header } = this.question;
    const options = (METHODS.includes(method) || !method ? METHODS : [method, ...METHODS]).map((one) => h("option", { selected: one === method }, one));
    const choice = h("select", { name: "method" }, options);
    const address = h("input", { name: "url", required: true, value: url, placeholder: "https://shop.example/cart?id=1", autocomplete: "off", spellcheck: "false", inputmode: "url" });
    const fields = h("textarea", { name: "header", rows: "3", placeholder: "X-Canary: always", spellcheck: "false" });
    fields.value = header.join("\n");
    const submit = (event) => {
      event.preventDefault();
      this.question = { method: choice.value, url: address.value.trim(), header: lines(fields.value) };
      this.move(this.question);
      this.find().catch((error) => this.fault(error));
    };
    return h(
      "form",
      { class: "ask", action: "ask", onsubmit: submit },
      h("label", { class: "field" }, h("span", {}, "Method"), choice),
      h("label", { class: "field" }, h("span", {}, "URL"), address),
      h("button", { class: "button button-main", type: "submit" }, "Ask"),
      h("label", { class: "field field-whole" }, h("span", {}, "Headers, one on each line"), fields),
    );
  }

  async load(signal) {
    this.signal = signal;
    if (this.question.url) await this.find();
    else put(this.answer, empty("Nothing is asked yet", "Edge finds the route as its workers do. No request is sent."));
  }

  async find() {
    this.show(await get("ask", this.question, this.signal));
  }

  fault(error) {
    if (error.name !== "AbortError") put(this.answer, h("p", { class: "failure", role: "alert" }, error.status ? error.message : "The control plane does not answer."));
  }

  show(found) {
    const { taken_by: route, answer, details, candidates } = found;
    put(
      this.answer,
      route ? taken(route) : h("div", { class: "card verdict" }, badge("error", "No route takes it"), h("p", {}, refusal(found, answer))),
      route && section("Policies", details.length ? policies(details) : h("p", { class: "note" }, "None: the request is forwarded as it comes.")),
      candidates.length > 0 && section("Routes of this host, in the order in which they are tried", tried(candidates)),
    );
  }
}

function taken(route) {
  return h(
    "div",
    { class: "card verdict" },
    badge("ok", "Taken by"),
    h("p", { class: "verdict-route" }, h("a", { href: routeAddress(route.id) }, routeText(route))),
    h("p", { class: "note" }, route.type, route.owner && [" · by ", object(route.owner)]),
  );
}

function refusal({ host }, answer) {
  return host === null ? `No host of the table fits; Edge answers ${answer}.` : `The host ${host} has no route for it; Edge answers ${answer}.`;
}

function tried(candidates) {
  return h(
    "ol",
    { class: "steps" },
    candidates.map((one) =>
      h(
        "li",
        { class: one.takes ? "is-taken" : "" },
        h(
          "div",
          {},
          h(
            "div",
            { class: "list-line" },
            h("span", {}, h("a", { href: routeAddress(one.id) }, code(one.path || "default")), " ", h("span", { class: "faint" }, one.type)),
            h("span", {}, code(one.does)),
          ),
          h("p", { class: "list-text" }, one.verdict, one.conditions.map((each) => [" · ", code(each)])),
        ),
      ),
    ),
  );
}

function lines(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

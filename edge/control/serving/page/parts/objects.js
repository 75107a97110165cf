// Names of Kubernetes objects, routes and Services, as links where there is somewhere to go.

import { address } from "../api.js";
import { h } from "../dom.js";
import { number, share } from "../format.js";
import { chip, code } from "./marks.js";

/** The name of an object, with its namespace. */
export function named(one) {
  return one.namespace ? `${one.namespace}/${one.name}` : one.name;
}

/** An object: its kind in small, then its name. Of flags there is none. */
export function object(one) {
  if (!one.kind) return h("span", { class: "faint" }, "no Ingress");
  return h("span", {}, h("span", { class: "kind" }, one.kind), " ", named(one));
}

/** An object, as a link to its routes. */
export function owner(one) {
  return h("a", { class: "quiet", href: address("routes", { search: `${one.kind} ${named(one)}` }) }, object(one));
}

/** The address of the view of a route. */
export function routeAddress(id) {
  return address("route", { id });
}

/** Host and path as one text. */
export function routeName({ host, path, type }) {
  const name = host || (type === "Stream" ? "" : "any host");
  return type === "Default" ? `${name} (default)` : `${name}${path}`;
}

/** Host and path, the host in a stronger hand; the way from one to the other may be broken where a line ends. */
export function routeText(route) {
  const host = route.host ? route.host : h("i", {}, "any host");
  const path = route.type === "Default" ? [" ", h("i", {}, "default")] : h("span", { class: "path" }, route.path);
  return code([host, h("wbr"), path], "route");
}

/** A Service port, or the status that stands for one. */
export function service(one) {
  if (!one.service) return one.status === null ? "–" : `answers ${one.status}`;
  return `${one.service}:${one.port}`;
}

/** The part of the requests that goes to ONE of BACKENDS. */
export function part(one, backends) {
  const sum = backends.reduce((total, each) => total + each.weight, 0);
  return sum ? share(one.weight / sum) : "0%";
}

/** The first few of NAMES in boxes, and how many more there are. */
export function some(names, most = 3) {
  const more = names.length - most;
  return h(
    "span",
    { class: "chips" },
    names.slice(0, most).map((one) => chip(one)),
    more > 0 && h("span", { class: "chip", title: names.slice(most).join(", ") }, `+${number(more)}`),
  );
}

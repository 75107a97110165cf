// The views by their path, which is one level deep so that relative links work in each of them.

import { address } from "./api.js";

const VIEWS = {
  "": () => import("./views/overview.js"),
  routes: () => import("./views/routes.js"),
  route: () => import("./views/route.js"),
  ask: () => import("./views/ask.js"),
  problems: () => import("./views/problems.js"),
  certificates: () => import("./views/certificates.js"),
  workers: () => import("./views/workers.js"),
  changes: () => import("./views/changes.js"),
};

/** The name of the view at URL; null: none of ours. */
export function named(url) {
  const root = address("");
  if (url.origin !== root.origin || !url.pathname.startsWith(root.pathname)) return null;
  const name = url.pathname.slice(root.pathname.length);
  return Object.hasOwn(VIEWS, name) ? name : null;
}

/** The class of the view with NAME. */
export async function load(name) {
  return (await VIEWS[name]()).default;
}

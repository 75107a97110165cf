// The page: which view is shown, what keeps it live, and what stands in the bar.
//
// A view is a class with `title`, `element`, `load(signal)`, and where it wants `hear(name, data)`, `tick()`, `end()`.
// Its constructor gets the parameters of its address and `move(parameters)`, which keeps them in the address.

import { Refusal, address, reason } from "./api.js";
import { h, put, say, set } from "./dom.js";
import { number } from "./format.js";
import { Live } from "./live.js";
import { Switch } from "./switch.js";
import { load, named } from "./views.js";

const main = document.getElementById("main");
const sign = document.getElementById("live");
const links = [...document.querySelectorAll(".nav a")];
const failure = h("p", { class: "failure", role: "alert", hidden: true });

let view = null;
let loading = new AbortController();
let missed = false; // whether events may have been missed
let newest = 0; // the number of the newest read: what comes of those before it is not shown
let pending = 0; // reads that have not ended

/** Show the view at the address of this document. */
async function show({ focus }) {
  const url = new URL(location.href);
  const name = named(url) ?? "";
  loading.abort();
  loading = new AbortController();
  const { signal } = loading;
  const View = await load(name);
  if (signal.aborted) return;
  view?.end?.();
  view = new View(url.searchParams, move);
  title();
  const parent = name === "route" ? "routes" : name;
  for (const link of links) set(link, "aria-current", named(new URL(link.href)) === parent ? "page" : null);
  failure.hidden = true;
  put(main, failure, view.element);
  if (focus) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  await read();
}

/** Have the view read what it shows; an error is shown above it. */
async function read() {
  const { signal } = loading;
  const mine = ++newest;
  pending += 1;
  try {
    await view.load(signal);
    if (mine !== newest) return;
    failure.hidden = true;
    title();
  } catch (error) {
    if (mine !== newest || signal.aborted || error.name === "AbortError") return;
    if (!(error instanceof TypeError || error instanceof Refusal)) throw error;
    if (error.status === 401) location.reload(); // the session is over: the form to sign in
    say(failure, reason(error));
    failure.hidden = false;
  } finally {
    pending -= 1;
  }
}

function title() {
  document.title = view.title === "Overview" ? "Edge" : `${view.title} · Edge`;
}

/** Let the address have PARAMETERS, without a new view; back leads to the view before. */
function move(parameters) {
  const { pathname } = new URL(location.href);
  history.replaceState(null, "", address(pathname, parameters));
}

/** Go to URL. */
function go(url) {
  history.pushState(null, "", url);
  show({ focus: true });
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const url = new URL(link.href);
  if (named(url) === null) return;
  event.preventDefault();
  if (link.matches(".skip")) main.focus();
  else go(url);
});
addEventListener("popstate", () => show({ focus: true }));

const live = new Live({
  hear(name, data) {
    if (name === "overview") counts(data);
    view?.hear?.(name, data);
    if (!failure.hidden && !pending) read(); // there may be an answer again
  },
  opened() {
    if (missed) read();
    missed = false;
  },
  tell(state) {
    if (state === "lost" && view) read(); // says what is wrong
    missed ||= state !== "live";
    sign.dataset.state = state;
    say(sign, { live: "Live", idle: "Paused", lost: "Not connected" }[state]);
  },
});

/** The numbers beside the links. */
function counts({ table, problems }) {
  say(document.getElementById("count-routes"), number(table.routes));
  const found = problems.errors + problems.warnings;
  say(document.getElementById("count-problems"), found ? number(found) : "");
}

setInterval(() => {
  if (document.visibilityState !== "visible") return;
  view?.tick?.();
}, 1000);

new Switch(document.getElementById("theme"));
live.follow();
show({ focus: false });

// Events of the control plane, while a window shows the page.
//
// Rules of this file:
// - A hidden page has no connection, so it costs the control plane nothing.
// - EventSource connects again by itself after a break; where it gives up, this does it. Nothing is missed by that:
//   after each connection `onopen` is called, and views read their data again.

import { address } from "./api.js";

const AGAIN = 2000;
const NAMES = ["overview", "changes", "problems"];

export class Live {
  /** HEAR gets name and data of each event, OPENED is called for each new connection, TELL gets "live", "lost", "idle". */
  constructor({ hear, opened, tell }) {
    Object.assign(this, { hear, opened, tell });
    this.source = null;
    this.timer = null;
    document.addEventListener("visibilitychange", () => this.follow());
  }

  /** Connect if the page is seen, else hang up. */
  follow() {
    if (document.visibilityState === "visible") this.connect();
    else this.close("idle");
  }

  connect() {
    if (this.source) return;
    const source = new EventSource(address("api/events"));
    this.source = source;
    source.onopen = () => {
      this.tell("live");
      this.opened();
    };
    source.onerror = () => {
      this.tell("lost");
      if (source.readyState !== EventSource.CLOSED || this.source !== source) return;
      this.source = null;
      this.timer = setTimeout(() => this.follow(), AGAIN);
    };
    for (const name of NAMES) source.addEventListener(name, (event) => this.hear(name, JSON.parse(event.data)));
  }

  close(state) {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    this.tell(state);
  }
}

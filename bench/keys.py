"""How long the page takes from a key to the rows that it asks for, and whether it ever holds up the browser.

    python bench/keys.py [--routes 20000] [--seconds 20]

A real Chromium (`make packages`) types each word into the search of the routes, letter by letter, as fast as a fast
typist; then it looks at the overview and at the routes for a while. A key's time ends with the frame after its rows are
in the document. A long task is one of the browser's main thread that takes 50 ms or more, by the Long Tasks API. All of
it runs on this machine: browser, control plane and worker.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.support import objects
from tests.support.browser import Browser, Window
from tests.support.edge import Edge

WORDS = ("h19999", "web-123", "prefix", "nothing-like-this", "h777.example")
BETWEEN = 120
"""Milliseconds between two keys."""
HOSTS = 100
"""Of one Ingress."""
WATCH = """
() => {
  window.longTasks = [];
  new PerformanceObserver(list => longTasks.push(...list.getEntries().map(one => one.duration)))
    .observe({type: "longtask", buffered: true});
}
"""
MEASURE = """
() => {
  window.keys = [];
  const input = document.querySelector("input[type=search]");
  const table = document.querySelector(".table");
  input.addEventListener("input", event => {
    const {value} = input, begun = event.timeStamp;
    const done = () => requestAnimationFrame(() => setTimeout(() => keys.push(performance.now() - begun)));
    const observer = new MutationObserver(() => {
      if (input.value !== value) observer.disconnect();  // the next key came first
      else if (table.dataset.search === value) { observer.disconnect(); done(); }
    });
    observer.observe(table, {attributes: true, attributeFilter: ["data-search"]});
  }, {capture: true});
}
"""


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--routes", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        many = [objects.ingress_class(), *(ingress(number) for number in range(given.routes // HOSTS))]
        Path(folder, "many.yaml").write_text("---\n".join(json.dumps(one) + "\n" for one in many))
        with Edge(Path(folder)) as edge, Browser() as browser:
            url = f"http://127.0.0.1:{edge.admin}/"
            with browser.window(f"{url}routes") as window:
                typed(window)
            for name in ("", "routes"):
                with browser.window(url + name) as window:
                    watched(window, name or "overview", given.seconds)


def ingress(number: int) -> objects.Manifest:
    """An Ingress with HOSTS hosts."""
    one = objects.ingress(f"web-{number}")
    rule = one["spec"]["rules"][0]
    one["spec"]["rules"] = [{**rule, "host": f"h{number * HOSTS + n}.example"} for n in range(HOSTS)]
    return one


def typed(window: Window) -> None:
    """Type all words, and print the times."""
    page = window.page
    page.get_by_role("row").nth(10).wait_for()
    page.evaluate(WATCH)
    page.evaluate(MEASURE)
    box = page.get_by_role("searchbox")
    for word in WORDS:
        box.fill("")
        page.wait_for_timeout(1000)
        before = page.evaluate("keys.length")
        box.press_sequentially(word, delay=BETWEEN)
        page.wait_for_timeout(1000)
        times = page.evaluate("keys")[before:]
        print(f"{word}: {len(times)} of {len(word)} keys answered before the next; {described(times)}", flush=True)
    print(f"all: {described(page.evaluate('keys'))}; long tasks: {page.evaluate('longTasks')}")


def watched(window: Window, name: str, seconds: float) -> None:
    """Look at WINDOW, and print its long tasks."""
    window.page.get_by_text("Live", exact=True).wait_for()
    window.page.evaluate(WATCH)
    window.page.wait_for_timeout(1000 * seconds)
    print(f"{name}, {seconds:g} s: long tasks: {window.page.evaluate('longTasks')}")


def described(times: list[float]) -> str:
    """Median and worst."""
    return f"median {statistics.median(times):.0f} ms, worst {max(times):.0f} ms" if times else "none"


if __name__ == "__main__":
    main()

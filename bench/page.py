"""What the page of the admin port costs, with many routes and under full load.

    python bench/page.py [--routes 20000] [--seconds 20] [--rounds 3] [--workers 1]

wrk asks all hosts in turn, so that every route has traffic; nginx is the endpoint. Rounds alternate: nobody looks; a
browser has the overview open (events); one has the routes open, which are read again every two seconds. Of each the
processor time of the control plane, in per cent of one processor, and that of the workers per request. Then how long a
search over all routes takes, the median and the worst of some words, each typed letter by letter.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

import proxies
from compare import processor_seconds, start, stop

from tests.support import objects
from tests.support.edge import Edge, write

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS = ("h1999", "web-123", "prefix", "nothing-like-this", "h7.example")
HOSTS = """
local number = 0
request = function()
  number = (number + 7919) %% %d
  return wrk.format("GET", "/", {["Host"] = "h" .. number .. ".example"})
end
"""


def nobody(_: Edge, until: threading.Event) -> None:
    """Nobody looks."""
    until.wait()


def overview(edge: Edge, until: threading.Event) -> None:
    """A browser listens to events."""
    connection = http.client.HTTPConnection("127.0.0.1", edge.admin, timeout=60)
    connection.request("GET", "/api/events")
    response = connection.getresponse()
    while not until.is_set():
        response.readline()


def routes(edge: Edge, until: threading.Event) -> None:
    """A browser listens, and shows routes."""
    listening = threading.Thread(target=overview, args=(edge, until), daemon=True)
    listening.start()
    while not until.wait(2.0):
        get(edge, "/api/routes?limit=50")


def sorted_routes(edge: Edge, until: threading.Event) -> None:
    """The same, those with the most requests first."""
    listening = threading.Thread(target=overview, args=(edge, until), daemon=True)
    listening.start()
    while not until.wait(2.0):
        get(edge, "/api/routes?limit=50&sort=rate")


def get(edge: Edge, path: str) -> dict[str, object]:
    """The JSON at PATH."""
    connection = http.client.HTTPConnection("127.0.0.1", edge.admin, timeout=60)
    connection.request("GET", path)
    found: dict[str, object] = json.loads(connection.getresponse().read())
    connection.close()
    return found


def measure(
    edge: Edge, looks: Callable[[Edge, threading.Event], None], script: Path, seconds: float
) -> tuple[float, float, float]:
    """Per cent of a processor that the control plane uses, microseconds of workers per request, requests per second."""
    until = threading.Event()
    looking = threading.Thread(target=looks, args=(edge, until), daemon=True)
    looking.start()
    command = ["wrk", "-t1", "-c64", f"-d{seconds:g}s", "-s", str(script), f"http://127.0.0.1:{edge.http}/"]
    workers = edge.workers()
    before, control, began = sum(map(processor_seconds, workers)), processor_seconds(edge.control_pid), time.monotonic()
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    elapsed = time.monotonic() - began
    share = (processor_seconds(edge.control_pid) - control) / elapsed * 100
    used = sum(map(processor_seconds, workers)) - before
    until.set()
    looking.join(5)
    requests = int(re.search(r"(\d+) requests in", text)[1])  # type: ignore[index]  # always printed
    return share, used / requests * 1e6, requests / elapsed


def search(edge: Edge) -> list[float]:
    """Milliseconds of each key stroke."""
    times = []
    for word in WORDS:
        for length in range(1, len(word) + 1):
            began = time.perf_counter()
            get(edge, f"/api/routes?limit=50&search={word[:length]}")
            times.append((time.perf_counter() - began) * 1e3)
    return times


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--routes", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
        folder = Path(name)
        manifests, script = folder / "manifests", folder / "hosts.lua"
        manifests.mkdir()
        script.write_text(HOSTS % wanted.routes)
        write(manifests, "class.yaml", objects.ingress_class(), objects.service(target="http"))
        write(manifests, "endpoints.yaml", objects.endpoints("web", "127.0.0.1", port=proxies.ENDPOINT))
        for first in range(0, wanted.routes, 1000):
            some = range(first, min(first + 1000, wanted.routes))
            ingresses = (objects.ingress(f"web-{number}", host=f"h{number}.example") for number in some)
            write(manifests, f"ingresses-{first}.yaml", *ingresses)
        server = start(proxies.endpoint(folder), 1, folder)
        try:
            with Edge(manifests, "--no-access-log", workers=wanted.workers) as edge:
                report(edge, script, wanted)
        finally:
            stop([server])


def report(edge: Edge, script: Path, wanted: argparse.Namespace) -> None:
    """Measure and print."""
    measure(edge, nobody, script, wanted.seconds)  # every route has its counters from now on
    views = (nobody, overview, routes, sorted_routes)
    found: dict[str, list[tuple[float, float, float]]] = {view.__name__: [] for view in views}
    for _ in range(wanted.rounds):
        for view in views:
            found[view.__name__].append(measure(edge, view, script, wanted.seconds))
    for name, rounds in found.items():
        share, micros, rate = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"{name:14} control plane {share:5.2f} %   workers {micros:6.2f} us/request   {rate:8.0f} requests/s")
    times = search(edge)
    print(f"search: median {statistics.median(times):.1f} ms, worst {max(times):.1f} ms of {len(times)} key strokes")


if __name__ == "__main__":
    main()

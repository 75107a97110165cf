"""What counting costs a worker, and a scrape the control plane.

    python bench/counters.py [--routes 5000] [--statuses 1] [--rounds 5]

First nanoseconds per call of what workers call, the best of several rounds, the loop taken off. Then scrapes of two
workers that have counted requests of every route: time, lines, and for how long another thread of the same process
waited for the interpreter meanwhile.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import time
import timeit
from pathlib import Path
from typing import TYPE_CHECKING

from edge.control.compiling.delta import Delta
from edge.control.publishing.state import State
from edge.control.serving.health import Health
from edge.control.serving.metrics.collector import Collector
from edge.control.serving.metrics.exposition import render
from edge.settings import Settings
from edge.table.counter_layout import labels_of
from edge.table.counters import CountersReader, RouteLabels, WorkerCounters, WorkerWord
from edge.table.records import Backend, Endpoint, Host, Owner, PathKind, Route, ServicePort

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 500_000
LABELS = RouteLabels(
    kind="Ingress", namespace="shop", ingress="web", service="cart", host="a.example", path="/", canary=""
)


def nanoseconds(call: Callable[[], object], rounds: int) -> float:
    """Of one CALL, without the call of the function around it."""
    best = min(timeit.repeat(call, number=CALLS, repeat=rounds))
    empty = min(timeit.repeat(lambda: None, number=CALLS, repeat=rounds))
    return (best - empty) / CALLS * 1e9


def calls(directory: Path, rounds: int) -> None:
    """Print what a worker's calls cost."""
    worker = WorkerCounters(directory)
    series = worker.series(LABELS, b"GET", 200)
    retries = WorkerWord.RETRIES
    for name, call in {
        "Series.record": lambda: series.record(0.0123, 0.0117, 312, 2048),
        "Series.record, no endpoint asked": lambda: series.record(0.0001, -1.0, 312, 190),
        "add": lambda: worker.add(retries, 1),
        "add(WorkerWord.RETRIES, 1)": lambda: worker.add(WorkerWord.RETRIES, 1),
        "set": lambda: worker.set(retries, 1),
        "series, known": lambda: worker.series(LABELS, b"GET", 200),
    }.items():
        print(f"{name:36} {nanoseconds(call, rounds):8.0f} ns")
    beats = min(timeit.repeat(worker.beat, number=1000, repeat=rounds)) / 1000
    print(f"{'beat, once a second':36} {beats * 1e9:8.0f} ns")
    worker.close()


def world(directory: Path, routes: int, statuses: int) -> tuple[Collector, list[WorkerCounters]]:
    """Two workers that have counted requests of ROUTES, each with so many STATUSES."""
    hosts = [
        Host(
            name=f"host-{number}.example.com",
            routes=(
                Route(
                    kind=PathKind.PREFIX,
                    path="/",
                    owner=Owner("Ingress", f"team-{number % 50}", f"ingress-{number}"),
                    backends=(Backend(f"team-{number % 50}", f"service-{number}", "80", f"team/{number}:80"),),
                ),
            ),
        )
        for number in range(routes)
    ]
    state = State()
    state.own_table, state.generation = True, 1
    endpoint = (Endpoint("10.0.0.1", 8080),)
    services = {
        f"team/{number}:80": ServicePort("team", f"service-{number}", "80", endpoint) for number in range(routes)
    }
    state.commit(Delta({host.name: host for host in hosts}, services), {"Ingress": routes})
    chance = random.Random(1)
    workers = [WorkerCounters(directory) for _ in range(2)]
    for host in hosts:
        labels = labels_of(host.name, host.routes[0], host.routes[0].backends[0])
        for worker in workers:
            for status in range(statuses):
                series = worker.series(labels, b"GET", 200 + status)
                for _ in range(10):
                    took = chance.expovariate(20)
                    series.record(took, took * 0.9, chance.randrange(2000), chance.randrange(200_000))
    settings = Settings(shm_dir=str(directory))
    reader = CountersReader(directory)
    return Collector(state, reader, settings, Health(state, reader, settings, directory)), workers


class Neighbour(threading.Thread):
    """A thread that wants the interpreter a thousand times a second, as one that publishes tables might."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.late: list[float] = []

    def run(self) -> None:
        """Sleep for a millisecond again and again."""
        while True:
            before = time.perf_counter()
            time.sleep(0.001)
            self.late.append(time.perf_counter() - before - 0.001)

    def take(self) -> str:
        """How late it was since the last time."""
        late, self.late = sorted(self.late), []
        return f"another thread late by {late[len(late) // 2] * 1e3:.1f} ms median, {late[-1] * 1e3:.1f} ms at worst"


def scrapes(collector: Collector, rounds: int) -> None:
    """Print what scrapes cost."""
    neighbour = Neighbour()
    neighbour.start()
    time.sleep(0.5)
    print(f"{'no scrape':36} {neighbour.take()}")
    for number in range(rounds):
        wall, cpu, own = time.perf_counter(), time.process_time(), time.thread_time()
        lines = size = 0
        for piece in render(collector, "")[1]:
            size += len(piece)
            lines += piece.count(b"\n")
        took = time.perf_counter() - wall, time.process_time() - cpu, time.thread_time() - own
        name = "first scrape" if not number else "scrape"
        print(
            f"{name:36} {took[0] * 1e3:8.0f} ms, {took[1] * 1e3:.0f} ms CPU, {lines} lines, {size / 1e6:.1f} MB;"
            f" {neighbour.take()}"
        )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--routes", type=int, default=5000)
    parser.add_argument("--statuses", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-edge-", dir="/dev/shm") as folder:
        calls(Path(folder), options.rounds)
    with tempfile.TemporaryDirectory(prefix="bench-edge-", dir="/dev/shm") as folder:
        collector, workers = world(Path(folder), options.routes, options.statuses)
        scrapes(collector, options.rounds)
        for worker in workers:
            worker.close()


if __name__ == "__main__":
    main()

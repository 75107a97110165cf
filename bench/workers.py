#!/usr/bin/env python3
"""Whether several workers share the work: Edge with 1, 2 and 4 of them, beside nginx.

    python bench/workers.py [--workers 1,2,4] [--proxies edge,nginx] [--rounds 3] [--seconds 2]

- Handshakes: new connections of TLS per second, from 64 clients. The certificate is RSA 4096, so that the proxy is what
  takes the time; workers, load and endpoint have all processors of the machine together.
- Requests: of HTTP per second, by 64 connections that were opened at the same time and stay, and the 99th percentile.
- Share: the processor time of the worker that got least, and of the one that got most, of what all of them got.
- Held: how many connections the workers hold, least and most, after so many clients have come one after the other, have
  come at once, and have come while 64 others closed and connected again and again.

It takes about 3 minutes. Needs nginx and openssl (`make packages`).
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

import proxies
from arrivals import ConnectsAnew, KeepsOpen, Load, Times, quantile
from compare import processor_seconds, start, stop, tree

if TYPE_CHECKING:
    import subprocess

    from proxies import Proxy

CLIENTS = 64
ESTABLISHED, LISTENING = "01", "0A"
"""States of /proc/net/tcp."""
SETTLE = 0.5
"""Seconds in which the workers accept what has come."""


def sockets(port: int, state: str) -> set[str]:
    """Those of PORT that are in STATE, as the names of descriptors in /proc."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return {f"socket:[{one[9]}]" for one in fields if one[3] == state and int(one[1].split(":")[1], 16) == port}


def descriptors(pid: int) -> list[str]:
    """What those of PID stand for."""
    found = []
    for one in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(str(one.readlink()))
        except OSError:  # closed meanwhile
            continue
    return found


class Workers:
    """Those of PROXY, whose first process is PID: the processes without children that listen."""

    def __init__(self, proxy: Proxy, pid: int) -> None:
        self._proxy = proxy
        listening = sockets(proxy.http, LISTENING)
        self.pids = [one for one in tree(pid) if len(tree(one)) == 1 and listening.intersection(descriptors(one))]

    def held(self) -> list[int]:
        """How many connections of HTTP each holds."""
        time.sleep(SETTLE)
        open_now = sockets(self._proxy.http, ESTABLISHED)
        return [len(open_now.intersection(descriptors(pid))) for pid in self.pids]

    def worked(self) -> list[float]:
        """Processor time of each so far."""
        return [processor_seconds(pid) for pid in self.pids]


@dataclass(frozen=True)
class Round:
    """A load, and the shares of the workers in it."""

    times: Times
    shares: list[float]

    @property
    def p99(self) -> float:
        """Milliseconds."""
        return quantile(self.times.took, 0.99)


def loaded(load: Load, workers: Workers, seconds: float) -> Round:
    """LOAD as fast as it goes."""
    load.run(0, SETTLE)
    before = workers.worked()
    times = load.run(0, seconds)
    spent = [after - one for after, one in zip(workers.worked(), before, strict=True)]
    load.close()
    return Round(times, [one / sum(spent) for one in spent])


def held(proxy: Proxy, workers: Workers, number: int, *, at_once: bool) -> list[int]:
    """How NUMBER clients are shared that stay."""
    clients = []
    for _ in range(number):
        clients.append(KeepsOpen(proxy.http))
        if not at_once:
            time.sleep(0.003)
    found = workers.held()
    for one in clients:
        one.close()
    time.sleep(SETTLE)
    return found


def held_under_load(proxy: Proxy, workers: Workers, number: int, seconds: float) -> list[int]:
    """As `held`, while others connect again and again."""
    others = threading.Thread(target=Load([ConnectsAnew(proxy.https) for _ in range(CLIENTS)]).run, args=(0, seconds))
    others.start()
    found = held(proxy, workers, number, at_once=False)
    others.join()
    return found


def span(numbers: list[int] | list[float], form: str = "d") -> str:
    """The least and the most."""
    low, high = format(min(numbers), form), format(max(numbers), form)
    return low if len(numbers) == 1 else f"{low} to {high}"


def measure(proxy: Proxy, pid: int, options: argparse.Namespace) -> list[str]:
    """The cells of one proxy."""
    workers = Workers(proxy, pid)
    seconds = options.seconds
    new = [
        loaded(Load([ConnectsAnew(proxy.https) for _ in range(CLIENTS)]), workers, seconds)
        for _ in range(options.rounds)
    ]
    kept = [
        loaded(Load([KeepsOpen(proxy.http) for _ in range(CLIENTS)]), workers, seconds) for _ in range(options.rounds)
    ]
    return [
        f"{statistics.median(one.times.rate for one in new):.0f}",
        span(sorted(new, key=lambda one: max(one.shares))[-1].shares, ".0%"),
        f"{statistics.median(one.times.rate for one in kept):.0f}",
        span(sorted(kept, key=lambda one: max(one.shares))[-1].shares, ".0%"),
        f"{statistics.median(one.p99 for one in kept):.1f}",
        span(held(proxy, workers, 100, at_once=False)),
        span(held(proxy, workers, 1000, at_once=True)),
        span(held_under_load(proxy, workers, 100, seconds)),
    ]


TITLES = (
    "proxy", "workers", "handshakes/s", "share", "requests/s", "share", "p99 ms", "held of 100, one by one",
    "of 1,000 at once", "of 100 under load",
)  # fmt: skip


def made(name: str, folder: Path, number: int) -> Proxy:
    """The proxy called NAME with so many workers."""
    if name == "edge":
        return proxies.edge(folder, 1, "--workers", str(number))
    proxy = proxies.nginx(folder, 1)
    config = folder / "nginx.conf"
    config.write_text(config.read_text().replace("worker_processes 1", f"worker_processes {number}"))
    return proxy


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--proxies", default="edge,nginx")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2)
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    every = ",".join(str(one) for one in sorted(os.sched_getaffinity(0)))
    lines = ["| " + " | ".join(TITLES) + " |", "|---" * len(TITLES) + "|"]
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)  # workers of nginx read from it as another user
        proxies.certificate(folder, "rsa:4096")
        processes: list[subprocess.Popen[bytes]] = [start(proxies.endpoint(folder), every, folder)]
        try:
            for name in options.proxies.split(","):
                for number in map(int, options.workers.split(",")):
                    proxy = made(name, folder, number)
                    processes.append(start(proxy, every, folder))
                    time.sleep(2)
                    cells = [f"{name} {proxy.version}", str(number), *measure(proxy, processes[-1].pid, options)]
                    lines.append("| " + " | ".join(cells) + " |")
                    print(lines[-1], flush=True)
                    stop([processes.pop()])
        finally:
            stop(processes)
    print("\n" + "\n".join(lines))


if __name__ == "__main__":
    main()

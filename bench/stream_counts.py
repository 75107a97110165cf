"""Streams beside nginx's stream module and HAProxy: instructions and system calls for each session and datagram.

    .venv/bin/python bench/stream_counts.py [--sessions 600] [--at-once 1] [--only edge,nginx,haproxy] [--top 0] [--log]

Counts do not depend on what else the machine does, other than times. Each proxy has one worker and runs twice: under
callgrind (instructions in user space) and under strace (system calls). A session is a TCP connection with one byte
there and back; `--at-once` of them are open at a time. A datagram is one that is answered. --log writes access logs.
Needs valgrind and strace; on Debian nginx needs the package libnginx-mod-stream.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import streams
from instructions import functions

from edge.table.records import Wire
from tests.support.edge import WITH_US, descendants
from tests.support.stage import Stage
from tests.support.waiting import eventually, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Started = Callable[[Sequence[str], "Ports", bool, Path], contextlib.AbstractContextManager[int]]

WARM = 200
"""Sessions before the count begins: what is done once and lazily is done by then."""
ROW = r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$"
"""Of strace's table: number of calls, name."""
LOG_FORMAT = "log_format s '$remote_addr [$time_local] $protocol $status $bytes_sent $bytes_received $session_time';"
NO_NGINX_LOG = "access_log off;"


class Ports:
    """Where the proxy takes connections and datagrams, and where it relays them to."""

    def __init__(self) -> None:
        self.target, self.tcp, self.udp = free_port(), free_port(), free_port()


@contextlib.contextmanager
def edge(prefix: Sequence[str], ports: Ports, log: bool, _: Path) -> Iterator[int]:
    """Edge's worker."""
    with Stage("--worker-timeout=600", *([] if log else ["--no-access-log"]), prefix=prefix, ready=False) as stage:
        stage.relay(("127.0.0.1", ports.target), port=ports.tcp)
        stage.relay(("127.0.0.1", ports.target), port=ports.udp, wire=Wire.UDP)
        yield eventually(lambda: descendants(stage.edge.pid)[1:], timeout=240)[0]
        stage.edge.signal(signal.SIGTERM)
        stage.edge.wait(300)


@contextlib.contextmanager
def peer(prefix: Sequence[str], *command: str) -> Iterator[int]:
    """The only process of another proxy."""
    process = subprocess.Popen(
        [*WITH_US, *prefix, *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def nginx(prefix: Sequence[str], ports: Ports, log: bool, folder: Path) -> contextlib.AbstractContextManager[int]:
    """nginx without a master."""
    config = folder / "nginx.conf"
    module = "load_module /usr/lib/nginx/modules/ngx_stream_module.so; master_process off;"
    text = streams.NGINX.format(folder, ports.tcp, ports.udp, ports.target, module, "on")
    written = f"{LOG_FORMAT} access_log {folder}/access.log s buffer=64k;" if log else NO_NGINX_LOG
    config.write_text(text.replace("stream {", "stream { " + written))
    return peer(prefix, "/usr/sbin/nginx", "-c", str(config))


def haproxy(prefix: Sequence[str], ports: Ports, _: bool, folder: Path) -> contextlib.AbstractContextManager[int]:
    """HAProxy with one thread."""
    config = folder / "haproxy.cfg"
    config.write_text(streams.HAPROXY.format(ports.tcp, ports.target))
    return peer(prefix, "/usr/sbin/haproxy", "-f", str(config))


def sessions(port: int, number: int, at_once: int) -> None:
    """NUMBER connections, AT_ONCE of them at a time."""
    for _ in range(number // at_once):
        open_ones = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(at_once)]
        for one in open_ones:
            one.sendall(b"?")
        for one in open_ones:
            one.recv(1)
            one.close()


def datagrams(port: int, number: int, at_once: int) -> None:
    """NUMBER datagrams, AT_ONCE of them on the way at a time."""
    asking = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(at_once)]
    for one in asking:
        one.connect(("127.0.0.1", port))
        one.settimeout(1)
    for _ in range(number // at_once):
        for one in asking:
            one.send(b"x" * 64)
        for one in asking:
            with contextlib.suppress(TimeoutError):
                one.recv(2048)


def instructions(
    start: Started, ports: Ports, options: argparse.Namespace, folder: Path
) -> list[tuple[int, Counter[str]]]:
    """For each load: instructions in all, and by function."""
    valgrind = ["valgrind", "-q", "--tool=callgrind", "--trace-children=yes"]
    found = []
    with start([*valgrind, f"--callgrind-out-file={folder}/profile.%p"], ports, options.log, folder) as pid:
        eventually(lambda: streams.listens(ports.tcp), timeout=240)
        for load, port in loads(start, ports):
            load(port, WARM, options.at_once)
            dump(pid)
            load(port, options.sessions, options.at_once)
            time.sleep(0.5)
            dump(pid)
            newest = max(folder.glob(f"profile.{pid}.*"), key=lambda one: int(one.suffix[1:]))
            total = re.search(r"^(?:summary|totals): (\d+)", newest.read_text(errors="replace"), re.MULTILINE)
            assert total is not None, "callgrind writes a summary"
            found.append((int(total[1]), functions(newest)))
    return found


def dump(pid: int) -> None:
    """Write what the process has executed so far; it counts from zero again."""
    subprocess.run(["callgrind_control", "--dump", str(pid)], check=True, capture_output=True)


def system_calls(start: Started, ports: Ports, options: argparse.Namespace, folder: Path) -> list[Counter[str]]:
    """For each load: system calls by name."""
    found = []
    with start([], ports, options.log, folder) as pid:
        eventually(lambda: streams.listens(ports.tcp))
        for load, port in loads(start, ports):
            load(port, WARM, options.at_once)
            counts = folder / "counts"
            tracing = subprocess.Popen(
                ["timeout", "120", "strace", "-c", "-f", "-p", str(pid), "-o", str(counts)], stderr=subprocess.DEVNULL
            )
            time.sleep(1)
            load(port, options.sessions, options.at_once)
            time.sleep(0.2)
            for one in descendants(tracing.pid)[1:]:
                subprocess.run(["kill", "-INT", str(one)], check=False)
            tracing.wait(60)
            table = re.findall(
                r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", counts.read_text(), re.MULTILINE
            )
            found.append(Counter({name: int(count) for count, name in table if name != "total"}))
    return found


def loads(start: Started, ports: Ports) -> list[tuple[Callable[[int, int, int], None], int]]:
    """What clients do."""
    return [(sessions, ports.tcp)] + ([(datagrams, ports.udp)] if start is not haproxy else [])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=600, help="that are counted; as many datagrams")
    parser.add_argument("--at-once", type=int, default=1, help="open at a time")
    parser.add_argument("--only", default="edge,nginx,haproxy", help="which proxies")
    parser.add_argument("--top", type=int, default=0, help="functions to print of Edge")
    parser.add_argument("--log", action="store_true", help="write access logs")
    options = parser.parse_args()
    ports = Ports()
    server = multiprocessing.Process(target=streams.serve, args=(ports.target,), daemon=True)
    server.start()
    eventually(lambda: streams.listens(ports.target))
    for name, start in (("edge", edge), ("nginx", nginx), ("haproxy", haproxy)):
        if name not in options.only.split(","):
            continue
        with tempfile.TemporaryDirectory() as folder:
            executed = instructions(start, ports, options, Path(folder))
        with tempfile.TemporaryDirectory() as folder:
            asked = system_calls(start, ports, options, Path(folder))
        for unit, (total, ran), calls in zip(("session", "datagram"), executed, asked, strict=False):
            each = {one: count / options.sessions for one, count in calls.most_common()}
            named = ", ".join(f"{one} {count:.1f}" for one, count in each.items() if count >= 0.05)
            print(f"{name:8} {total / options.sessions:8.0f} instructions a {unit}, ", end="")
            print(f"{sum(each.values()):5.1f} system calls: {named}")
            for function, count in ran.most_common(options.top):
                print(f"{count / options.sessions:10.0f} {function}")
    server.kill()


if __name__ == "__main__":
    main()

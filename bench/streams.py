"""Streams beside nginx's stream module and HAProxy: what each needs of the processor, in one run.

    .venv/bin/python bench/streams.py [SECONDS]

Three loads, on 127.0.0.1: bytes of one direction (64 connections), connections per second (each with one byte there and
back), and datagrams (UDP, 16 clients that ask and wait; HAProxy has no UDP). For each proxy it prints what was done and
the processor time of its process tree for it. Let nothing else load the machine. On Debian nginx needs the package
libnginx-mod-stream; who is missing is left out.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from edge.table.records import Wire
from tests.support.edge import WITH_US, descendants
from tests.support.stage import Stage
from tests.support.waiting import eventually, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TICK = os.sysconf("SC_CLK_TCK")
NGINX = """
daemon off; worker_processes 1; pid {0}/nginx.pid; error_log stderr;
{4}
events {{ worker_connections 4096; }}
stream {{
  server {{ listen 127.0.0.1:{1}; proxy_pass 127.0.0.1:{3}; proxy_half_close {5}; }}
  server {{ listen 127.0.0.1:{2} udp; proxy_pass 127.0.0.1:{3}; proxy_responses 1; }}
}}
"""
HAPROXY = """
global
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option splice-auto
listen all
  bind 127.0.0.1:{0}
  server one 127.0.0.1:{1}
"""


def serve(port: int) -> None:
    """What the proxies relay to: takes bytes, answers a first byte `?` with one, and answers datagrams."""
    listening = socket.create_server(("127.0.0.1", port), backlog=4096)
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", port))

    def answer() -> None:
        while True:
            data, peer = datagrams.recvfrom(2048)
            datagrams.sendto(data, peer)

    def take(one: socket.socket) -> None:
        buffer = bytearray(1 << 20)
        with one, contextlib.suppress(OSError):
            while size := one.recv_into(buffer):
                if size == 1 and buffer[0] == ord("?"):
                    one.sendall(b"!")

    threading.Thread(target=answer, daemon=True).start()
    while True:
        one, _ = listening.accept()
        threading.Thread(target=take, args=(one,), daemon=True).start()


def side_by_side(number: int, seconds: float, work: Callable[[float], int]) -> int:
    """The sum of what WORK has done in NUMBER threads until SECONDS are over."""
    done: list[int] = []
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=lambda: done.append(work(until))) for _ in range(number)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return sum(done)


def throughput(port: int, seconds: float) -> int:
    """Mebibytes."""
    block = bytes(1 << 20)

    def send(until: float) -> int:
        sent = 0
        with socket.create_connection(("127.0.0.1", port)) as sock:
            while time.monotonic() < until:
                sock.sendall(block)
                sent += 1
        return sent

    return side_by_side(64, seconds, send)


def connections(port: int, seconds: float) -> int:
    """Connections."""

    def connect(until: float) -> int:
        made = 0
        while time.monotonic() < until:
            with socket.create_connection(("127.0.0.1", port)) as sock:
                sock.sendall(b"?")
                sock.recv(1)
            made += 1
        return made

    return side_by_side(8, seconds, connect)


def datagrams(port: int, seconds: float) -> int:
    """Datagrams that were answered."""

    def ask(until: float) -> int:
        answered = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", port))
            sock.settimeout(0.2)
            while time.monotonic() < until:
                with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                    sock.send(b"x" * 64)
                    answered += bool(sock.recv(2048))
        return answered

    return side_by_side(16, seconds, ask)


def processor_seconds(pid: int) -> float:
    """User and system time of PID and the processes below it."""
    total = 0
    for one in descendants(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
    return total / TICK


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[int]:
    """A proxy; its pid. It has a session of its own, as Edge has: the kernel divides processors among sessions first
    (sched_autogroup_enabled), and wakes what shares one with the clients less often."""
    process = subprocess.Popen([*WITH_US, *arguments], stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def measured(name: str, pid: int, tcp: int, udp: int, seconds: float) -> None:
    """Print what the proxy NAME does."""
    loads = [("MiB", throughput, tcp), ("connections", connections, tcp)] + (
        [("datagrams", datagrams, udp)] if udp else []
    )
    for unit, load, port in loads:
        before = processor_seconds(pid)
        done = load(port, seconds)
        spent = processor_seconds(pid) - before
        print(f"{name:8} {done / seconds:12.0f} {unit}/s {1e6 * spent / max(done, 1):10.1f} us of processor time each")


def listens(port: int) -> bool:
    """Whether somebody takes connections at PORT."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def main() -> None:
    """Measure all three."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    target, tcp, udp = free_port(), free_port(), free_port()
    server = multiprocessing.Process(target=serve, args=(target,), daemon=True)
    server.start()
    eventually(lambda: listens(target))
    with Stage("--no-access-log") as stage:
        stage.relay(("127.0.0.1", target), port=tcp)
        stage.relay(("127.0.0.1", target), port=udp, wire=Wire.UDP)
        eventually(lambda: listens(tcp))
        measured("edge", stage.edge.pid, tcp, udp, seconds)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "proxy.conf")
        nginx, module = (
            shutil.which("nginx", path="/usr/sbin:/usr/bin"),
            Path("/usr/lib/nginx/modules/ngx_stream_module.so"),
        )
        if nginx and module.exists():
            # Edge and HAProxy let each direction end for itself; nginx does so if it is configured to.
            for name, half_close in (("nginx", "on"), ("nginx, both directions end at once", "off")):
                config.write_text(NGINX.format(folder, tcp, udp, target, f"load_module {module};", half_close))
                with started(nginx, "-c", str(config)) as pid:
                    eventually(lambda: listens(tcp))
                    measured(name, pid, tcp, udp, seconds)
        if haproxy := shutil.which("haproxy", path="/usr/sbin:/usr/bin"):
            config.write_text(HAPROXY.format(tcp, target))
            with started(haproxy, "-f", str(config)) as pid:
                eventually(lambda: listens(tcp))
                measured("haproxy", pid, tcp, 0, seconds)
    server.kill()


if __name__ == "__main__":
    main()

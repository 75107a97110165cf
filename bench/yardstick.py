"""What one request costs a proxy in user space: instructions by phase, and system calls by name.

    python bench/yardstick.py [--scenarios small,64k,tls,tls-new,policies,h2,h2-tls,grpc]
        [--proxies edge,nginx,haproxy] [--requests 2000] [--connections 16] [--top 30] [--log json|off] [--keep FOLDER]

A yardstick that noise does not bend: the proxy runs under callgrind, which counts from a warm start to the end of a
fixed number of requests, and then once more under strace. The requests come in turns, one on each of the connections,
so that the worker finds several sockets ready at a time, as under load; over HTTP/2 8 connections have 16 requests each
at a time. The same binary gives the same figure within
about 1 %, whatever else the machine does. The proxies are configured as in `bench/compare.py`; with --log Edge writes
an access log, in its usual format or one of 20 variables as JSON. Needs valgrind, strace and nginx.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent))

import profiles
import proxies
from compare import WITHOUT, start, stop, tree
from h2_clients import Http2Clients
from instructions import JSON_LOG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from profiles import Profile
    from proxies import Proxy

HOSTS = 100
WARM = 10
"""Requests on each connection before anything is counted: what is done once and lazily is done by then."""
PATIENCE = 240.0
"""Seconds: valgrind starts slowly."""
LOGS: dict[str, dict[str, str]] = {"usual": {}, "json": JSON_LOG}
"""Keys of the ConfigMap for each choice of --log."""
SCENARIOS = {
    "small": (False, proxies.HOST, "/", ""),
    "64k": (False, proxies.HOST, "/64k", ""),
    "tls": (True, proxies.HOST, "/", ""),
    "tls-new": (True, proxies.HOST, "/", "Connection: close\r\n"),
    "policies": (False, proxies.POLICIES, "/api/", "Origin: https://app.bench.test\r\n"),
}
"""TLS, host, path, and further fields."""
HTTP2 = {"h2": (False, False), "h2-tls": (True, False), "grpc": (False, True)}
"""TLS, and whether requests are calls of gRPC."""
HTTP2_CONNECTIONS = 8


def context() -> ssl.SSLContext:
    """One that trusts every server."""
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def clients_of(proxy: Proxy, scenario: str, connections: int) -> Clients | Http2Clients:
    """Clients of PROXY that have been warmed up."""
    if scenario in HTTP2:
        secure, grpc = HTTP2[scenario]
        address = ("127.0.0.1", proxy.https if secure else proxy.h2c)
        host = proxies.GRPC if grpc else proxies.HOST
        many = Http2Clients(address, host, HTTP2_CONNECTIONS, context() if secure else None, grpc=grpc)
        many.warm_up(WARM, PATIENCE)
        return many
    clients = Clients(proxy, scenario, connections)
    clients.warm_up()
    return clients


class Clients:
    """Clients of a proxy on several connections, which ask in turns."""

    def __init__(self, proxy: Proxy, scenario: str, connections: int) -> None:
        self.secure, host, path, fields = SCENARIOS[scenario]
        self._address = ("127.0.0.1", proxy.https if self.secure else proxy.http)
        self._fresh = bool(re.search("close", fields))
        self._request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n".encode()
        self._context = context()
        self._context.set_alpn_protocols(["http/1.1"])
        self._sockets: list[socket.socket | None] = [None] * connections

    def warm_up(self) -> None:
        """Wait until the proxy has read its routes, and use each connection a few times."""
        limit = time.monotonic() + PATIENCE
        while True:
            with suppress(OSError), self._connect() as one:
                one.sendall(self._request)
                if one.recv(12) == b"HTTP/1.1 200":
                    break
            if time.monotonic() > limit:
                raise SystemExit("the proxy does not answer 200")
            time.sleep(0.1)
        for _ in range(WARM):
            self.turn()

    def turn(self) -> int:
        """One request on each connection; how many there were."""
        used = [one or self._connect() for one in self._sockets]
        for one in used:
            one.sendall(self._request)
        for one in used:
            self._answer(one)
        self._sockets = [None] * len(used) if self._fresh else list(used)
        if self._fresh:
            for one in used:
                one.close()
        return len(used)

    def close(self) -> None:
        """End all connections."""
        for one in self._sockets:
            if one is not None:
                one.close()

    def _connect(self) -> socket.socket:
        sock = socket.create_connection(self._address, PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._context.wrap_socket(sock, server_hostname=proxies.HOST) if self.secure else sock

    @staticmethod
    def _answer(sock: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += _received(sock)
        head, _, body = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"the proxy did not answer 200: {head!r}")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        if length is None:
            raise SystemExit(f"an answer without a length: {head!r}")
        left = int(length[1]) - len(body)
        while left > 0:
            left -= len(_received(sock))


def _received(sock: socket.socket) -> bytes:
    data = sock.recv(1 << 18)
    if not data:
        raise SystemExit("the proxy hung up")
    return data


def contestant(name: str, folder: Path, log: str) -> Proxy:
    """The proxy NAME, in one process where that can be."""
    if name == "nginx":
        proxy = proxies.nginx(folder, HOSTS)
        config = folder / "nginx.conf"
        config.write_text("master_process off;\n" + config.read_text())
        return proxy
    if name == "haproxy":
        return proxies.haproxy(folder, HOSTS)
    proxy = proxies.edge(folder, HOSTS, keys=LOGS.get(log))
    flags = [one for one in proxy.command if one != "--no-access-log" or log == "off"]
    return replace(proxy, command=tuple(flags))


@contextmanager
def running(proxy: Proxy, folder: Path, *tool: str) -> Iterator[int]:
    """PROXY started with TOOL; its first process."""
    processes = []
    command = proxy.command
    shm = folder / f"shm{time.monotonic_ns()}"
    try:
        if proxy.name == "edge":
            shm.mkdir(mode=0o700)
            control, command = proxies.apart(proxy, shm)
            processes.append(subprocess.Popen(control, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        under = replace(proxy, command=(*tool, *command))
        processes.append(start(under, 0, folder, patience=PATIENCE))
        yield processes[-1].pid
    finally:
        stop(processes)


def measure(proxy: Proxy, scenario: str, folder: Path, options: argparse.Namespace) -> tuple[Profile, int]:
    """The profile of PROXY in SCENARIO, and the number of requests that it is of."""
    output = folder / f"callgrind.{proxy.name}.{scenario}"
    tool = ("valgrind", "-q", "--tool=callgrind", "--trace-children=yes", "--instr-atstart=no",
            f"--callgrind-out-file={output}.%p")  # fmt: skip
    with running(proxy, folder, *tool) as first:
        clients = clients_of(proxy, scenario, options.connections)
        worker = tree(first)[-1]
        _control("-i", "on", worker)
        clients.turn()  # what is translated for the first time
        _control("-z", "", worker)
        done = 0
        while done < options.requests:
            done += clients.turn()
        _control("-d", "", worker)
        _control("-i", "off", worker)
        clients.close()
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
        shutil.copy(f"{output}.{worker}.1", options.keep / output.name)
    return profiles.read(Path(f"{output}.{worker}.1")), done


def _control(option: str, value: str, worker: int) -> None:
    command = ["callgrind_control", *filter(None, (option, value)), str(worker)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)


def system_calls(proxy: Proxy, scenario: str, folder: Path, options: argparse.Namespace) -> Counter[str]:
    """System calls of the process that serves requests, for one request."""
    with running(proxy, folder) as first:
        clients = clients_of(proxy, scenario, options.connections)
        worker = tree(first)[-1]
        output = folder / "strace"
        tracer = subprocess.Popen(["strace", "-f", "-c", "-o", output, "-p", str(worker)], stderr=subprocess.PIPE)
        assert tracer.stderr is not None  # a pipe was asked for
        tracer.stderr.readline()  # attached
        done = 0
        while done < options.requests:
            done += clients.turn()
        tracer.send_signal(signal.SIGINT)
        tracer.wait(60)
        clients.close()
    rows = re.findall(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+)(?: +\d+)? +(\w+)$", output.read_text(), re.MULTILINE)
    return Counter({name: int(count) / done for count, name in rows if name != "total"})  # type: ignore[arg-type]


def report(name: str, scenario: str, profile: Profile, requests: int, calls: Counter[str], top: int) -> None:
    """Print what a request costs."""
    print(f"\n{name}, {scenario}: {profile.total / requests:.0f} instructions a request")
    if name == "edge":
        parts = profiles.by_phase(profile).most_common()
        print("  " + ", ".join(f"{one} {cost / requests:.0f}" for one, cost in parts if cost / requests >= 1))
    print("  " + ", ".join(f"{one} {count:.2f}" for one, count in calls.most_common() if count >= 0.005))
    for function, cost in profile.own.most_common(top):
        print(f"{cost / requests:10.0f} {function}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scenarios", default=",".join((*SCENARIOS, *HTTP2)))
    parser.add_argument("--proxies", default="edge", help="of edge, nginx and haproxy")
    parser.add_argument("--requests", type=int, default=2000, help="requests that are counted")
    parser.add_argument("--connections", type=int, default=16, help="connections with a request each at a time")
    parser.add_argument("--top", type=int, default=0, help="functions to print")
    parser.add_argument("--log", choices=["off", *LOGS], default="off", help="the access log of Edge")
    parser.add_argument("--no-calls", action="store_true", help="leave out the run that counts system calls")
    parser.add_argument("--keep", type=Path, help="copy the profiles to this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edge-yardstick-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx reads from it as another user
        proxies.certificate(folder)
        endpoints = [start(proxies.endpoint(folder), 1, folder), start(proxies.grpc_endpoint(folder), 1, folder)]
        try:
            for scenario in options.scenarios.split(","):
                for one in options.proxies.split(","):
                    if one in WITHOUT.get(scenario, ()):
                        continue
                    proxy = contestant(one, folder, options.log)
                    profile, requests = measure(proxy, scenario, folder, options)
                    calls = Counter() if options.no_calls else system_calls(proxy, scenario, folder, options)
                    report(one, scenario, profile, requests, calls, options.top)
        finally:
            stop(endpoints)


if __name__ == "__main__":
    main()

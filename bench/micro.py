"""What each hot unit of the data plane costs: nanoseconds per call, the best of several rounds.

    python bench/micro.py [--rounds 7] [--json] [NAME ...]

Each unit runs alone in this process, on real parts: a table in shared memory, real buffers, a real socket pair where
a stream is needed. What only prepares a call (feeding a buffer) is measured apart and taken off.
"""

from __future__ import annotations

import argparse
import json
import socket
import ssl
import tempfile
import time
import timeit
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from edge.data.accepting import client_hello
from edge.data.http._fields import Limits
from edge.data.http._message import Message, Outgoing
from edge.data.http.h1._body import Body
from edge.data.http.h1._head import Head
from edge.data.http.h1._writing import HeadWriter
from edge.data.net._buffer import Buffer
from edge.data.net._stream import Stream
from edge.data.routing.planner import Planner
from edge.data.routing.router import Router
from edge.table.counters import RouteLabels, WorkerCounters
from edge.table.paths import normalise_bytes
from edge.table.reader import TableReader
from edge.table.records import Backend, Host, Owner, PathKind, Route
from edge.table.writer import TableWriter

REQUEST = (
    b"GET /api/v1/items/42?page=3 HTTP/1.1\r\nHost: host-7.bench.example\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n"
    b"Accept-Encoding: gzip, deflate, br, zstd\r\nReferer: https://host-7.bench.example/\r\nConnection: keep-alive\r\n"
    b"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\nCache-Control: no-cache\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.28\r\nDate: Wed, 25 Nov 2026 03:00:00 GMT\r\nContent-Type: text/plain\r\n"
    b'Content-Length: 13\r\nConnection: keep-alive\r\nETag: "0123456789"\r\nAccept-Ranges: bytes\r\n\r\n'
)
SMALL = b"GET / HTTP/1.1\r\nHost: host-7.bench.example\r\n\r\n"
FORWARDED = (
    b"X-Real-IP: 192.0.2.7\r\nX-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Port: 443\r\n"
    b"X-Forwarded-Proto: https\r\nX-Forwarded-Scheme: https\r\nX-Scheme: https\r\n"
)
CHUNKS = b"1000\r\n" + bytes(4096) + b"\r\n10\r\n" + bytes(16) + b"\r\n0\r\n\r\n"
HOSTS = 1000

Unit = tuple[str, Callable[[], object], Callable[[], object]]
"""Name, what is measured, and what of it is only preparation."""


def nothing() -> None:
    """No preparation."""


def heads(out: Stream) -> Iterator[Unit]:
    limits, buffer, head = Limits(), Buffer(), Head()

    def feed(data: bytes) -> Callable[[], object]:
        def prepare() -> None:
            buffer.feed(data)
            buffer.consume(len(data))

        return prepare

    def read_request(data: bytes) -> Callable[[], object]:
        def run() -> None:
            buffer.feed(data)
            head.read_request(buffer, limits)

        return run

    def read_response() -> None:
        buffer.feed(RESPONSE)
        head.read_response(buffer, limits)

    yield "read_request, 10 fields", read_request(REQUEST), feed(REQUEST)
    yield "read_request, Host alone", read_request(SMALL), feed(SMALL)
    yield "read_response, 7 fields", read_response, feed(RESPONSE)
    request, response = Head(), Head()
    buffer.feed(REQUEST + RESPONSE)
    request.read_request(buffer, limits)
    response.read_response(buffer, limits)
    writer, outgoing = HeadWriter(out), Outgoing(request)
    outgoing.method, outgoing.target = request.method, request.target
    outgoing.host = outgoing.forwarded_host = request.host
    outgoing.added, outgoing.request_id = FORWARDED, b"0123456789abcdef0123456789abcdef"

    def write_request() -> None:
        writer.request(outgoing)
        out.discard_output()

    def write_response() -> None:
        writer.response(response, b"", 13, False, True)
        out.discard_output()

    def prepare() -> None:
        out.write(b"")
        out.discard_output()

    yield "write_request, 10 fields", write_request, prepare
    yield "write_response, 7 fields", write_response, prepare


def bodies() -> Iterator[Unit]:
    buffer = Buffer()
    body = Body(buffer)

    def chunked() -> None:
        buffer.feed(CHUNKS)
        body.start(-1, True, False)
        while count := body.fill():
            buffer.consume(count)

    def sized() -> None:
        buffer.feed(CHUNKS)
        body.start(len(CHUNKS), False, False)
        while count := body.fill():
            buffer.consume(count)

    def feed() -> None:
        buffer.feed(CHUNKS)
        buffer.consume(len(CHUNKS))

    yield "chunked body, 4096 + 16 bytes", chunked, feed
    yield "sized body, 4 KiB", sized, feed


def routing(directory: Path) -> Iterator[Unit]:
    writer = TableWriter(directory)
    paths = ("/", "/api", "/api/v1/items")
    writer.publish(
        routes={
            name: Host(
                name=name,
                routes=tuple(
                    Route(PathKind.PREFIX, path, Owner("Ingress", "bench", name), (Backend("bench", "web"),))
                    for path in paths[: 1 if number % 2 else 3]
                ),
            )
            for number in range(HOSTS)
            for name in (f"host-{number}.bench.example",)
        }
    )
    counters = WorkerCounters(directory)
    table = TableReader(directory)
    table.refresh()
    router = Router(table, Planner(table, counters, logged=False))
    few, several = (asking(f"host-{number}.bench.example", "/api/v1/items/42?page=3") for number in (7, 8))
    yield "route, only /", lambda: router.match(few), nothing
    yield "route, 3 paths", lambda: router.match(several), nothing
    yield "normal form, plain path", lambda: normalise_bytes(b"/api/v1/items/42"), nothing
    owner = {"kind": "Ingress", "namespace": "bench", "ingress": "web"}
    labels = RouteLabels(**owner, service="web", host="host-7", path="/", canary="")
    series = counters.series(labels, b"GET", 200)
    yield "counters: record", lambda: series.record(0.0012, 0.0011, 512, 300), nothing


def asking(host: str, target: str) -> Message:
    """A GET of TARGET at HOST."""
    message = Message()
    message.method, message.host, message.target = b"GET", host.encode(), target.encode()
    return message


def hello() -> Iterator[Unit]:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    read, written = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(read, written, server_hostname="host-7.bench.example")
    with suppress(ssl.SSLWantReadError):
        connection.do_handshake()
    data = written.read()
    yield "ClientHello", lambda: client_hello.parse(data), nothing


def measure(function: Callable[[], object], *, rounds: int) -> float:
    """Nanoseconds of CPU per call of FUNCTION."""
    timer = timeit.Timer(function, timer=time.process_time)  # what others do meanwhile does not count
    number = max(1, int(0.02 / (timer.timeit(1000) / 1000)))
    return min(timer.repeat(rounds, number)) / number * 1e9


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="only units whose name contains one of these")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = {}
    with ExitStack() as stack:
        near, far = socket.socketpair()
        stack.callback(far.close)
        near.setblocking(False)
        out = Stream(near)
        stack.callback(out.close)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-edge-", dir="/dev/shm")))
        for name, run, prepare in (*heads(out), *bodies(), *routing(directory), *hello()):
            if options.names and not any(part in name for part in options.names):
                continue
            rounds = options.rounds
            figures[name] = measure(run, rounds=rounds) - measure(prepare, rounds=rounds)
            if not options.json:
                print(f"{name:32} {figures[name]:8.0f} ns", flush=True)
    if options.json:
        print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

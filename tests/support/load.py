"""Load in processes of its own: many connections that ask without a pause and account for every answer, and a fast
server to stand behind Edge.

    with Responder("blue") as blue, Load(edge.http, requests=100_000) as load:
        ...
        result = load.finish()
        assert not result.failures

Times are CLOCK_MONOTONIC, the same in every process of the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.support.certificates import trusting_all
from tests.support.waiting import eventually, free_port

ROOT = Path(__file__).parent.parent.parent
BROKEN_HANDSHAKE = "broken handshake"
"""Kind of failure: a connection that ended before any request was sent on it."""


@dataclass
class Result:
    """What came of it."""

    requests: int
    """Answered in full, whatever the status."""
    statuses: dict[str, int]
    backends: dict[str, int]
    """Answers by X-Backend."""
    first: dict[str, float]
    last: dict[str, float]
    """When the first and the last request was sent that the backend answered."""
    failures: list[dict[str, Any]]
    """Requests without a full answer, and connections that were not made: `kind`, `port` of the client, `at`."""
    certificates: dict[str, int]
    """Connections by SHA-256 of the certificate that was shown."""
    connections: int

    @property
    def kinds(self) -> Counter[str]:
        """Number of failures by kind."""
        return Counter(one["kind"] for one in self.failures)


class _Process:
    """A child of the test that runs this module."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "tests.support.load", *arguments]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def pid(self) -> int:
        return self._process.pid


class Responder(_Process):
    """Answers everything with SIZE bytes and X-Backend: NAME."""

    def __init__(self, name: str = "responder", *, size: int = 13, port: int = 0) -> None:
        self.name = name
        self.port = port or free_port()
        super().__init__("respond", name, str(self.port), str(size))
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"


class Load(_Process):
    """Asks PORT for TARGET of HOST on CONNECTIONS connections, until REQUESTS are answered or `finish` is called.

    TLS: over TLS, with a new connection after PER_CONNECTION requests (0: as long as it lasts).
    """

    def __init__(
        self,
        port: int,
        *,
        requests: int = 0,
        connections: int = 16,
        host: str = "web.example",
        target: str = "/",
        tls: bool = False,
        per_connection: int = 0,
    ) -> None:
        self.answered = 0
        """So far, within a hundred."""
        options = {
            "port": port, "requests": requests, "connections": connections, "host": host, "target": target,
            "tls": tls, "per_connection": per_connection,
        }  # fmt: skip
        self._ordered = requests
        super().__init__("ask", json.dumps(options))
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "begun\n"
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait(self, answered: int, timeout: float = 60.0) -> None:
        """Wait until so many have been ANSWERED."""
        eventually(lambda: self.answered >= answered or not self._reader.is_alive(), timeout=timeout)
        assert self.answered >= answered, "it ended before"

    def more(self, count: int) -> None:
        """Wait for COUNT more answers than there are now."""
        self.wait(self.answered + count)

    @staticmethod
    def now() -> float:
        """The time as `Result.first` and `last` have it."""
        return time.monotonic()

    def finish(self, timeout: float = 60.0) -> Result:
        """Stop, unless a number of requests was ordered; then wait for the end."""
        if not self._ordered:
            self._process.send_signal(signal.SIGTERM)
        self._reader.join(timeout)
        assert not self._reader.is_alive(), f"the load did not end within {timeout:g} s"
        return Result(**json.loads(self._lines[-1]))

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line[:1].isdigit():
                self.answered = int(line)
            else:
                self._lines.append(line)


# --- inside the children ----------------------------------------------------------------------------------------------

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_BACKEND = re.compile(rb"\r\nx-backend: *([^\r]+)", re.IGNORECASE)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass
class _Account:
    options: dict[str, Any]
    request: bytes
    context: ssl.SSLContext | None
    stopped: bool = False
    sent: int = 0
    requests: int = 0
    connections: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    backends: Counter[str] = field(default_factory=Counter)
    first: dict[str, float] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    certificates: Counter[str] = field(default_factory=Counter)

    def may_send(self) -> bool:
        limit = self.options["requests"]
        if self.sent >= limit if limit else self.stopped:
            return False
        self.sent += 1
        return True

    def answer(self, status: str, backend: str, began: float) -> None:
        self.requests += 1
        self.statuses[status] += 1
        self.backends[backend] += 1
        self.first.setdefault(backend, began)
        self.last[backend] = max(began, self.last.get(backend, 0.0))
        if self.requests % 100 == 0:
            _say(str(self.requests))

    def fail(self, kind: str, port: int) -> None:
        self.failures.append({"kind": kind, "port": port, "at": time.monotonic()})


class _Asking(asyncio.Protocol):
    """One connection: the next request when the last one is answered."""

    transport: asyncio.Transport

    def __init__(self, account: _Account, ended: asyncio.Future[None]) -> None:
        self.account = account
        self.ended = ended
        self.buffer = b""
        self.began = 0.0
        self.waiting = False
        self.count = 0
        self.port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]
        self.account.connections += 1
        if tls := transport.get_extra_info("ssl_object"):
            self.account.certificates[hashlib.sha256(tls.getpeercert(True)).hexdigest()] += 1
        self._next()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end]
        length = _LENGTH.search(head)
        if length is None or not self.waiting:
            self.account.fail("garbled", self.port)
            self.transport.abort()
            return
        if len(self.buffer) < end + 4 + int(length[1]):
            return
        self.buffer = self.buffer[end + 4 + int(length[1]) :]
        backend = _BACKEND.search(head)
        self.waiting = False
        self.account.answer(head[9:12].decode(), backend[1].decode() if backend else "", self.began)
        if _CLOSE.search(head):
            self.transport.close()
        else:
            self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if self.waiting:
            how = "reset" if isinstance(error, ConnectionResetError) else "closed"
            self.account.fail(how + (" in an answer" if self.buffer else ""), self.port)
        if not self.ended.done():
            self.ended.set_result(None)

    def _next(self) -> None:
        limit = self.account.options["per_connection"]
        if (limit and self.count >= limit) or not self.account.may_send():
            self.transport.close()
            return
        self.count += 1
        self.waiting = True
        self.began = time.monotonic()
        self.transport.write(self.account.request)


async def _connect_again_and_again(account: _Account) -> None:
    loop = asyncio.get_running_loop()
    limit = account.options["requests"]
    while account.sent < limit if limit else not account.stopped:
        ended: asyncio.Future[None] = loop.create_future()
        name = account.options["host"] if account.context else None
        try:
            await loop.create_connection(
                lambda ended=ended: _Asking(account, ended),
                "127.0.0.1", account.options["port"], ssl=account.context, server_hostname=name,
            )  # fmt: skip
        except ConnectionRefusedError:
            account.fail("refused", 0)
            await asyncio.sleep(0.05)
            continue
        except OSError as error:
            account.fail(f"no connection: {error.strerror or error}" if not account.context else BROKEN_HANDSHAKE, 0)
            await asyncio.sleep(0.05)
            continue
        await ended


async def _ask(options: dict[str, Any]) -> None:
    request = f"GET {options['target']} HTTP/1.1\r\nHost: {options['host']}\r\n\r\n".encode()
    account = _Account(options, request, trusting_all() if options["tls"] else None)

    def stop() -> None:
        account.stopped = True

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    _say("begun")
    await asyncio.gather(*(_connect_again_and_again(account) for _ in range(options["connections"])))
    names = Result.__dataclass_fields__
    _say(json.dumps({name: getattr(account, name) for name in names}))


class _Answering(asyncio.Protocol):
    transport: asyncio.Transport

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        data = self.rest + data
        self.rest = data[data.rfind(b"\r\n\r\n") + 4 :] if b"\r\n\r\n" in data else data
        if count := data.count(b"\r\n\r\n"):
            self.transport.write(self.answer * count)


async def _respond(name: str, port: int, size: int) -> None:
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nX-Backend: {name}\r\n\r\n".encode() + b"x" * size
    server = await asyncio.get_running_loop().create_server(lambda: _Answering(answer), "127.0.0.1", port, backlog=1024)
    _say("ready")
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        if sys.argv[1] == "ask":
            asyncio.run(_ask(json.loads(sys.argv[2])))
        else:
            asyncio.run(_respond(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))

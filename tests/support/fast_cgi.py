"""A FastCGI application for tests: it says what it got, or answers what a test gives it."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support.backends import Listener, Peer

BEGIN, END, PARAMS, STDIN, STDOUT, STDERR = 1, 3, 4, 5, 6, 7


@dataclass
class Call:
    """A request, as the application got it."""

    role: int = 0
    flags: int = 0
    parameters: dict[str, str] = field(default_factory=dict)
    doubled: list[str] = field(default_factory=list)
    """Parameters that came twice."""
    content: bytes = b""


def record(kind: int, content: bytes = b"", *, padding: int = 0, number: int = 1) -> bytes:
    return struct.pack(">BBHHBx", 1, kind, number, len(content), padding) + content + bytes(padding)


def ended(status: int = 0) -> bytes:
    return record(END, struct.pack(">IB3x", 0, status))


def answer(text: bytes, *, size: int = 65535, errors: bytes = b"", padding: int = 0) -> bytes:
    """TEXT as standard output in records of SIZE bytes, with ERRORS on the standard error, and the end."""
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    out = b"".join(record(STDOUT, piece, padding=padding) for piece in pieces)
    return (record(STDERR, errors) if errors else b"") + out + record(STDOUT) + ended()


class FastCgiApplication(Listener):
    """Answers each request with what REPLY makes of it, raw bytes; by default with what it got, as JSON."""

    def __init__(self, reply: Callable[[Call], bytes] | None = None) -> None:
        self.calls: list[Call] = []
        self.reply = reply or told
        super().__init__()

    def serve(self, peer: Peer) -> None:
        call = Call()
        raw = b""
        while True:
            _, kind, number, length, padding = struct.unpack(">BBHHBx", peer.read(8))
            content = peer.read(length)
            peer.read(padding)
            assert number == 1
            if kind == BEGIN:
                call.role, call.flags = struct.unpack(">HB5x", content)
            elif kind == PARAMS:
                raw += content
            elif kind == STDIN:
                if not content:
                    break
                call.content += content
        for name, value in _pairs(raw):
            if name in call.parameters:
                call.doubled.append(name)
            call.parameters[name] = value
        self.calls.append(call)
        peer.send(self.reply(call))


def told(call: Call) -> bytes:
    body = json.dumps({"parameters": call.parameters, "length": len(call.content)}).encode()
    return answer(b"Content-Type: application/json\r\n\r\n" + body)


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    found, at = [], 0
    while at < len(raw):
        sizes = []
        for _ in range(2):
            if raw[at] & 128:
                sizes.append(struct.unpack_from(">I", raw, at)[0] & 0x7FFFFFFF)
                at += 4
            else:
                sizes.append(raw[at])
                at += 1
        name, value = raw[at : at + sizes[0]], raw[at + sizes[0] : at + sum(sizes)]
        at += sum(sizes)
        found.append((name.decode("latin-1"), value.decode("latin-1")))
    return found

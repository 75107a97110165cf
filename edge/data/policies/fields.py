"""Field lines that policies make out of names and values."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.data.http._message import Message

APART = frozenset((b"set-cookie", b"x-real-ip", b"x-forwarded-for", b"x-forwarded-port", b"x-forwarded-proto"))
"""Cookies are no list; what a client says about its way is not joined with what Edge says about it."""


def line(name: str, value: str) -> bytes:
    """A complete field line. The control plane has checked both."""
    return f"{name}: {value}\r\n".encode()


def lines(fields: Iterable[tuple[str, str]]) -> bytes:
    """FIELDS as complete field lines."""
    return b"".join(line(name, value) for name, value in fields)


def quoted(text: str) -> bytes:
    """TEXT, which has no control characters, as a quoted string (RFC 9110, section 5.6.4)."""
    return '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"')).encode()


def names(fields: Iterable[str]) -> tuple[bytes, ...]:
    """The names of FIELDS as `FieldLines.hide` takes them."""
    return tuple(name.lower().encode() for name in fields)


def without(text: bytes, fields: frozenset[bytes]) -> bytes:
    """The field lines TEXT but for those of FIELDS (lower case)."""
    return b"".join(one for one in text.splitlines(keepends=True) if one.partition(b":")[0].lower() not in fields)


def combined(message: Message, name: str, value: str) -> bytes:
    """A line that adds VALUE to what MESSAGE says under NAME, as one list (RFC 9110, section 5.3); that is hidden.

    What is in `APART` gets a line of its own.
    """
    known = name.lower().encode()
    before = message.get(known) if known not in APART else None
    if before is None:
        return line(name, value)
    message.hide(known)
    return f"{name}: ".encode() + before + b"," + value.encode() + b"\r\n"

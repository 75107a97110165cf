"""Field lines that policies make out of names and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.table.fields import name_fault, value_fault

if TYPE_CHECKING:
    from collections.abc import Iterable

USUAL: Final = frozenset({200, 201, 204, 206, 301, 302, 303, 304, 307, 308})
"""Statuses that get the fields of `add_header` without `always` (nginx docs, ngx_http_headers_module)."""


def line(name: str, value: str) -> bytes:
    """A complete field line.

    Raises:
        ValueError: a policy cannot write such a field.
    """
    fault = name_fault(name) or value_fault(value)
    if fault:
        raise ValueError(fault)
    return f"{name}: {value}\r\n".encode()


def checked(value: str) -> str:
    """VALUE.

    Raises:
        ValueError: a field cannot have it.
    """
    if fault := value_fault(value):
        raise ValueError(fault)
    return value


def checked_name(name: str) -> str:
    """NAME.

    Raises:
        ValueError: a policy cannot write a field with it.
    """
    if fault := name_fault(name):
        raise ValueError(fault)
    return name


def lines(fields: Iterable[tuple[str, str]]) -> bytes:
    """FIELDS as complete field lines."""
    return b"".join(line(name, value) for name, value in fields)


def quoted(text: str) -> bytes:
    """TEXT, which has no control characters, as a quoted string (RFC 9110, section 5.6.4)."""
    return '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"')).encode()


def names(fields: Iterable[str]) -> tuple[bytes, ...]:
    """The names of FIELDS as `FieldLines.hide` takes them.

    Raises:
        ValueError: a policy cannot change such a field.
    """
    fields = tuple(fields)
    for name in fields:
        if fault := name_fault(name):
            raise ValueError(fault)
    return tuple(name.lower().encode() for name in fields)


def without(text: bytes, fields: frozenset[bytes]) -> bytes:
    """The field lines TEXT but for those of FIELDS (lower case)."""
    return b"".join(one for one in text.splitlines(keepends=True) if name_of(one) not in fields)


def name_of(line: bytes) -> bytes:
    """The name of the field LINE, in lower case."""
    return line.partition(b":")[0].lower()

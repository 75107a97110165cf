"""Texts of users with the values of one exchange in the places of their variables (`edge.table.variables`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.exchange.variables import FAMILIES, VALUES
from edge.table import templates, variables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge.data.exchange.exchange import Exchange
    from edge.data.exchange.variables import Value


def filler(text: str, own: Mapping[str, Value] | None = None) -> Value:
    """A function that returns TEXT with the values of an exchange in place of its variables. OWN: values of variables
    that are not those of a request, or have another value here.

    Raises:
        TemplateError: TEXT has a variable that is neither in `edge.table.variables` nor in OWN.
    """
    parts = _parts(text, own or {})
    if not any(callable(part) for part in parts):
        return constant(b"".join(part for part in parts if isinstance(part, bytes)))

    def fill(exchange: Exchange) -> bytes:
        return b"".join([part if isinstance(part, bytes) else part(exchange) for part in parts])

    return fill


def pieces(text: str) -> Callable[[Exchange], list[bytes]]:
    """As `filler`, but returns each variable, and each text between two of them, as an item. Values may hold anything,
    so joined text would be ambiguous: `ab` and `c` is the same as `a` and `bc`.
    """
    parts = _parts(text, {})

    def fill(exchange: Exchange) -> list[bytes]:
        return [part if isinstance(part, bytes) else part(exchange) for part in parts]

    return fill


def constant(value: bytes) -> Value:
    """A function that returns VALUE for every exchange."""
    return lambda _: value


def _parts(text: str, own: Mapping[str, Value]) -> list[bytes | Value]:
    return [_part(part, own) for part in templates.parse(text, {*variables.REQUEST, *own}).parts]


def _part(part: str | templates.Variable, own: Mapping[str, Value]) -> bytes | Value:
    if isinstance(part, str):
        return part.encode()
    return own.get(part.name) or value_of(part)


def value_of(variable: templates.Variable) -> Value:
    """The function that returns the value of VARIABLE, which is one of a request."""
    value = VALUES.get(variable.name)
    if value is not None:
        return value
    assert variable.family is not None  # noqa: S101 - the list knows no other
    return FAMILIES[variable.family[0]](variable.family[1])

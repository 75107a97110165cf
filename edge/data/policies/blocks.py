"""The fields that a snippet writes: those outside of all `if`, or those with the ones of an `if` that holds.

Rules of this file:
- Of several `if` that hold, the last one's block counts. `add_header` within it replaces those outside, as nginx
  inherits them; `more_set_headers` joins them, as headers-more-nginx-module does.
- A field whose value comes out with a control character is not written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from edge.data.exchange.texts import filler
from edge.data.policies.fields import USUAL, names, without
from edge.data.policies.request_headers import change
from edge.table.policies.snippet import AddField, RequestField, SetField

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edge.data.exchange.exchange import Exchange
    from edge.data.exchange.variables import Value
    from edge.data.http._message import Message
    from edge.table.policies.snippet import If, Statement

CONTENT_TYPE: Final = b"content-type"


class Field(NamedTuple):
    """A field to write. KEY: its name in lower case. TEXT: its value where that is constant. ALWAYS: whatever the
    status."""

    name: bytes
    key: bytes
    value: Value
    text: bytes | None
    always: bool = True


class Block:
    """The fields of one block; OUTSIDE is what it inherits from."""

    def __init__(self, statements: Iterable[Statement | If], own: Mapping[str, Value], outside: Block | None) -> None:
        """OWN: the values of the snippet's own variables."""
        self.request: list[Field] = list(outside.request) if outside is not None else []
        self.added: list[Field] = []
        self.set: list[Field] = list(outside.set) if outside is not None else []
        for one in statements:
            if isinstance(one, RequestField):
                self.request.append(_field(one, own))
            elif isinstance(one, AddField):
                self.added.append(_field(one, own)._replace(always=one.always))
            elif isinstance(one, SetField):
                self.set.append(_field(one, own))
        if outside is not None and not self.added:
            self.added = outside.added

    def edit(self, exchange: Exchange) -> None:
        """Change the request as the endpoint gets it."""
        for field in self.request:
            change(exchange, field.name, field.key, _clean(field.value(exchange)))

    def answer(self, exchange: Exchange, response: Message | None) -> None:
        """Change RESPONSE, or add to an answer of Edge's own, whose Content-Type is settled already."""
        status = exchange.outcome.status if response is None else response.status
        for name, key, value, _, always in self.added:
            if (always or status in USUAL) and (response is not None or key != CONTENT_TYPE):
                exchange.fields += _line(name, value(exchange))
        for name, key, value, _, _ in self.set:
            if response is not None:
                response.hide(key)
            elif key == CONTENT_TYPE:
                continue
            exchange.fields = without(exchange.fields, frozenset((key,))) + _line(name, value(exchange))

    def constant(self) -> tuple[bytes, list[bytes]] | None:
        """The lines of every response, whatever it is, and the names (lower case) whose fields they replace; None: it
        depends."""
        fields = (*self.added, *self.set)
        if any(field.text is None or not field.always or field.key == CONTENT_TYPE for field in fields):
            return None
        written = {field.key: _line(field.name, field.text or b"") for field in self.set}
        added = [_line(field.name, field.text or b"") for field in self.added if field.key not in written]
        return b"".join((*added, *written.values())), list(written)

    def content_type(self, exchange: Exchange, otherwise: bytes) -> bytes:
        """The Content-Type of an answer that the snippet gives itself."""
        for field in reversed((*self.added, *self.set)):
            if field.key == CONTENT_TYPE:
                return _clean(field.value(exchange)) or otherwise
        return otherwise


def has_controls(text: bytes) -> bool:
    """Whether TEXT would end a field line, or cannot stand in one (RFC 9110, section 5.5)."""
    return any((byte < 32 and byte != 9) or byte == 127 for byte in text)


def _field(one: RequestField | AddField | SetField, own: Mapping[str, Value]) -> Field:
    (key,) = names((one.name,))
    text = one.value.encode() if "$" not in one.value else None
    return Field(one.name.encode(), key, filler(one.value, own), text)


def _clean(text: bytes) -> bytes:
    return b"" if has_controls(text) else text


def _line(name: bytes, text: bytes) -> bytes:
    """A field line; nothing if TEXT is empty."""
    text = _clean(text)
    return b"%s: %s\r\n" % (name, text) if text else b""

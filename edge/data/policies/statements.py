"""Statements that act in their turn: `set`, `return` and `if` (nginx docs, ngx_http_rewrite_module)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.exchange.texts import filler
from edge.data.http import replies
from edge.data.http.replies import Reply
from edge.data.net.errors import StreamClosed
from edge.data.policies.blocks import Block, has_controls
from edge.table.patterns.matching import compile_pattern
from edge.table.policies.snippet import CLOSE, REDIRECTS, Answer, If, SetVariable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from edge.data.exchange.exchange import Exchange
    from edge.data.exchange.variables import Value
    from edge.table.policies.snippet import Statement


class Effects:
    """What the statements have come to in one exchange: the values of variables, and the fields that hold."""

    __slots__ = ("block", "variables")

    def __init__(self, block: Block) -> None:
        self.block = block
        self.variables: dict[str, bytes] = {}


class Step:
    """A statement."""

    def run(self, exchange: Exchange, effects: Effects) -> Reply | None:
        """Carry it out; the answer, if it gives one.

        Raises:
            StreamClosed: the connection is to be closed without an answer.
            PatternLimitError: a test takes too many steps.
        """
        raise NotImplementedError


class Assignment(Step):
    """`set`."""

    def __init__(self, one: SetVariable, own: Mapping[str, Value]) -> None:
        self._name = one.name
        self._value = filler(one.value, own)

    def run(self, exchange: Exchange, effects: Effects) -> Reply | None:
        """As `Step`."""
        effects.variables[self._name] = self._value(exchange)
        return None


class Return(Step):
    """`return`."""

    def __init__(self, one: Answer, own: Mapping[str, Value]) -> None:
        self._status = one.status
        self._text = filler(one.text, own) if one.text else None
        self._type = one.content_type.encode()

    def run(self, exchange: Exchange, effects: Effects) -> Reply | None:
        """As `Step`."""
        if self._status == CLOSE:
            raise StreamClosed("a snippet closes the connection")
        if self._text is None:
            return replies.plain(self._status)
        text = self._text(exchange)
        if self._status in REDIRECTS:
            return replies.redirect(self._status, text) if not has_controls(text) else replies.plain(400)
        return Reply(self._status, text, content_type=effects.block.content_type(exchange, self._type))


class Branch(Step):
    """`if`. BLOCK: the fields that hold where its test does."""

    def __init__(self, one: If, own: Mapping[str, Value], outside: Block) -> None:
        self.block = Block(one.statements, own, outside)
        self._holds = _test(one, own)
        self._steps = steps_of(one.statements, own, outside)

    def run(self, exchange: Exchange, effects: Effects) -> Reply | None:
        """As `Step`."""
        if self._holds(exchange):
            effects.block = self.block
            for step in self._steps:
                reply = step.run(exchange, effects)
                if reply is not None:
                    return reply
        return None


def steps_of(statements: Iterable[Statement | If], own: Mapping[str, Value], outside: Block) -> tuple[Step, ...]:
    """The steps among STATEMENTS; the others are fields of a block."""
    found: list[Step] = []
    for one in statements:
        if isinstance(one, SetVariable):
            found.append(Assignment(one, own))
        elif isinstance(one, Answer):
            found.append(Return(one, own))
        elif isinstance(one, If):
            found.append(Branch(one, own, outside))
    return tuple(found)


def variable(name: str, key: object) -> Value:
    """The value of a snippet's own variable NAME, of the effects that are noted under KEY; empty before it is set."""

    def value(exchange: Exchange) -> bytes:
        effects = exchange.notes.get(key) if exchange.notes is not None else None
        return effects.variables.get(name, b"") if effects is not None else b""

    return value


def _test(one: If, own: Mapping[str, Value]) -> Callable[[Exchange], bool]:
    value = filler(one.value, own)
    negated = one.operator.startswith("!")
    if "~" in one.operator:
        pattern = compile_pattern(one.operand, ignore_case=one.operator.endswith("*"), anchored=False)
        return lambda exchange: (pattern.match(value(exchange)) is not None) != negated
    if one.operator:
        operand = filler(one.operand, own)
        return lambda exchange: (value(exchange) == operand(exchange)) != negated
    return lambda exchange: value(exchange) not in (b"", b"0")

"""The statements of a snippet, ready to run in the phases in which nginx's modules act.

Rules of this file:
- `set`, `if` and `return` act in a gate, in their order (ngx_http_rewrite_module). What they have come to stays with
  the exchange, for the fields of the request and of the response.
- A gate that answers before them leaves the fields outside of all `if`, and variables empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.exchange.texts import constant
from edge.data.http import replies
from edge.data.observe.formats import ROUTE
from edge.data.policies.blocks import Block
from edge.data.policies.fields import names
from edge.data.policies.statements import Branch, Effects, steps_of, variable
from edge.table.patterns.matching import PatternLimitError
from edge.table.policies.snippet import HideField, If, SetVariable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.data.exchange.exchange import Exchange
    from edge.data.exchange.variables import Value
    from edge.data.http._message import Message
    from edge.data.http.replies import Reply
    from edge.data.observe.formats import Named
    from edge.table.policies.snippet import Statement


class Script:
    """What STATEMENTS do.

    - `decides`, `asks`, `answers`: whether it has something to do as a gate, for the request, for the response.
    - `adds`: whether there is an `add_header` outside of all `if`.
    - `hidden`: names (lower case) of endpoints' fields that are not passed on. `sets`: of fields of the response that
      it sets, or may set.
    """

    def __init__(self, statements: tuple[Statement | If, ...], route: Mapping[str, Value] | None = None) -> None:
        """ROUTE: the values of variables that say what the route is."""
        own = {**(route or {}), **{name: variable(name, self) for name in _assigned(statements)}}
        self._outside = Block(statements, own, None)
        self._steps = steps_of(statements, own, self._outside)
        self._blocks = [self._outside, *(step.block for step in self._steps if isinstance(step, Branch))]
        self.decides = bool(self._steps)
        self.asks = any(block.request for block in self._blocks)
        self.answers = any(block.added or block.set for block in self._blocks)
        self.adds = bool(self._outside.added)
        self.sets = {field.key for block in self._blocks for field in block.set}
        self.hidden = names(one.name for one in statements if isinstance(one, HideField))

    def gate(self, exchange: Exchange) -> Reply | None:
        """Carry out the statements that act in their turn."""
        effects = Effects(self._outside)
        exchange.note(self, effects)
        try:
            for step in self._steps:
                reply = step.run(exchange, effects)
                if reply is not None:
                    return reply
        except PatternLimitError:
            return replies.plain(500)
        return None

    def edit(self, exchange: Exchange) -> None:
        """Write the fields of the request."""
        self._block(exchange).edit(exchange)

    def answer(self, exchange: Exchange, response: Message | None) -> None:
        """Write those of the response."""
        self._block(exchange).answer(exchange, response)

    def add_nothing(self) -> None:
        """Leave out what `add_header` adds, because the route has some of its own, as nginx inherits them."""
        for block in self._blocks:
            block.added = []

    def constant(self) -> tuple[bytes, list[bytes]] | None:
        """As `Block.constant`."""
        return self._outside.constant() if len(self._blocks) == 1 else None

    def _block(self, exchange: Exchange) -> Block:
        effects = exchange.notes.get(self) if exchange.notes is not None else None
        return effects.block if effects is not None else self._outside


def of_route(route: Named) -> dict[str, Value]:
    """The values of the variables that say what ROUTE is."""
    return {name: constant(value(route).encode()) for name, value in ROUTE.items()}


def _assigned(statements: tuple[Statement | If, ...]) -> set[str]:
    """Names of the variables that STATEMENTS set."""
    found = set()
    for one in statements:
        for inner in one.statements if isinstance(one, If) else (one,):
            if isinstance(inner, SetVariable):
                found.add(inner.name)
    return found

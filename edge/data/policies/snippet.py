"""Carries out the statements of a snippet, in the phases in which nginx's modules act.

Rules of this file:
- `set`, `if` and `return` act before all other gates, in their order (ngx_http_rewrite_module). What they have come to
  stays with the exchange, for the fields of the request and of the response.
- A gate that answers before them leaves the fields outside of all `if`, and variables empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.policies.blocks import Block
from edge.data.policies.statements import Branch, Effects, steps_of, variable
from edge.table.patterns.matching import PatternLimitError
from edge.table.policies.snippet import If, SetVariable

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Message
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import Snippet


def add(policy: Snippet, phases: Phases) -> None:
    """A gate, an edit of the request and one of the response: those that the statements need."""
    key = object()
    own = {name: variable(name, key) for name in _assigned(policy)}
    outside = Block(policy.statements, own, None)
    steps = steps_of(policy.statements, own, outside)
    blocks = [outside, *(step.block for step in steps if isinstance(step, Branch))]

    def gate(exchange: Exchange) -> Reply | None:
        effects = Effects(outside)
        exchange.note(key, effects)
        try:
            for step in steps:
                reply = step.run(exchange, effects)
                if reply is not None:
                    return reply
        except PatternLimitError:
            return replies.plain(500)
        return None

    def block_of(exchange: Exchange) -> Block:
        effects = exchange.notes.get(key) if exchange.notes is not None else None
        return effects.block if effects is not None else outside

    def edit(exchange: Exchange) -> None:
        block_of(exchange).edit(exchange)

    def answer(exchange: Exchange, response: Message | None) -> None:
        block_of(exchange).answer(exchange, response)

    if steps:
        phases.gates.append(gate)
    if any(block.request for block in blocks):
        phases.edits.append(edit)
    constant = outside.constant() if len(blocks) == 1 else None
    if constant is not None:
        fields, replaced = constant
        phases.fields += fields
        phases.replaced.extend(replaced)
    elif any(block.added or block.set for block in blocks):
        phases.answers.append(answer)


def _assigned(policy: Snippet) -> set[str]:
    """Names of the variables that statements of POLICY set."""
    found = set()
    for one in policy.statements:
        for inner in one.statements if isinstance(one, If) else (one,):
            if isinstance(inner, SetVariable):
                found.add(inner.name)
    return found

"""Gives the endpoint a path that is made of what a pattern matches, or redirects there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.net.errors import MessageError
from edge.table.paths import normalise_bytes
from edge.table.patterns.matching import Expansion, PatternLimitError, compile_pattern

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import RegexRewrite

FORWARDED_PREFIX = b"x-forwarded-prefix"


def add(policy: RegexRewrite, phases: Phases) -> None:
    """An edit of the request; a gate that lets nothing pass where the target is a URL."""
    pattern = compile_pattern(policy.pattern)
    target, prefix = Expansion(policy.target, pattern.groups), Expansion(policy.prefix, pattern.groups)

    def match(path: bytes) -> tuple[bytes, ...] | None:
        try:
            return pattern.match(normalise_bytes(path))
        except PatternLimitError as error:
            raise MessageError(500, "a pattern that takes too many steps") from error

    def gate(exchange: Exchange) -> Reply | None:
        path, mark, query = exchange.client.request.target.partition(b"?")
        groups = match(path)
        location = target.expand(groups if groups is not None else (b"",) * pattern.groups)
        return replies.redirect(302, location + mark + query)

    def edit(exchange: Exchange) -> None:
        outgoing = exchange.outgoing
        path, mark, query = outgoing.target.partition(b"?")
        groups = match(path)
        if groups is None:
            return
        changed = target.expand(groups)
        if not changed.startswith(b"/"):
            changed = b"/" + changed
        outgoing.target = changed + mark + query
        if policy.prefix:
            outgoing.message.hide(FORWARDED_PREFIX)
            outgoing.added += b"X-Forwarded-Prefix: " + prefix.expand(groups) + b"\r\n"

    if policy.target.startswith(("http://", "https://")):
        phases.gates.append(gate)
    else:
        phases.edits.append(edit)

"""Gives the endpoint a path that is made of what a pattern matches, or redirects there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.net.errors import MessageError
from edge.data.policies.steps import EditStep
from edge.table.paths import normal_path, path_of
from edge.table.patterns.matching import Expansion, PatternLimitError, compile_pattern

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import RegexRewrite

FORWARDED_PREFIX = b"x-forwarded-prefix"
SLASH = ord("/")


def add(policy: RegexRewrite, phases: Phases) -> None:
    """An edit of the request; a gate that lets nothing pass where the target is a URL."""
    rewriting = Rewriting(policy)
    if policy.target.startswith(("http://", "https://")):
        phases.gates.append(rewriting.gate)
    else:
        phases.edits.append(rewriting)


class Rewriting(EditStep):
    """What is made of the paths of requests."""

    def __init__(self, policy: RegexRewrite) -> None:
        self._pattern = compile_pattern(policy.pattern)
        self._target = Expansion(policy.target, self._pattern.groups)
        self._prefix = Expansion(policy.prefix, self._pattern.groups) if policy.prefix else None

    def gate(self, exchange: Exchange) -> Reply | None:
        """Redirect to the target, which is a URL."""
        target = exchange.client.request.target
        _, mark, query = target.partition(b"?")
        groups = self._match(target)
        location = self._target.expand(groups if groups is not None else (b"",) * self._pattern.groups)
        return replies.redirect(302, location + mark + query)

    def edit(self, exchange: Exchange) -> None:
        """Give the endpoint another path."""
        outgoing = exchange.outgoing
        target = outgoing.target
        groups = self._match(target)
        if groups is None:
            return
        path = path_of(target)
        changed = self._target.expand(groups)
        if not changed or changed[0] != SLASH:
            changed = b"/" + changed
        outgoing.target = changed if path is target else changed + target[len(path) :]
        if self._prefix is not None:
            outgoing.message.hide(FORWARDED_PREFIX)
            outgoing.added += b"X-Forwarded-Prefix: " + self._prefix.expand(groups) + b"\r\n"

    def _match(self, target: bytes) -> tuple[bytes, ...] | None:
        try:
            groups = self._pattern.match(normal_path(target))
        except PatternLimitError as error:
            raise MessageError(500, "a pattern that takes too many steps") from error
        return groups

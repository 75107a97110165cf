"""Gives the endpoint another host or path than the client asked for (Gateway API, HTTPURLRewriteFilter)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.policies.paths import changed_path

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.policies.phases import Phases
    from edge.table.policies import Rewrite


def add(policy: Rewrite, phases: Phases) -> None:
    """An edit of the request."""
    host, path = policy.host.encode(), policy.path

    def edit(exchange: Exchange) -> None:
        outgoing = exchange.outgoing
        if host:
            outgoing.host = host
        if path is not None:
            outgoing.target = changed_path(path, outgoing.target)

    phases.edits.append(edit)

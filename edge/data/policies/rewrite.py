"""Gives the endpoint another host or path than the client asked for (Gateway API, HTTPURLRewriteFilter)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.http._message import is_host
from edge.data.policies.paths import path_change

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.policies.phases import Phases
    from edge.table.policies import Rewrite


def add(policy: Rewrite, phases: Phases) -> None:
    """An edit of the request."""
    host = policy.host.encode()
    if host and not is_host(host):
        raise ValueError(f'"{policy.host}" is not a host')
    path = path_change(policy.path) if policy.path is not None else None

    def edit(exchange: Exchange) -> None:
        outgoing = exchange.outgoing
        if host:
            outgoing.host = host
        if path is not None:
            outgoing.target = path(outgoing.target)

    phases.edits.append(edit)

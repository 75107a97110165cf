"""Redirects the root of a host (ingress-nginx, app-root)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.http import replies

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import AppRoot


def add(policy: AppRoot, phases: Phases) -> None:
    """A gate that lets nothing pass: the route takes requests for the root alone."""
    path = policy.path.encode()

    def gate(exchange: Exchange) -> Reply | None:
        client = exchange.client
        if not client.host:
            return replies.plain(400)  # HTTP/1.0 without Host: there is nowhere to redirect to
        scheme = b"https://" if client.secure else b"http://"
        return replies.redirect(302, scheme + client.host + path)

    phases.gates.append(gate)

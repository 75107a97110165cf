"""Redirects plain http requests to https."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.http import replies

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import HttpsRedirect


def add(policy: HttpsRedirect, phases: Phases) -> None:
    """A gate."""
    status, keep = policy.status, policy.preserve_trailing_slash
    port = b":%d" % phases.resources.https_port if policy.with_port else b""

    def gate(exchange: Exchange) -> Reply | None:
        client = exchange.client
        if client.secure:
            return None
        if not client.host:
            return replies.plain(400)  # HTTP/1.0 without Host: there is nowhere to redirect to
        target = client.request.target
        if not keep and b"?" not in target:  # as ingress-nginx does it: a path before a query stays what it is
            target = target.removesuffix(b"/")
        return replies.redirect(status, b"https://" + replies.name_of(client.host) + port + target)

    phases.gates.append(gate)

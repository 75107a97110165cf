"""Answers every request of a route with a redirect (Gateway API, HTTPRequestRedirectFilter)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.http._message import is_host
from edge.data.policies.paths import path_change

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import Redirect

DEFAULT_PORTS = {b"http": 80, b"https": 443}


def add(policy: Redirect, phases: Phases) -> None:
    """A gate that lets nothing pass."""
    scheme, host = policy.scheme.encode(), policy.host.encode()
    if scheme and scheme not in DEFAULT_PORTS:
        raise ValueError(f'"{policy.scheme}" is neither http nor https')
    if host and not is_host(host):
        raise ValueError(f'"{policy.host}" is not a host')
    path = path_change(policy.path) if policy.path is not None else None

    def gate(exchange: Exchange) -> Reply | None:
        client = exchange.client
        to = scheme or (b"https" if client.secure else b"http")
        name = host or replies.name_of(client.host)
        if not name:
            return replies.plain(400)  # HTTP/1.0 without Host: there is nowhere to redirect to
        port = policy.port or (DEFAULT_PORTS[to] if scheme else client.port)
        authority = name if port == DEFAULT_PORTS.get(to) else name + b":%d" % port
        target = client.request.target
        if path is not None:
            target = path(target)
        return replies.redirect(policy.status, to + b"://" + authority + target)

    phases.gates.append(gate)

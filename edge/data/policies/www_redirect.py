"""Redirects from one name of a site to the other (ingress-nginx, from-to-www-redirect)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.http._message import is_host
from edge.table.policies import BodyLimit

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import WwwRedirect


def add(policy: WwwRedirect, phases: Phases) -> None:
    """A gate that lets nothing pass."""
    status, host = policy.status, policy.host.encode()
    if not is_host(host):
        raise ValueError(f'"{policy.host}" is not a host')

    def gate(exchange: Exchange) -> Reply | None:
        client = exchange.client
        scheme = b"https" if client.secure else b"http"
        # As ingress-nginx does it: the port always stands there, and the slash goes from a query, too.
        target = client.request.target.removesuffix(b"/")
        return replies.redirect(status, b"%b://%b:%d%b" % (scheme, host, client.port, target))

    phases.gates.append(gate)
    phases.body_limit = BodyLimit("", 0)  # of requests that are answered without their body, it holds for none

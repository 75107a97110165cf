"""Has an error backend answer in place of errors, and in place of a Service without endpoints.

Rules of this file:
- Whether an answer is replaced depends on its status alone. What the error backend answers is final: no answer of its
  own is replaced, and no check of a client is made or passed by it.

Source: nginx docs, error_page and proxy_intercept_errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.policies.errors import CHALLENGE, Errors
from edge.table.records import Transport

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Message
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import ErrorPages


def add(policy: ErrorPages, phases: Phases) -> None:
    """An intercept of endpoints' answers; the exchange itself reads the rest."""
    if phases.closed:
        return
    statuses = frozenset(policy.statuses)
    own = phases.balancer(policy.key, Transport()) if policy.key else None
    shared = phases.balancer(policy.shared, Transport()) if policy.shared and statuses else None
    phases.errors = Errors(statuses, own, shared, phases.owner)
    if not policy.of_endpoints or not statuses:
        return

    def intercept(exchange: Exchange, response: Message) -> Reply | None:  # noqa: ARG001 - the status says all
        if response.status not in statuses:
            return None
        challenge = response.get(CHALLENGE) if response.status == 401 else None
        line = b"WWW-Authenticate: " + challenge + b"\r\n" if challenge else b""
        return replies.plain(response.status, fields=line)

    phases.intercepts.append(intercept)

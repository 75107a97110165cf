"""Lets users in by name and password (RFC 7617)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.http.credentials import BusyError, user_and_password
from edge.data.http.passwords import Passwords
from edge.data.policies.fields import quoted

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import BasicAuth


def add(policy: BasicAuth, phases: Phases) -> None:
    """A check of the client, which may wait for a thread, and an edit."""
    credentials, passwords = phases.resources.credentials, Passwords(policy.users)
    challenge = replies.plain(401, fields=b"WWW-Authenticate: Basic realm=%s\r\n" % quoted(policy.realm))

    def gate(exchange: Exchange) -> Reply | None:
        given = user_and_password(exchange.client.request.get(b"authorization"))
        if given is None:
            return challenge
        try:
            return None if credentials.check(passwords, *given) else challenge
        except BusyError:
            return replies.UNAVAILABLE

    phases.check(gate)
    phases.edits.append(hide)


def hide(exchange: Exchange) -> None:
    """The endpoint gets no Authorization."""
    exchange.outgoing.message.hide(b"authorization")

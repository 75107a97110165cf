"""Lets users in by name and password (RFC 7617)."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.http.credentials import BusyError
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


def user_and_password(value: bytes | None) -> tuple[str, bytes] | None:
    """What VALUE, of the field Authorization, says by the scheme Basic; None: nothing."""
    scheme, _, encoded = (value or b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = b64decode(encoded.strip(), validate=True).partition(b":")
    except binascii.Error:
        return None
    return (user.decode("utf-8", "surrogateescape"), password) if colon else None

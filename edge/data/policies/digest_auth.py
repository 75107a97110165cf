"""Lets users in by Digest (RFC 7616).

The key of the nonces is derived from the users' Secret: all workers of all pods have the same one.
"""

from __future__ import annotations

import time
from hashlib import blake2b
from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.http.digest import Digest
from edge.data.policies.basic_auth import hide

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.policies.phases import Phases
    from edge.table.policies import DigestAuth


def add(policy: DigestAuth, phases: Phases) -> None:
    """A check of the client and an edit."""
    users = {(user, policy.realm): secret for user, secret in policy.users}
    key = blake2b(repr(sorted(policy.users)).encode("utf-8", "surrogateescape"), digest_size=32, person=b"edge-nonces")
    digest = Digest(policy.realm, users, key.digest())

    def gate(exchange: Exchange) -> Reply | None:
        request, now, stale = exchange.client.request, time.time(), False
        value = request.get(b"authorization")
        if value is not None:
            method, target = request.method.decode("latin-1"), request.target.decode("latin-1")
            verdict = digest.check(value.decode("utf-8", "surrogateescape"), method, target, now)
            if verdict.user is not None:
                return None
            stale = verdict.stale
        challenge = digest.challenge(now, stale=stale)
        return replies.plain(401, fields=f"WWW-Authenticate: {challenge}\r\n".encode("utf-8", "surrogateescape"))

    phases.check(gate)
    phases.edits.append(hide)

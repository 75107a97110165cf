"""Checks the certificate of the client, and describes it to the endpoint (ingress-nginx, auth-tls-*).

The certificate was verified in the handshake, by what the host of the TLS server name trusts. Here it is decided what
becomes of that, for the host that the request is for: they need not be the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from edge.data.http import replies
from edge.data.policies.fields import checked
from edge.table.patterns.matching import PatternLimitError, compile_pattern
from edge.table.policies.client_certificate import ClientVerification

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http.replies import Reply
    from edge.data.net.peers import Peer
    from edge.data.policies.phases import Phases
    from edge.table.policies import ClientCertificate

OF_UNKNOWN_AUTHORITIES: Final = frozenset((18, 19, 20, 21, 27))
"""X509_V_ERR_...: self-signed, or without an issuer that is trusted; what nginx lets pass with `optional_no_ca`."""
FIELDS: Final = (b"ssl-client-cert", b"ssl-client-verify", b"ssl-client-subject-dn", b"ssl-client-issuer-dn")


def add(policy: ClientCertificate, phases: Phases) -> None:
    """A gate, which also changes the request."""
    trust, with_certificate, plain = policy.trust, policy.pass_certificate, policy.plain
    required = policy.verification is ClientVerification.ON
    asked = policy.verification is not ClientVerification.OFF
    tolerated = OF_UNKNOWN_AUTHORITIES if policy.verification is ClientVerification.OPTIONAL_NO_CA else frozenset()
    if asked and not trust:
        raise ValueError("no authorities are named")
    subject = compile_pattern(policy.subject, ignore_case=False, anchored=False) if policy.subject else None
    page = None
    if policy.error_page:
        page = replace(replies.redirect(302, checked(policy.error_page).encode()), closes=True)
    bad, missing = page or replies.BAD_CERTIFICATE, page or replies.NO_CERTIFICATE

    def refusal(peer: Peer, *, secure: bool) -> Reply | None:
        if peer.trust == trust:
            if peer.fault and peer.fault not in tolerated:
                return bad
            if required and not peer.certificate:
                return missing
        elif asked and (peer.trust or peer.named):
            return replies.MISDIRECTED  # the handshake was for a host that asks for nothing, or for something else
        elif required and (peer.tls or secure or not plain):
            return missing
        if subject is None:
            return None
        try:
            found = peer.trust == trust and subject.match(peer.subject) is not None
        except PatternLimitError:
            found = False
        return None if found else replies.OTHER_CERTIFICATE

    def gate(exchange: Exchange) -> Reply | None:
        client, outgoing = exchange.client, exchange.outgoing
        reply = refusal(client.peer, secure=client.secure)
        if reply is None:  # described here, so that servers that later gates ask get it too
            for name in FIELDS:
                outgoing.message.hide(name)
            outgoing.added += lines(client.peer, trust, with_certificate=with_certificate)
        return reply

    phases.gates.append(gate)


def lines(peer: Peer, trust: str, *, with_certificate: bool) -> bytes:
    """The field lines that describe PEER to whom a host with TRUST asks. Empty fields are not sent."""
    if not peer.tls:
        return b""
    if peer.trust != trust or not peer.certificate:
        return b"ssl-client-verify: NONE\r\n"
    values = (peer.certificate if with_certificate else b"", peer.verify, peer.subject, peer.issuer)
    return b"".join(b"%b: %b\r\n" % field for field in zip(FIELDS, values, strict=True) if field[1])

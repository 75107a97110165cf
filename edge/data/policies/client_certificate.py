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
    phases.gates.append(Check(policy).gate)


class Check:
    """What a host asks of the certificates of its clients.

    Raises:
        ValueError: no authorities are named, or a field cannot have the URL of the error page.
    """

    def __init__(self, policy: ClientCertificate) -> None:
        verification = policy.verification
        self._required = verification is ClientVerification.ON
        self._asked = verification is not ClientVerification.OFF
        self._tolerated = OF_UNKNOWN_AUTHORITIES if verification is ClientVerification.OPTIONAL_NO_CA else frozenset()
        if self._asked and not policy.trust:
            raise ValueError("no authorities are named")
        self._trust, self._plain = policy.trust, policy.plain
        self._with_certificate = policy.pass_certificate
        self._subject = compile_pattern(policy.subject, ignore_case=False, anchored=False) if policy.subject else None
        page = None
        if policy.error_page:
            page = replace(replies.redirect(302, checked(policy.error_page).encode()), closes=True)
        self._bad, self._missing = page or replies.BAD_CERTIFICATE, page or replies.NO_CERTIFICATE

    def gate(self, exchange: Exchange) -> Reply | None:
        """Describe the certificate to the endpoint, and to the servers that later gates ask; or refuse the request."""
        client, outgoing = exchange.client, exchange.outgoing
        reply = self._refusal(client.peer, secure=client.secure)
        if reply is None:
            for name in FIELDS:
                outgoing.message.hide(name)
            outgoing.added += lines(client.peer, self._trust, with_certificate=self._with_certificate)
        return reply

    def _refusal(self, peer: Peer, *, secure: bool) -> Reply | None:
        if peer.trust == self._trust:
            if peer.fault and peer.fault not in self._tolerated:
                return self._bad
            if self._required and not peer.certificate:
                return self._missing
        elif self._asked and (peer.trust or peer.named):
            return replies.MISDIRECTED  # the handshake was for a host that asks for nothing, or for something else
        elif self._required and (peer.tls or secure or not self._plain):
            return self._missing
        return None if self._subject is None or self._fits(peer) else replies.OTHER_CERTIFICATE

    def _fits(self, peer: Peer) -> bool:
        """Whether the subject of PEER's certificate is one that the host lets in."""
        try:
            return (
                peer.trust == self._trust
                and self._subject is not None
                and self._subject.match(peer.subject) is not None
            )
        except PatternLimitError:
            return False


def lines(peer: Peer, trust: str, *, with_certificate: bool) -> bytes:
    """The field lines that describe PEER to the endpoints of a host with TRUST; fields without a value are left out."""
    if not peer.tls:
        return b""
    if peer.trust != trust or not peer.certificate:
        return b"ssl-client-verify: NONE\r\n"
    values = (peer.certificate if with_certificate else b"", peer.verify, peer.subject, peer.issuer)
    return b"".join(b"%b: %b\r\n" % field for field in zip(FIELDS, values, strict=True) if field[1])

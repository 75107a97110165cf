"""TLS to endpoints: the terms of a transport, compiled for connections.

Rules of this file:
- Terms are compiled with the plan of a route, so that a route whose terms cannot be applied is closed then, and a
  connection needs no look-up in the table.
- OpenSSL verifies the endpoint within the handshake, except URIs, which are compared after it (`subjects`). Nothing is
  sent to an endpoint that fails.
- A session is resumed only with the same endpoint and terms: each target has its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from edge.data.net._tls import keep_sessions
from edge.data.net.peers import certificate_of
from edge.data.net.private import OPENSSL
from edge.data.upstream.subjects import Subjects
from edge.system import openssl
from edge.table.reader import UnreadableError
from edge.table.records import Protocol, TlsMaterial

if TYPE_CHECKING:
    from edge.data.net._stream import Stream
    from edge.data.net._tls import Session
    from edge.table.reader import Part
    from edge.table.records import Tls, Transport

ALPN = {Protocol.HTTP1: ["http/1.1"], Protocol.HTTP2: ["h2"]}
"""The protocols that are offered by ALPN (RFC 7301). An endpoint without ALPN is accepted."""


class TermsError(ValueError):
    """The terms cannot be applied; the message says why."""


class EndpointTls:
    """TLS on the terms of one transport."""

    def __init__(self, terms: Tls, material: TlsMaterial, protocol: Protocol = Protocol.HTTP1) -> None:
        """MATERIAL is the one that TERMS name.

        Raises:
            TermsError: they cannot be applied.
        """
        try:
            context = openssl.client_context(least=terms.least, most=terms.most, ciphers=terms.ciphers)
            if terms.verify:
                openssl.trust(context, material.authorities)
            if material.chain:
                openssl.load(context, material.chain, material.key)
            if protocol in ALPN:
                context.set_alpn_protocols(ALPN[protocol])
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise TermsError(f"TLS to endpoints ({reason(error)})") from error
        OPENSSL.tune(context, client=True)
        if terms.verify and not OPENSSL.set_verify_depth(context, terms.depth):
            raise TermsError("TLS to endpoints: this Python does not let Edge verify their certificates")
        self._context = context
        self._address = OPENSSL.address(context)
        self._subjects = Subjects(terms.names, terms.uris) if terms.verify and terms.uris else None
        if self._subjects is not None and not self._address:
            raise TermsError("TLS to endpoints: this Python does not let Edge see the URIs in their certificates")
        if self._address:
            keep_sessions(self._address)
        self._server_name = terms.server_name.encode("idna" if not terms.server_name.isascii() else "ascii")
        verified = terms.names if terms.verify and self._subjects is None else ()
        self._names = tuple(name.encode() for name in verified)

    def begin(self, stream: Stream, session: Session) -> None:
        """Do the handshake on STREAM; SESSION is that of its endpoint.

        Raises:
            ssl.SSLError: it failed, or the endpoint's certificate is not what it must be.
            StreamError: the endpoint went away or was too slow.
        """
        try:
            stream.connect_tls(self._context, self._address, self._server_name, self._names, session)
            if self._subjects is not None:
                self._subjects.check(certificate_of(stream.tls_address))
        except BaseException:
            session.forget()  # it may be the reason
            raise


class TlsByTransport:
    """TLS on the terms of all transports that are in use in this worker."""

    def __init__(self, part: Part) -> None:
        """PART: that of the table which has the material."""
        self._part = part
        self._ready: WeakValueDictionary[Transport, EndpointTls] = WeakValueDictionary()

    def of(self, transport: Transport) -> EndpointTls | None:
        """The terms of TRANSPORT made ready; None: it has no TLS.

        Raises:
            TermsError: they cannot be applied.
        """
        if transport.tls is None:
            return None
        ready = self._ready.get(transport)
        if ready is None:
            material = self._material(transport.tls.material)
            ready = self._ready[transport] = EndpointTls(transport.tls, material, transport.protocol)
        return ready

    def _material(self, key: str) -> TlsMaterial:
        if not key:
            return TlsMaterial()
        try:
            found = self._part.get(key, TlsMaterial)
        except UnreadableError as error:
            raise TermsError(f"TLS to endpoints: {error}") from error
        if found is None:
            raise TermsError(f"TLS to endpoints: their certificates and keys ({key}) are not in the table")
        return found


def reason(error: Exception) -> str:
    """What ERROR says; `ssl.SSLError` hides a message without a number in a tuple."""
    return str(error.args[0] if len(error.args) == 1 else error)

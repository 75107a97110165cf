"""The server of `backends` over TLS, which says what it saw of each handshake."""

from __future__ import annotations

import os
import socket
import ssl
from typing import NamedTuple

from cryptography import x509

from tests.support import certificates
from tests.support.backends import Backend
from tests.support.certificates import Pair


class Handshake(NamedTuple):
    """One handshake. CLIENT: common name of the certificate that the client showed, empty: none."""

    server_name: str | None
    version: str | None
    cipher: str
    resumed: bool
    client: str


class TlsBackend(Backend):
    """Shows PAIR; with CLIENTS, an authority, every client has to show a certificate that it signed."""

    def __init__(
        self,
        pair: Pair | None = None,
        *,
        clients: Pair | None = None,
        least: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
        most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        name: str = "backend",
    ) -> None:
        self.handshakes: list[Handshake] = []
        """Those that were completed."""
        self.faults: list[str] = []
        """Why others were not."""
        self._names: dict[ssl.SSLObject, str | None] = {}
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version, self._context.maximum_version = least, most
        load(self._context, pair or certificates.self_signed("self.example"))
        if clients is not None:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(cadata=clients.certificate.decode())
        self._context.sni_callback = self._named
        super().__init__(name)

    def _named(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        connection.told = name  # type: ignore[attr-defined]

    def secured(self, sock: socket.socket) -> socket.socket:
        """As `Listener`."""
        try:
            secure = self._context.wrap_socket(sock, server_side=True)
        except (ssl.SSLError, OSError) as error:
            self.faults.append(getattr(error, "reason", None) or str(error))
            raise
        shown = secure.getpeercert(binary_form=True)
        client = x509.load_der_x509_certificate(shown).subject.rfc4514_string() if shown else ""
        cipher = secure.cipher()
        name = getattr(secure, "told", None)
        resumed = bool(secure.session_reused)
        self.handshakes.append(Handshake(name, secure.version(), cipher[0] if cipher else "", resumed, client))
        return secure


def load(context: ssl.SSLContext, pair: Pair) -> None:
    """Have CONTEXT show PAIR."""
    fd = os.memfd_create("pair")
    try:
        os.write(fd, pair.certificate + pair.key)
        context.load_cert_chain(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)

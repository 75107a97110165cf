"""TLS contexts: one for each certificate that clients are shown.

Rules of this file:
- The context is chosen before the handshake, from the ClientHello as it waits in the socket, so that everything that
  a context holds (versions, ciphers, certificate) is that host's.
- Contexts are made when they are first needed and kept in bounded number; one whose certificate has changed is
  replaced for the next handshake, and open connections keep the old one.
- What decides whether OpenSSL takes a certificate is in `edge.system.openssl`; the control plane judges by it too.
- A server name or certificate whose record cannot be read is not absent: no other certificate is shown instead.
"""

from __future__ import annotations

import logging
import ssl
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from edge.data.net.private import OPENSSL
from edge.system import openssl
from edge.table.reader import UnreadableError
from edge.table.records import (
    DEFAULT_CERTIFICATE,
    TICKETS,
    Certificate,
    ServerName,
    TicketKeys,
    server_name_key,
    wildcard_of,
)

if TYPE_CHECKING:
    from edge.table.reader import TableReader

MOST_CONTEXTS = 1000
MOST_NAMES = 4096
"""Server names whose certificate is remembered until certificates change."""
PROTOCOLS = ["h2", "http/1.1"]
"""Offered by ALPN (RFC 7301), the preferred first."""

logger = logging.getLogger(__name__)


class ServerContext(NamedTuple):
    """A context, and where OpenSSL has it (see `edge.data.net.private`)."""

    context: ssl.SSLContext
    address: int


class Contexts:
    """The contexts of this worker, by certificate."""

    def __init__(self, table: TableReader, *, http2: bool = True) -> None:
        """HTTP2: it is offered too."""
        self.http2 = http2
        self._table = table
        self._keys: dict[str, str] = {}
        self._generation = -1
        self._made: OrderedDict[str, tuple[Certificate, TicketKeys | None, ServerContext | None]] = OrderedDict()

    def choose(self, server_name: str) -> ServerContext | None:
        """The context for SERVER_NAME (lower case; empty: the client names none); None: there is no certificate yet.

        Raises:
            UnreadableError: it cannot be known which certificate is to be shown, or that one cannot be read.
        """
        table = self._table
        if table.changed():
            table.refresh()
        if table.tls.generation != self._generation or len(self._keys) > MOST_NAMES:
            self._generation = table.tls.generation
            self._keys.clear()
            self._forget()
        key = self._keys.get(server_name)
        if key is None:
            key = self._keys[server_name] = self._certificate_for(server_name)
        return self._context(key) or self._context(DEFAULT_CERTIFICATE)

    def _certificate_for(self, name: str) -> str:
        """Key of the certificate for server NAME: exact, then wildcard, then the default one."""
        for candidate in filter(None, (name, wildcard_of(name))):
            shown = self._table.tls.get(server_name_key(candidate), ServerName)
            if shown is not None:
                return shown.certificate
        return DEFAULT_CERTIFICATE

    def _context(self, key: str) -> ServerContext | None:
        certificate = self._table.tls.get(key, Certificate)
        if certificate is None:
            return None
        tickets = self._tickets()
        made = self._made.get(key)
        if made is None or made[0] is not certificate or made[1] is not tickets:
            context: ServerContext | None
            try:
                made_context = make_context(certificate, tickets, http2=self.http2)
                context = ServerContext(made_context, OPENSSL.address(made_context))
            except OSError as error:  # ssl.SSLError is one too
                logger.error("certificate %s cannot be used: %s", key, error)  # noqa: TRY400 - a user's certificate
                context = made[2] if made is not None else None
                if not isinstance(error, ssl.SSLError):
                    return context  # this process lacks something; the next handshake tries again
            self._made[key] = made = (certificate, tickets, context)
            if len(self._made) > MOST_CONTEXTS:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return made[2]

    def _tickets(self) -> TicketKeys | None:
        try:
            return self._table.tls.get(TICKETS, TicketKeys)
        except UnreadableError:
            return None  # nothing is lost but resumption at other workers

    def _is_gone(self, key: str) -> bool:
        try:
            return self._table.tls.get(key, Certificate) is None
        except UnreadableError:
            return False

    def _forget(self) -> None:
        """Drop the contexts, and so the keys, of certificates that are gone."""
        gone = [key for key in self._made if self._is_gone(key)]
        for key in gone:
            del self._made[key]


def make_context(certificate: Certificate, tickets: TicketKeys | None, *, http2: bool = True) -> ssl.SSLContext:
    """A context that shows CERTIFICATE and seals session tickets with the newest of TICKETS.

    Raises:
        ssl.SSLError: the certificate or its key is not usable.
    """
    context = openssl.server_context()
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(PROTOCOLS if http2 else PROTOCOLS[1:])
    context.num_tickets = 1
    OPENSSL.tune(context)
    openssl.load(context, certificate.chain, certificate.key)
    if tickets is not None and tickets.keys:
        OPENSSL.set_ticket_keys(context, tickets.keys[0])
    return context

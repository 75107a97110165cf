"""TLS contexts: one for each certificate, and for each host that has options of its own.

Rules of this file:
- The context is chosen before the handshake, from the ClientHello, so that everything that a context holds (versions,
  ciphers, certificate) is that host's.
- Contexts are made when they are first needed and kept in bounded number; one whose certificate has changed is
  replaced for the next handshake, and open connections keep the old one.
"""

from __future__ import annotations

import logging
import ssl
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING

from edge.data.accepting.context import NO_PARAMETERS, make_context
from edge.data.accepting.server_names import Keys, ServerNames
from edge.data.net.private import OPENSSL
from edge.table.parameters import TLS_PARAMETERS, TlsParameters
from edge.table.reader import UnreadableError
from edge.table.records import DEFAULT_CERTIFICATE, TICKETS, Certificate, TicketKeys, TlsOptions
from edge.table.streams import StreamRoute

if TYPE_CHECKING:
    from edge.settings import Settings
    from edge.table.parameters import Parameters
    from edge.table.reader import TableReader

MOST_CONTEXTS = 1000
MOST_NAMES = 4096
"""Server names whose certificate is remembered until certificates change."""

logger = logging.getLogger(__name__)


class ServerContext:
    """A context, and its address in OpenSSL (see `edge.data.net.private`)."""

    def __init__(self, context: ssl.SSLContext | None, address: int, trust: str = "", stream: str = "") -> None:
        self.context = context
        """None: TLS is not terminated here, but passed on by `stream`."""
        self.address = address
        self.trust = trust
        """The authorities that verify client certificates; empty: none is requested."""
        self.stream = stream
        """Key of the `StreamRoute` for the connection; empty: it is for HTTP."""


class Made:
    """A context and the records it was made of; None: they cannot be used."""

    def __init__(
        self,
        certificate: Certificate,
        tickets: TicketKeys | None,
        options: TlsOptions | None,
        parameters: TlsParameters,
        context: ServerContext | None,
    ) -> None:
        self.certificate = certificate
        self.tickets = tickets
        self.options = options
        self.parameters = parameters
        self.context = context

    def is_of(
        self, certificate: Certificate, tickets: TicketKeys | None, options: TlsOptions | None, common: TlsParameters
    ) -> bool:
        """Whether it was made of the same records."""
        same = self.certificate is certificate and self.tickets is tickets and self.options is options
        return same and self.parameters is common


class Contexts:
    """The contexts of this worker, by certificate and options."""

    def __init__(self, table: TableReader, *, http2: bool = True) -> None:
        """HTTP2: it is offered too."""
        self.http2 = http2
        self._table = table
        self._names = ServerNames(table)
        self._keys: dict[str, Keys] = {}
        """By server name."""
        self._scoped: dict[tuple[str, str], tuple[Keys, str] | None] = {}
        """By scope and server name: with the host name of the listener; None: no listener takes it."""
        self._generations = (-1, -1)
        self._common = NO_PARAMETERS
        """Records for all handshakes; if they cannot be read, the last good ones."""
        self._tickets: TicketKeys | None = None
        self._made: OrderedDict[tuple[str, str, bool], Made] = OrderedDict()
        """By keys of certificate and options, and whether HTTP is in it."""

    def tune(self, settings: Settings, parameters: Parameters) -> None:  # noqa: ARG002 - as all that goes by them
        """Use SETTINGS from now on."""
        if settings.use_http2 != self.http2:
            self.http2 = settings.use_http2
            self._made.clear()

    def choose(self, server_name: str) -> ServerContext | None:
        """The context for SERVER_NAME (lower case; empty: the client names none); None: there is no certificate yet.

        Raises:
            UnreadableError: the certificate cannot be determined, or cannot be read.
        """
        self._refresh()
        keys = self._keys.get(server_name)
        if keys is None:
            keys = self._keys[server_name] = self._names.find(server_name)
        return self._shown(keys)

    def _shown(self, keys: Keys) -> ServerContext | None:
        http = True
        if keys.stream:
            stream = self._table.routes.get(keys.stream, StreamRoute)
            if stream is None or not stream.terminate:
                return ServerContext(None, 0, stream=keys.stream)
            http = False
            keys = Keys(keys.certificate, "", keys.stream)
        shown = self._context(keys, http)
        if shown is None:
            shown = self._context(keys._replace(certificate=DEFAULT_CERTIFICATE), http)
        if http or shown is None:
            return shown
        return ServerContext(shown.context, shown.address, shown.trust, keys.stream)

    def choose_in(self, scope: str, server_name: str) -> tuple[ServerContext | None, str] | None:
        """As `choose` at the address of a Gateway, with the host name of the listener; None: no listener takes it.

        Raises:
            UnreadableError: as `choose`.
        """
        self._refresh()
        at = (scope, server_name)
        if at not in self._scoped:
            self._scoped[at] = self._names.listener(scope, server_name)
        found = self._scoped[at]
        return (self._shown(found[0]), found[1]) if found is not None else None

    def _refresh(self) -> None:
        """Read the newest table, and forget what may have changed."""
        table = self._table
        if table.changed():
            table.refresh()
        generations = table.tls.generation, table.routes.generation
        if generations != self._generations or max(len(self._keys), len(self._scoped)) > MOST_NAMES:
            if generations[0] != self._generations[0]:
                self._forget()
                self._read_common()
            self._generations = generations
            self._keys.clear()
            self._scoped.clear()
            self._names.refresh()

    def _context(self, keys: Keys, http: bool) -> ServerContext | None:
        key, options_key = keys.certificate, keys.options
        certificate = self._table.tls.get(key, Certificate)
        if certificate is None:
            return None
        options = self._table.tls.get(options_key, TlsOptions) if options_key else None
        tickets, common = self._tickets, self._common
        at = (key, options_key, http)
        made = self._made.get(at)
        if made is None or not made.is_of(certificate, tickets, options, common):
            context: ServerContext | None
            try:
                made_context = make_context(certificate, tickets, options, common, http2=self.http2, http=http)
                trust = options.trust if options is not None else ""
                context = ServerContext(made_context, OPENSSL.address(made_context), trust)
            except OSError as error:  # ssl.SSLError is one too
                logger.error("certificate %s cannot be used: %s", key, error)  # noqa: TRY400 - a user's certificate
                context = made.context if made is not None and made.options is options else None
                if not isinstance(error, ssl.SSLError):
                    return context  # this process lacks memory or descriptors; the next handshake tries again
            self._made[at] = made = Made(certificate, tickets, options, common, context)
            if len(self._made) > MOST_CONTEXTS:
                self._made.popitem(last=False)
        self._made.move_to_end(at)
        return made.context

    def _read_common(self) -> None:
        """Read the records for all handshakes; a missing one would be looked up at each of them."""
        try:
            self._tickets = self._table.tls.get(TICKETS, TicketKeys)
        except UnreadableError:
            self._tickets = None  # only resumption by other workers is lost
        with suppress(UnreadableError):
            self._common = self._table.tls.get(TLS_PARAMETERS, TlsParameters) or NO_PARAMETERS

    def rejects(self, server_name: str) -> bool:
        """Whether handshakes for SERVER_NAME, which no host has, are rejected."""
        self._refresh()
        return self._common.reject_unknown and self._names.is_unknown(server_name)

    def _is_gone(self, key: str) -> bool:
        try:
            return self._table.tls.get(key, Certificate) is None
        except UnreadableError:
            return False

    def _forget(self) -> None:
        """Drop the contexts, and so the keys, of certificates that are gone."""
        gone = [keys for keys in self._made if self._is_gone(keys[0])]
        for key in gone:
            del self._made[key]

"""TLS contexts: one for each certificate, and for each host that has options of its own.

Rules of this file:
- The context is chosen before the handshake, from the ClientHello, so that everything that a context holds (versions,
  ciphers, certificate) is that host's.
- Contexts are made when they are first needed and kept in bounded number; one whose certificate has changed is
  replaced for the next handshake, and open connections keep the old one.
- The settings that decide whether OpenSSL accepts a certificate are in `edge.system.openssl`; the control plane uses
  them too.
- A server name or certificate whose record cannot be read is not absent: no other certificate is shown instead. If it
  is the host's own record, no client certificate is requested, and requests are refused for lack of one.
- For a server name with a stream TLS is passed on, or terminated without HTTP in it. If the table has no such name,
  none is looked up.
- Session tickets of a host with options are encrypted with keys of these options, so that no other host resumes them: a
  certificate that was verified for one host is not valid for another.
"""

from __future__ import annotations

import hashlib
import logging
import ssl
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from edge.data.net import peers
from edge.data.net.private import OPENSSL, TICKET_KEYS_SIZE
from edge.data.routing.host_names import HostNames
from edge.system import openssl
from edge.table.parameters import TLS_PARAMETERS, TlsParameters
from edge.table.reader import UnreadableError
from edge.table.records import (
    DEFAULT_CERTIFICATE,
    TICKETS,
    Certificate,
    Host,
    ServerName,
    TicketKeys,
    TlsOptions,
    hosts_over,
    scoped,
    server_name_key,
    tls_options_key,
    wildcard_of,
)
from edge.table.streams import SERVER_STREAMS, ServerStreams, StreamRoute, server_stream_key

if TYPE_CHECKING:
    from edge.settings import Settings
    from edge.table.parameters import Parameters
    from edge.table.reader import TableReader

MOST_CONTEXTS = 1000
MOST_NAMES = 4096
"""Server names whose certificate is remembered until certificates change."""
SESSION_SIZE = 256
"""Bytes that are counted for a session in the cache: nginx, too, has about 4000 sessions in a megabyte."""
NO_PARAMETERS = TlsParameters()
PROTOCOLS = ["h2", "http/1.1"]
"""Offered by ALPN (RFC 7301), the preferred first."""

logger = logging.getLogger(__name__)


class ServerContext(NamedTuple):
    """A context, and its address in OpenSSL (see `edge.data.net.private`)."""

    context: ssl.SSLContext | None
    """None: TLS is not terminated here, but passed on by `stream`."""
    address: int
    trust: str = ""
    """The authorities that verify client certificates; empty: none is requested."""
    stream: str = ""
    """Key of the `StreamRoute` for the connection; empty: it is for HTTP."""


class Keys(NamedTuple):
    """The keys of the records of a server name, which may be empty."""

    certificate: str
    options: str = ""
    stream: str = ""


class Made(NamedTuple):
    """A context and the records it was made of; None: they cannot be used."""

    certificate: Certificate
    tickets: TicketKeys | None
    options: TlsOptions | None
    parameters: TlsParameters
    context: ServerContext | None

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
        self._names = HostNames(table)
        self._keys: dict[str, Keys] = {}
        """By server name."""
        self._scoped: dict[tuple[str, str], tuple[Keys, str] | None] = {}
        """By scope and server name: with the host name of the listener; None: no listener takes it."""
        self._streaming: frozenset[str] = frozenset()
        """Scopes in which server names may have streams."""
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
            stream = self._stream_for(server_name) if self._streaming else ""
            keys = Keys(self._certificate_for(server_name), self._options_for(server_name), stream)
            self._keys[server_name] = keys
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
        return shown if http or shown is None else shown._replace(stream=keys.stream)

    def _stream_for(self, name: str) -> str:
        """Key of the stream of server NAME at our own addresses; empty: a host or a certificate is more specific."""
        table = self._table
        if "" not in self._streaming:
            return ""
        for candidate in hosts_over(name):
            key = server_stream_key(candidate)
            if table.routes.get(key, StreamRoute) is not None:
                return key
            if table.routes.get(candidate, Host) is not None:
                return ""
            if candidate and table.tls.get(server_name_key(candidate), ServerName) is not None:
                return ""
        return ""

    def _options_for(self, name: str) -> str:
        """Key of the options of the host of server NAME; empty: it has none."""
        try:
            for candidate in self._names.records_for(name):
                host = self._table.routes.get(candidate, Host)
                if host is not None:
                    return tls_options_key(host.name) if host.tls_options else ""
        except UnreadableError:
            pass  # its routes are closed
        return ""

    def choose_in(self, scope: str, server_name: str) -> tuple[ServerContext | None, str] | None:
        """As `choose` at the address of a Gateway, with the host name of the listener; None: no listener takes it.

        Raises:
            UnreadableError: as `choose`.
        """
        self._refresh()
        at = (scope, server_name)
        if at not in self._scoped:
            self._scoped[at] = self._listener_for(scope, server_name)
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
            streams = table.routes.get(SERVER_STREAMS, ServerStreams)
            self._streaming = frozenset(streams.scopes) if streams is not None else frozenset()

    def _listener_for(self, scope: str, name: str) -> tuple[Keys, str] | None:
        """What the most specific listener of SCOPE that takes NAME does."""
        streaming = scope in self._streaming
        candidates = list(hosts_over(name))
        for number, candidate in enumerate(candidates):
            key = server_stream_key(scoped(scope, candidate))
            stream = self._table.routes.get(key, StreamRoute) if streaming else None
            if stream is not None:
                # The stream has the hosts of its route; the certificate is that of the listener.
                above = (self._server_name(scope, one) for one in candidates[number:])
                shown = next((one for one in above if one is not None), None)
                return Keys(shown.certificate if shown is not None else DEFAULT_CERTIFICATE, stream=key), candidate
            shown = self._server_name(scope, candidate)
            if shown is not None:
                return self._keys_of(scope, shown)
        return None

    def _server_name(self, scope: str, host: str) -> ServerName | None:
        return self._table.tls.get(server_name_key(scoped(scope, host)), ServerName)

    def _keys_of(self, scope: str, shown: ServerName) -> tuple[Keys, str] | None:
        """The keys of a listener for HTTP; None: it is one for streams, and none takes the name."""
        at = scoped(scope, shown.host)
        if self._table.routes.get(at, Host) is None:
            return None
        # If the options of the listener cannot be read, this raises: client certificates might be required.
        options = tls_options_key(at)
        return Keys(
            shown.certificate, options if self._table.tls.get(options, TlsOptions) is not None else ""
        ), shown.host

    def _certificate_for(self, name: str) -> str:
        """Key of the certificate for server NAME: exact, then wildcard, then the default one."""
        for candidate in filter(None, (name, wildcard_of(name))):
            shown = self._table.tls.get(server_name_key(candidate), ServerName)
            if shown is not None:
                return shown.certificate
        return DEFAULT_CERTIFICATE

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
        return self._common.reject_unknown and self._is_unknown(server_name)

    def _is_unknown(self, server_name: str) -> bool:
        try:
            named = any(name and self._has_host(name) for name in self._names.records_for(server_name))
        except UnreadableError:
            return False  # its routes are closed
        return not named and self._certificate_for(server_name) == DEFAULT_CERTIFICATE

    def _has_host(self, name: str) -> bool:
        return self._table.routes.get(name, Host) is not None

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


def make_context(
    certificate: Certificate,
    tickets: TicketKeys | None,
    options: TlsOptions | None = None,
    common: TlsParameters = NO_PARAMETERS,
    *,
    http2: bool = True,
    http: bool = True,
) -> ssl.SSLContext:
    """A context that shows CERTIFICATE and seals session tickets with the newest of TICKETS, with the OPTIONS of a host
    over the COMMON ones. Without HTTP no ALPN protocol is chosen.

    Raises:
        ssl.SSLError: the certificate or its key is not usable.
        OSError: this process lacks something.
    """
    context = openssl.server_context()
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    if http:
        context.set_alpn_protocols(PROTOCOLS if http2 else PROTOCOLS[1:])
    context.num_tickets = 1
    OPENSSL.tune(context)
    OPENSSL.prefer_suite(context, openssl.FIRST_SUITE)
    if common is not NO_PARAMETERS:
        _apply_common(context, common)
    openssl.load(context, certificate.chain, certificate.key)
    keys = common.ticket_key or (tickets.keys[0] if tickets is not None and tickets.keys else b"")
    if options is not None:
        _apply(context, options)
        keys = _own_keys(keys, options) if keys else b""
    if keys:
        OPENSSL.set_ticket_keys(context, keys)
    return context


def _apply_common(context: ssl.SSLContext, common: TlsParameters) -> None:
    context.minimum_version = ssl.TLSVersion(common.least)
    context.maximum_version = ssl.TLSVersion(common.most)
    if common.ciphers:
        context.set_ciphers(common.ciphers)
    if common.curves:
        OPENSSL.set_curves(context, openssl.curves(common.curves))
    if common.dh_parameters:
        openssl.load_dh_parameters(context, common.dh_parameters)
    keeps = common.session_cache and not common.tickets
    OPENSSL.keep_sessions(
        context, common.session_cache_size // SESSION_SIZE if keeps else 0, int(common.session_timeout)
    )
    if keeps:  # clients that close without an alert may resume their sessions; HTTP detects truncated messages itself
        context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF
    if not common.tickets:
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 1 if keeps else 0  # in TLS 1.3 the identifier of a cached session is sent as a ticket


def _apply(context: ssl.SSLContext, options: TlsOptions) -> None:
    if options.ciphers:
        context.set_ciphers(options.ciphers)
    if not options.server_order:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if options.trust:
        openssl.trust_clients(context, options.authorities, options.revoked)
        if options.required:
            context.verify_mode = ssl.CERT_REQUIRED
    if options.trust and not options.required:
        peers.ask(context, context.get_ca_certs(binary_form=True), options.depth)
    peers.keep_sessions_apart(context, _identity(options))


def _identity(options: TlsOptions) -> str:
    return f"{options.trust}|{options.ciphers}|{options.server_order}"


def _own_keys(keys: bytes, options: TlsOptions) -> bytes:
    """Ticket keys for OPTIONS alone, the same in each worker; KEYS are those of all hosts."""
    return hashlib.shake_256(keys + _identity(options).encode()).digest(TICKET_KEYS_SIZE)

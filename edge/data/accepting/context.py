"""A TLS context made of records: a certificate, keys of session tickets, options of a host, parameters of all hosts.

Rules of this file:
- The settings that decide whether OpenSSL accepts a certificate are in `edge.system.openssl`; the control plane uses
  them too.
- Session tickets of a host with options are encrypted with keys of these options, so that no other host resumes them: a
  certificate that was verified for one host is not valid for another.
"""

from __future__ import annotations

import hashlib
import ssl
from typing import TYPE_CHECKING

from edge.data.net import peers
from edge.data.net.private import OPENSSL, TICKET_KEYS_SIZE
from edge.system import openssl
from edge.table.parameters import TlsParameters

if TYPE_CHECKING:
    from edge.table.records import Certificate, TicketKeys, TlsOptions

SESSION_SIZE = 256
"""Bytes that are counted for a session in the cache: nginx, too, has about 4000 sessions in a megabyte."""
NO_PARAMETERS = TlsParameters()
PROTOCOLS = ["h2", "http/1.1"]
"""Offered by ALPN (RFC 7301), the preferred first."""


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

"""Records for TLS handshakes of clients."""

from __future__ import annotations

from edge.table.record import Record

DEFAULT_CERTIFICATE = "c:"
"""Key of the certificate that is shown when no `ServerName` matches, in the tls part."""
TLS_OPTIONS = "o:"
"""Begins the keys of `TlsOptions` records."""
TICKETS = "t:"
"""Key of the `TicketKeys` record, in the tls part."""


class Certificate(Record, frozen=True):
    """Key material of one Secret. Key: `certificate_key(namespace, name)`; the default certificate has key `c:`."""

    namespace: str
    name: str
    chain: bytes
    """PEM, leaf first."""
    key: bytes
    """PEM."""
    not_after: float = 0.0
    """Expiry of the leaf, Unix seconds."""
    serial: str = ""
    common_name: str = ""
    issuer: str = ""


def certificate_key(namespace: str, name: str) -> str:
    """Key of a `Certificate` record in the tls part."""
    return f"c:{namespace}/{name}"


class ServerName(Record, frozen=True):
    """Which certificate is shown for one TLS server name. Key: `server_name_key(scoped(scope, host))`."""

    host: str
    certificate: str
    """Key of the `Certificate` record."""
    scope: str = ""
    """As `Host.scope`; with one, `host` is the host name of the listener."""


def server_name_key(host: str) -> str:
    """Key of a `ServerName` record in the tls part; HOST may be a wildcard."""
    return f"h:{host}"


class TlsOptions(Record, frozen=True):
    """Options of the handshakes of one host. Key: `tls_options_key(name)`, by the name of its `Host` record, or
    by the scope and the host name of a listener."""

    trust: str = ""
    """Name of the trust that verifies client certificates; the policy of the host's routes compares it. Empty: no
    certificate is requested."""
    authorities: bytes = b""
    """PEM: the certificates of authorities that are trusted."""
    revoked: bytes = b""
    """PEM: lists of revoked certificates; empty: revocation is not checked."""
    depth: int = 1
    """Certificates that may stand between that of a client and that of an authority."""
    ciphers: str = ""
    """Of TLS 1.2, as ciphers(1) writes them; empty: those of all hosts."""
    server_order: bool = True
    """Whether the order of ciphers is that of the server."""
    required: bool = False
    """Whether the handshake fails without a certificate that verifies; else the policy of the routes decides."""


def tls_options_key(name: str) -> str:
    """Key of a `TlsOptions` record in the tls part; NAME is that of the `Host` record."""
    return f"{TLS_OPTIONS}{name}"


class TicketKeys(Record, frozen=True):
    """Keys with which every worker encrypts TLS session tickets, newest first. Key: `TICKETS`."""

    keys: tuple[bytes, ...] = ()
    """Each 80 bytes, as SSL_CTX_set_tlsext_ticket_keys takes them."""
    rotated: float = 0.0
    """When the newest was made, Unix seconds."""

"""The transport to an endpoint: protocol and TLS."""

from __future__ import annotations

import hashlib
from enum import IntEnum

from edge.table.record import Record

TLS_1_2 = 0x0303
TLS_1_3 = 0x0304
"""Versions of TLS, as its messages have them (RFC 8446, section 4.2.1)."""
MATERIAL = "m:"
"""Begins the key of a `TlsMaterial` record, in the tls part."""


class Protocol(IntEnum):
    """The protocol of an endpoint."""

    HTTP1 = 0
    """HTTP/1.1."""
    HTTP2 = 1
    """HTTP/2 (RFC 9113), without TLS with prior knowledge, with TLS by ALPN. It does not depend on the client's
    protocol, and is sufficient for gRPC."""
    FASTCGI = 2
    """FastCGI 1.0, as a responder. The parameters are those of the policy `FastCgi`."""
    BYTES = 3
    """What a stream carries; TLS offers nothing by ALPN. Only streams have it."""


class Tls(Record, frozen=True):
    """The terms of TLS to an endpoint."""

    server_name: str = ""
    """Sent to the endpoint (RFC 6066, section 3); empty: none is."""
    verify: bool = False
    """Whether the endpoint's certificate must be valid: signed by one of the authorities, in date, for a name below."""
    names: tuple[str, ...] = ()
    """Host names, one of which a verified certificate must have (RFC 9525); none: any is accepted."""
    uris: tuple[str, ...] = ()
    """URIs such as SPIFFE IDs, which are accepted like `names`."""
    depth: int = 100
    """Most certificates between the endpoint's and the authority's (SSL_CTX_set_verify_depth(3))."""
    least: int = TLS_1_2
    most: int = TLS_1_3
    """Versions of TLS, both included."""
    ciphers: str = ""
    """Of TLS 1.2, in OpenSSL's form; empty: OpenSSL's default."""
    material: str = ""
    """Key of the `TlsMaterial` record; empty: no certificate is shown, and the system's authorities are trusted."""


class Transport(Record, frozen=True):
    """Protocol and TLS to an endpoint. Idle connections serve requests with the same address and the same transport."""

    protocol: Protocol = Protocol.HTTP1
    tls: Tls | None = None
    """None: in the clear."""


class TlsMaterial(Record, frozen=True):
    """What connections to endpoints verify certificates by, and what they show. Key: `material_key(...)` of its fields.

    Another content has another key, so that a connection made by one is never used by another.
    """

    authorities: bytes = b""
    """Certificates of those that are trusted, PEM; empty: the system's."""
    chain: bytes = b""
    """The client certificate, leaf first, PEM; empty: none is shown."""
    key: bytes = b""
    """PEM."""


def material_key(authorities: bytes, chain: bytes, key: bytes) -> str:
    """Key of a `TlsMaterial` record in the tls part."""
    digest = hashlib.blake2b(digest_size=16)
    for field in (authorities, chain, key):
        digest.update(len(field).to_bytes(8, "big") + field)
    return f"{MATERIAL}{digest.hexdigest()}"

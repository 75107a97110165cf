"""TLS contexts as workers make them: the settings that decide which certificates OpenSSL accepts. The control plane
checks each certificate with such a context before it publishes it, so that workers accept the same ones.
"""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CIPHERS = (
    # Level 2 refuses keys of less than 112 bits of security, and SHA-1, anywhere in a chain
    # (SSL_CTX_set_security_level(3)). It is Python's own default, and named so that no other build decides otherwise.
    "@SECLEVEL=2:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384"
)
"""Of TLS 1.2: the default of ingress-nginx (Mozilla's intermediate profile)."""
FIRST_SUITE = "TLS_AES_128_GCM_SHA256"
"""Of TLS 1.3: the first of the same profile, where OpenSSL has AES with 256 bits and SHA-384 first. A handshake makes
some thirty digests, and many processors have instructions for SHA-256, but none for SHA-384."""


NIST_CURVES = {"P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1"}
"""Names of curves by NIST, as OpenSSL's objects have them."""


def server_context() -> ssl.SSLContext:
    """A context of a server without a certificate: TLS 1.2 and 1.3 with `CIPHERS`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    return context


def client_context(*, least: int, most: int, ciphers: str) -> ssl.SSLContext:
    """A context of a client that verifies nothing: versions from LEAST to MOST, with CIPHERS of TLS 1.2 (empty:
    OpenSSL's default).

    Raises:
        ssl.SSLError: OpenSSL knows none of CIPHERS.
        ValueError: it does not speak such a version.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF  # as in nginx: many servers end connections without close_notify
    context.minimum_version = ssl.TLSVersion(least)
    context.maximum_version = ssl.TLSVersion(most)
    context.set_ciphers(ciphers or "DEFAULT")
    return context


def knows_ciphers(text: str) -> bool:
    """Whether TEXT is a list of ciphers of TLS 1.2, of which OpenSSL knows one."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ciphers(text)
    except ssl.SSLError:
        return False
    return True


def curves(text: str) -> list[str]:
    """The names of the curves in TEXT, with colons between them, as OpenSSL's objects have them."""
    return [NIST_CURVES.get(name, name) for name in text.split(":")]


def knows_curves(text: str) -> bool:
    """Whether OpenSSL knows all curves in TEXT."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        for name in curves(text):
            context.set_ecdh_curve(name)
    except (ssl.SSLError, ValueError):
        return False
    return True


def load_dh_parameters(context: ssl.SSLContext, parameters: bytes) -> None:
    """Have CONTEXT use PARAMETERS of Diffie-Hellman, PEM.

    Raises:
        ssl.SSLError: they cannot be read.
        OSError: this process lacks something.
    """
    _with_file(parameters, context.load_dh_params)


def takes_dh_parameters(parameters: bytes) -> bool:
    """Whether OpenSSL takes PARAMETERS."""
    try:
        load_dh_parameters(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), parameters)
    except ssl.SSLError:
        return False
    return True


def trust(context: ssl.SSLContext, authorities: bytes) -> None:
    """Have CONTEXT verify certificates of its peers by AUTHORITIES, PEM (empty: those of the system).

    Raises:
        ssl.SSLError: there is no certificate among them, or one cannot be read.
    """
    if authorities:
        context.load_verify_locations(cadata=authorities.decode("ascii", "replace"))
    else:
        context.set_default_verify_paths()
    context.verify_mode = ssl.CERT_REQUIRED


def load(context: ssl.SSLContext, chain: bytes, key: bytes) -> None:
    """Have CONTEXT show the certificate in CHAIN with KEY, both PEM.

    The library wants a file: it gets an anonymous one in memory, so key material touches no disk.

    Raises:
        ssl.SSLError: the certificate or its key is not usable.
        OSError: this process lacks something.
    """
    _with_file(chain + b"\n" + key, lambda path: context.load_cert_chain(path, password=""))


def trust_clients(context: ssl.SSLContext, authorities: bytes, revoked: bytes) -> None:
    """Have CONTEXT verify certificates that it asks for by AUTHORITIES, and refuse those that are REVOKED, both PEM.

    Raises:
        ssl.SSLError: one of them cannot be read.
        OSError: this process lacks something.
    """
    _with_file(authorities + b"\n" + revoked, context.load_verify_locations)
    if revoked:
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN


def _with_file(content: bytes, use: Callable[[str], object]) -> None:
    fd = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        os.write(fd, content)
        use(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)

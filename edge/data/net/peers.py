"""The peer of a TLS connection: its certificate, and OpenSSL's verification of it.

Rules of this file:
- It is read once, after the handshake, and only if the context requested a certificate.
- OpenSSL continues after a failed verification (`accept_any`): each request is then answered by HTTP according to the
  result. Possession of the key is proven in any case.
- Names, values and order are those of nginx's variables ($ssl_client_verify, $ssl_client_s_dn, $ssl_client_i_dn,
  $ssl_client_escaped_cert), which applications behind ingress-nginx read.
"""

from __future__ import annotations

import ctypes
import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote

from edge.data.net._tls import accept_any_certificate
from edge.data.net.private import OPENSSL

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence

_VERIFY_PEER: Final = 1
_RFC2253: Final = 0x1110317
"""XN_FLAG_RFC2253: the names of RFC 2253, the last attribute first."""
_INFO: Final = 3
"""BIO_CTRL_INFO: the address of the text of a BIO in memory."""
RESUMABLE: Final = 600
"""Seconds for which a session with a client's certificate can be resumed; ingress-nginx has the same."""


class Peer(NamedTuple):
    """The client of a connection.

    - `tls`: the connection has TLS. `named`: the client sent a server name (SNI).
    - `trust`: the trust with which its certificate was requested and verified; empty: none was requested.
    - `fault`: of the verification (X509_V_ERR_...), 0: none.
    - `verify`, `subject`, `issuer`, `certificate`: as nginx's variables; `certificate` is empty if it sent none.
    """

    tls: bool = False
    named: bool = False
    trust: str = ""
    fault: int = 0
    verify: bytes = b""
    subject: bytes = b""
    issuer: bytes = b""
    certificate: bytes = b""


PLAIN: Final = Peer()
"""A client that does not speak TLS."""
NAMED: Final = Peer(tls=True, named=True, verify=b"NONE")
UNNAMED: Final = Peer(tls=True, verify=b"NONE")


class _Functions:
    """Functions of OpenSSL with their types."""

    def __init__(self) -> None:
        pointer, number, text = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
        size = ctypes.c_long
        self.set_verify = OPENSSL.function("SSL_CTX_set_verify", None, pointer, number, pointer)
        self.set_depth = OPENSSL.function("SSL_CTX_set_verify_depth", None, pointer, number)
        self.set_session_id = OPENSSL.function("SSL_CTX_set_session_id_context", number, pointer, text, ctypes.c_uint)
        self.set_timeout = OPENSSL.function("SSL_CTX_set_timeout", size, pointer, size)
        self.add_authority = OPENSSL.function("SSL_CTX_add_client_CA", number, pointer, pointer)
        self.decode = OPENSSL.function("d2i_X509", pointer, pointer, ctypes.POINTER(text), size)
        self.certificate = OPENSSL.function("SSL_get1_peer_certificate", pointer, pointer)
        self.encode = OPENSSL.function("i2d_X509", number, pointer, pointer)
        self.free_certificate = OPENSSL.function("X509_free", None, pointer)
        self.result = OPENSSL.function("SSL_get_verify_result", size, pointer)
        self.words = OPENSSL.function("X509_verify_cert_error_string", text, size)
        self.subject = OPENSSL.function("X509_get_subject_name", pointer, pointer)
        self.issuer = OPENSSL.function("X509_get_issuer_name", pointer, pointer)
        self.print_name = OPENSSL.function("X509_NAME_print_ex", number, pointer, pointer, number, ctypes.c_ulong)
        self.write = OPENSSL.function("PEM_write_bio_X509", number, pointer, pointer)
        self.memory = OPENSSL.function("BIO_new", pointer, pointer)
        self.memory_kind = OPENSSL.function("BIO_s_mem", pointer)
        self.control = OPENSSL.function("BIO_ctrl", size, pointer, number, size, ctypes.POINTER(pointer))
        self.free_memory = OPENSSL.function("BIO_free", number, pointer)


_functions: _Functions | None = None


def _openssl() -> _Functions:
    global _functions  # noqa: PLW0603 - made when the first host asks for certificates
    if _functions is None:
        _functions = _Functions()
    return _functions


def ask(context: ssl.SSLContext, authorities: Sequence[bytes], depth: int) -> None:
    """Make CONTEXT request certificates from clients and verify them; a chain may have DEPTH certificates between.
    AUTHORITIES (DER) are sent to the client, so that it can choose; the trusted ones are in CONTEXT already.

    Raises:
        OSError: this Python does not allow it.
    """
    address = OPENSSL.address(context)
    if not address:
        raise OSError("client certificates need OpenSSL below Python's ssl, which cannot be reached here")
    openssl = _openssl()
    for der in authorities:
        decoded = openssl.decode(None, ctypes.byref(ctypes.c_char_p(der)), len(der))
        openssl.add_authority(address, decoded)
        openssl.free_certificate(decoded)
    openssl.set_depth(address, depth)
    openssl.set_timeout(address, RESUMABLE)
    openssl.set_verify(address, _VERIFY_PEER, accept_any_certificate())


def keep_sessions_apart(context: ssl.SSLContext, name: str) -> None:
    """Sessions of CONTEXT are resumed by contexts with the same NAME only."""
    address = OPENSSL.address(context)
    if address:
        digest = hashlib.sha256(name.encode()).digest()
        _openssl().set_session_id(address, digest, len(digest))


def peer_of(address: int, trust: str, *, named: bool) -> Peer:
    """The peer of the connection whose `SSL` is at ADDRESS, after its handshake by TRUST."""
    openssl = _openssl()
    certificate = openssl.certificate(address) if address else None
    if not certificate:
        return Peer(tls=True, named=named, trust=trust, verify=b"NONE")
    try:
        fault = openssl.result(address)
        subject, issuer = openssl.subject(certificate), openssl.issuer(certificate)
        pem = _text(openssl, lambda memory: openssl.write(memory, certificate))
        return Peer(
            tls=True,
            named=named,
            trust=trust,
            fault=fault,
            verify=b"FAILED:" + openssl.words(fault) if fault else b"SUCCESS",
            subject=_text(openssl, lambda memory: openssl.print_name(memory, subject, 0, _RFC2253)),
            issuer=_text(openssl, lambda memory: openssl.print_name(memory, issuer, 0, _RFC2253)),
            certificate=quote(pem, safe="").encode(),
        )
    finally:
        openssl.free_certificate(certificate)


def certificate_of(address: int) -> bytes:
    """The certificate (DER) that the peer of the connection whose `SSL` is at ADDRESS has shown; empty: none."""
    openssl = _openssl()
    certificate = openssl.certificate(address) if address else None
    if not certificate:
        return b""
    try:
        size = openssl.encode(certificate, None)
        buffer = ctypes.create_string_buffer(max(size, 0))
        end = ctypes.c_char_p(ctypes.addressof(buffer))  # it is moved to the end of the text
        return buffer.raw if openssl.encode(certificate, ctypes.byref(end)) == size else b""
    finally:
        openssl.free_certificate(certificate)


def _text(openssl: _Functions, write: Callable[[int], object]) -> bytes:
    """The text that WRITE writes into a BIO in memory."""
    memory = openssl.memory(openssl.memory_kind())
    if not memory:
        raise MemoryError
    try:
        write(memory)
        start = ctypes.c_void_p()
        size = openssl.control(memory, _INFO, 0, ctypes.byref(start))
        return ctypes.string_at(start, size) if size > 0 and start.value else b""
    finally:
        openssl.free_memory(memory)

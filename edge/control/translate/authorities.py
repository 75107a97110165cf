"""Certificates of authorities, which verify other certificates.

Rules of this file:
- A list is accepted only if OpenSSL accepts all of it, as in a worker: if one certificate were left out, certificates
  of that authority would be refused without a visible reason.
"""

from __future__ import annotations

import functools

from edge.control.translate import pem
from edge.control.translate.key_pairs import CERTIFICATES
from edge.control.translate.pem import PemError
from edge.system import openssl
from edge.table.records import TLS_1_2, TLS_1_3


class AuthorityError(ValueError):
    """The text cannot be used; the message says why."""


@functools.lru_cache(maxsize=256)
def parse(text: bytes) -> bytes:
    """The certificates in TEXT as plain PEM.

    Raises:
        AuthorityError: there is none, or one cannot be used.
    """
    try:
        found = [block for block in pem.blocks(text) if block.label in CERTIFICATES]
    except PemError as error:
        raise AuthorityError(str(error)) from error
    if not found:
        raise AuthorityError("there is no PEM certificate in it")
    for number, block in enumerate(found, 1):
        try:
            openssl.trust(openssl.client_context(least=TLS_1_2, most=TLS_1_3, ciphers=""), block.text())
        except OSError as error:  # ssl.SSLError is one
            raise AuthorityError(f"certificate {number} cannot be read") from error
    return b"".join(block.text() for block in found)

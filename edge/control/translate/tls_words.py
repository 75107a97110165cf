"""Words about TLS to endpoints, as annotations and snippets have them. None: they cannot be read."""

from __future__ import annotations

import re
from typing import Final

from edge.system import openssl
from edge.table.records import TLS_1_2, TLS_1_3

_HOST: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")
_CIPHERS: Final = re.compile(r"[A-Za-z0-9+:_!-]+")
_VERSIONS: Final = {"TLSv1.2": TLS_1_2, "TLSv1.3": TLS_1_3}
SWITCH: Final = {"on": True, "off": False}


def host(text: str) -> str | None:
    """A name without variables, or an address."""
    return text if _HOST.fullmatch(text) else None


def versions(text: str) -> tuple[int, ...] | None:
    """Versions of TLS."""
    words = text.split()
    return tuple(_VERSIONS[word] for word in words) if words and all(word in _VERSIONS for word in words) else None


def ciphers(text: str) -> str | None:
    """A list of ciphers that OpenSSL knows."""
    if not _CIPHERS.fullmatch(text):
        return None
    try:
        openssl.client_context(least=TLS_1_2, most=TLS_1_2, ciphers=text)
    except OSError:  # ssl.SSLError is one
        return None
    return text

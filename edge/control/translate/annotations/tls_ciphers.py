"""Ciphers of whole hosts: ssl-ciphers, ssl-prefer-server-ciphers."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Final

from edge.system import openssl

if TYPE_CHECKING:
    from edge.control.translate.annotations.values import Values

_CIPHERS: Final = "ssl-ciphers"
_SERVER_ORDER: Final = "ssl-prefer-server-ciphers"
NAMES: Final = frozenset({_CIPHERS, _SERVER_ORDER})
_WRITTEN: Final = re.compile(r"[A-Za-z0-9!:+_@=-]+")
DIFFERENCES: Final = {
    _CIPHERS: (
        "A list that OpenSSL refuses is reported and ignored; in ingress-nginx it keeps the configuration from loading."
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""


def read(values: Values) -> tuple[str, bool | None]:
    """The ciphers of TLS 1.2, empty: those of all hosts; and whether their order is the server's, None: not set."""
    ciphers = values.parsed(_CIPHERS, "a list of ciphers that OpenSSL knows (ciphers(1))", _list, "")
    return ciphers, values.boolean(_SERVER_ORDER)


def _list(text: str) -> str | None:
    text = text.replace(" ", "")
    try:
        openssl.server_context().set_ciphers(text if _WRITTEN.fullmatch(text) else "")
    except ssl.SSLError:
        return None
    return text

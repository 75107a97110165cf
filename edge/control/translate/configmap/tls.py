"""TLS of clients: versions, ciphers, curves, and how sessions are resumed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

from edge.control.kinds.core import Secret
from edge.control.translate.configmap.forms import BOOLEAN, REFERENCE, Form, size, time
from edge.control.translate.configmap.keys import group, handshakes
from edge.system import openssl
from edge.table.records import TLS_1_2, TLS_1_3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.configmap.keys import Found, Key

_VERSIONS: Final = {"TLSv1.2": TLS_1_2, "TLSv1.3": TLS_1_3}
_OLD: Final = frozenset({"SSLv2", "SSLv3", "TLSv1", "TLSv1.1"})
_CURVES: Final = re.compile(r"[A-Za-z0-9_-]+(:[A-Za-z0-9_-]+)*")
_PARAMETERS: Final = "dhparam.pem"
TICKET_KEY_SIZE: Final = 80
SHORT_TICKET_KEY_SIZE: Final = 48
"""nginx's other form: 16 bytes of a name, and of each of two keys that are half as long."""


def _versions(text: str) -> tuple[int, ...] | None:
    words = [word for word in text.split() if word not in _OLD]
    return tuple(_VERSIONS[word] for word in words) if words and all(word in _VERSIONS for word in words) else None


def _ciphers(text: str) -> str | None:
    return text if openssl.knows_ciphers(text) else None


def _curves(text: str) -> str | None:
    if text == "auto":
        return ""
    return text if _CURVES.fullmatch(text) and openssl.knows_curves(text) else None


def _ticket_key(text: str) -> bytes | None:
    try:
        key = base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        return None
    if len(key) == SHORT_TICKET_KEY_SIZE:
        # OpenSSL wants keys of 32 bytes. What comes out is the same in all pods, which is what the key is for.
        key = key[:16] + hashlib.sha512(key[16:]).digest()
    return key if len(key) == TICKET_KEY_SIZE else None


VERSIONS: Final = Form("made of TLSv1.2 and TLSv1.3", _versions)
CIPHERS: Final = Form("a list of ciphers that OpenSSL knows", _ciphers)
CURVES: Final = Form("auto, or a list of curves that OpenSSL knows, such as X25519:P-256", _curves)
TICKET_KEY: Final = Form(f"the base64 of {SHORT_TICKET_KEY_SIZE} or {TICKET_KEY_SIZE} bytes", _ticket_key)
KEYS: Final[tuple[Key, ...]] = (
    group("ssl-protocols", VERSIONS, "TLS 1.2 and 1.3: older ones are left out."),
    handshakes("ssl-ciphers", CIPHERS, "ciphers"),
    handshakes("ssl-ecdh-curve", CURVES, "curves"),
    group("ssl-dh-param", REFERENCE),
    handshakes(
        "ssl-session-tickets",
        BOOLEAN,
        "tickets",
        "Without the key tickets are encrypted with keys that all workers share and that are rotated.",
    ),
    handshakes("ssl-session-ticket-key", TICKET_KEY, "ticket_key"),
    handshakes(
        "ssl-session-cache",
        BOOLEAN,
        "session_cache",
        "Sessions are kept where `ssl-session-tickets` is false, by each worker for itself.",
    ),
    handshakes("ssl-session-cache-size", size(1), "session_cache_size", "Of each worker and certificate."),
    handshakes("ssl-session-timeout", time(1.0), "session_timeout"),
    handshakes("ssl-reject-handshake", BOOLEAN, "reject_unknown"),
)


def handshakes_of(found: Found) -> Iterator[tuple[str, Any]]:
    """The versions, and the parameters of Diffie-Hellman."""
    versions = found.get("ssl-protocols")
    if versions:
        yield "least", min(versions)
        yield "most", max(versions)
    secret = found.referent("ssl-dh-param", "Secret")
    if isinstance(secret, Secret):
        parameters = (secret.data or {}).get(_PARAMETERS, b"")
        if openssl.takes_dh_parameters(parameters):
            yield "dh_parameters", parameters
        else:
            found.report("ssl-dh-param", f"the Secret has no {_PARAMETERS} that OpenSSL takes; its default holds")

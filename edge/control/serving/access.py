"""Access control of the page and of `/api/`.

Rules of this file:
- Without a token and without authorities for client certificates only this machine has access: the peer must be
  loopback, as with a port-forward, and Host must be an address or `localhost`, which keeps out sites whose name is made
  to resolve to this address (DNS rebinding).
- Tokens are compared in constant time. The file is read again when it has changed; while it cannot be read, or is
  empty, no token is valid.
- A browser gets a cookie for the token: the time of its expiry, and a keyed digest of that, whose key is the token. So
  the cookie does not contain the token, and is invalid when the token is removed.
- Requests that another site makes through a browser are refused.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from email.message import Message

    from edge.settings import Settings

COOKIE: Final = "edge-session"
SESSION: Final = 12 * 3600
"""Seconds for which a browser stays signed in."""
LEAST_TOKEN: Final = 16
"""Characters; a shorter token is warned of."""
_CONTEXT: Final = b"edge admin session "

logger = logging.getLogger(__name__)


class Refusal(NamedTuple):
    """Why access is refused."""

    status: int
    message: str
    sign_in: bool = False
    """Whether a token would give access."""


class Tokens:
    """The tokens in a file, one per line: two while a token is being rotated."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._seen: tuple[int, ...] | None = None
        self._tokens: tuple[bytes, ...] = ()

    def now(self) -> tuple[bytes, ...]:
        """The tokens that are valid now."""
        with self._lock:
            try:
                found = self._path.stat()
                seen = (found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size)
                if seen != self._seen:
                    self._tokens = tuple(line.strip() for line in self._path.read_bytes().splitlines() if line.strip())
                    self._seen = seen
                    self._warn()
            except OSError as error:
                if self._tokens or self._seen is None:
                    logger.warning("--admin-token-file %s: %s; no one can sign in", self._path, error.strerror)
                self._tokens, self._seen = (), ()
            return self._tokens

    def _warn(self) -> None:
        if not self._tokens:
            logger.warning("--admin-token-file %s: it holds no token; no one can sign in", self._path)
        elif min(map(len, self._tokens)) < LEAST_TOKEN:
            logger.warning(
                "--admin-token-file %s: a token has less than %d characters and may be guessed", self._path, LEAST_TOKEN
            )

    def good(self, token: bytes) -> bool:
        """Whether TOKEN is one of them."""
        return any(hmac.compare_digest(token, one) for one in self.now())

    def session(self, token: bytes, now: float) -> str:
        """The value of a cookie for a client that has sent TOKEN, which is valid."""
        until = str(int(now) + SESSION)
        return f"{until}.{_sealed(until, token)}"

    def holds(self, session: str, now: float) -> bool:
        """Whether the cookie SESSION is ours and has not expired."""
        until, _, seal = session.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) < 12 and seal.isascii()):
            return False
        genuine = any(hmac.compare_digest(seal, _sealed(until, token)) for token in self.now())
        return genuine and int(until) > now


class Access:
    """The rules of SETTINGS."""

    def __init__(self, settings: Settings) -> None:
        self.tokens = Tokens(settings.admin_token_file) if settings.admin_token_file else None
        self._certificates = bool(settings.admin_client_ca)
        if self.tokens is not None:
            self.tokens.now()

    def refusal(self, peer: str, fields: Message, *, verified: bool = False) -> Refusal | None:
        """Why a request with these header FIELDS is refused; None: it is allowed.

        PEER is the address of its client; VERIFIED: the client has shown a certificate of the authorities.
        """
        if not is_own(fields):
            return Refusal(403, "another site may not ask")
        if self.tokens is None and not self._certificates:
            return _refusal_elsewhere(peer, fields)
        if (verified and self._certificates) or self._has_token(fields):
            return None
        if self.tokens is None:
            return Refusal(403, "a client certificate is needed")
        return Refusal(401, "a token is needed: Authorization: Bearer ...", sign_in=True)

    def _has_token(self, fields: Message) -> bool:
        tokens = self.tokens
        if tokens is None:
            return False
        scheme, _, token = fields.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and tokens.good(token.strip().encode("latin-1", "replace")):
            return True
        session = cookie(fields)
        return bool(session) and tokens.holds(session, time.time())


def _refusal_elsewhere(peer: str, fields: Message) -> Refusal | None:
    """As `Access.refusal`, where neither a token nor a certificate is required."""
    if not is_loopback(peer):
        return Refusal(
            403, "only from this machine, for instance by kubectl port-forward; --admin-token-file lets others look"
        )
    if not is_local_name(fields.get("Host", "")):
        return Refusal(403, "ask for an address or for localhost; --admin-token-file allows other names")
    return None


def is_own(fields: Message) -> bool:
    """Whether a request with these FIELDS was not made by a browser for another site."""
    origin = fields.get("Origin", "")
    if origin and origin.partition("://")[2] != fields.get("Host", ""):
        return False
    site = fields.get("Sec-Fetch-Site", "none")
    # Following a link from another site does no harm: that site does not see the answer, and nothing is changed here.
    return site in ("none", "same-origin") or fields.get("Sec-Fetch-Mode") == "navigate"


def is_loopback(peer: str) -> bool:
    """Whether the address PEER is this machine's own."""
    with suppress(ValueError):
        address = ipaddress.ip_address(peer.partition("%")[0])
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return (mapped or address).is_loopback
    return False


def is_local_name(host: str) -> bool:
    """Whether HOST, of a header field, is an address or a name of this machine, which no site can have."""
    name = host[1 : host.find("]")] if host.startswith("[") else host.partition(":")[0]
    name = name.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    with suppress(ValueError):
        ipaddress.ip_address(name)
        return True
    return False


def cookie(fields: Message) -> str:
    """The value of our cookie; empty: there is none."""
    # Not by http.cookies, which stops at the first cookie that it does not understand: a browser sends cookies of
    # other ports of the same host, too.
    for pair in fields.get("Cookie", "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def _sealed(until: str, token: bytes) -> str:
    return hmac.new(token, _CONTEXT + until.encode(), hashlib.sha256).hexdigest()

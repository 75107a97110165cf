"""Digest authentication (RFC 7616, with MD5 as in RFC 2617, as in nginx's module).

Rules of this file:
- A nonce is a time and its HMAC: all workers that have the key accept the nonces of each other, and none is stored.
- A valid nonce that is too old is answered with `stale=true`: the client tries again without asking its user.
- Only `qop=auth` is accepted. Counters of requests (`nc`) are not stored: within the lifetime of its nonce a request
  can be replayed, so this needs TLS as Basic does.
- `edge.table.users` has the format of users; HA1 is MD5 of `user:realm:password`.
"""

from __future__ import annotations

import hmac
import re
from hashlib import md5
from typing import Final, NamedTuple

LIFETIME: Final = 300
"""Seconds for which a nonce is valid."""

_PARAMETER: Final = re.compile(r'[ \t]*([A-Za-z*]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]+))[ \t]*(?:,|$)')
_NEEDED: Final = ("username", "realm", "nonce", "uri", "response", "cnonce", "nc", "qop")


class Verdict(NamedTuple):
    """The verdict on a request."""

    user: str | None
    """The user; None: the client must authenticate again."""
    stale: bool = False
    """Whether only the age of the nonce was wrong."""


def parameters(value: str) -> dict[str, str] | None:
    """The parameters of an `Authorization: Digest` field, names in lower case; None: it has another scheme, or is
    malformed."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    found: dict[str, str] = {}
    at, rest = 0, rest.strip()
    while at < len(rest):
        match = _PARAMETER.match(rest, at)
        if match is None or match[1].lower() in found:
            return None
        quoted = match[2]
        found[match[1].lower()] = match[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        at = match.end()
    return found


class Digest:
    """Digest authentication for one realm."""

    __slots__ = ("_key", "_lifetime", "_users", "realm")

    def __init__(self, realm: str, users: dict[tuple[str, str], str], key: bytes, *, lifetime: int = LIFETIME) -> None:
        """KEY is shared by all workers that may get requests of one client."""
        self.realm = realm
        self._users = {user: secret for (user, of), secret in users.items() if of == realm}
        self._key = key
        self._lifetime = lifetime

    def challenge(self, now: float, *, stale: bool = False) -> str:
        """The value of `WWW-Authenticate` at NOW, in seconds since the epoch."""
        realm = re.sub(r'(["\\])', r"\\\1", self.realm)
        return (
            f'Digest realm="{realm}", qop="auth", algorithm=MD5, nonce="{self._nonce(int(now))}"'
            f"{', stale=true' if stale else ''}"
        )

    def check(self, value: str, method: str, target: str, now: float) -> Verdict:
        """The verdict on a request with METHOD for TARGET, the request target as it came, by the field VALUE."""
        given = parameters(value)
        if given is None or any(name not in given for name in _NEEDED):
            return Verdict(None)
        secret = self._users.get(given["username"])
        named = given["realm"], given["uri"], given["qop"], given.get("algorithm", "MD5").upper()
        if secret is None or named != (self.realm, target, "auth", "MD5"):
            return Verdict(None)
        issued = given["nonce"].partition("-")[0]
        if not re.fullmatch("[0-9a-f]{1,12}", issued) or not _same(given["nonce"], self._nonce(int(issued, 16))):
            return Verdict(None)
        request = _md5(f"{method}:{target}")
        proof = _md5(":".join((secret, given["nonce"], given["nc"], given["cnonce"], "auth", request)))
        if not _same(proof, given["response"].lower()):
            return Verdict(None)
        if not -5 <= now - int(issued, 16) <= self._lifetime:
            return Verdict(None, stale=True)
        return Verdict(given["username"])

    def _nonce(self, issued: int) -> str:
        proof = hmac.digest(self._key, f"{issued:x}:{self.realm}".encode(), "sha256")[:16]
        return f"{issued:x}-{proof.hex()}"


def _md5(text: str) -> str:
    return md5(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


def _same(one: str, two: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogateescape"), two.encode("utf-8", "surrogateescape"))

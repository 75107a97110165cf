"""Users and hashes of their passwords, as htpasswd(1) writes them, and whether a password is right.

Rules of this file:
- A hash is judged when it is read. One of a kind that is not supported, or that would take too long to check, is a
  problem with a reason, and its user cannot log in; the others can.
- Of several entries of one user the first counts, as in nginx.
- Checking is a pure function that may take a quarter of a second: `credentials.py` keeps it off the event loop.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from hmac import compare_digest
from typing import TYPE_CHECKING, Final, NamedTuple

import bcrypt

from edge.data.http.crypts import SHA_ROUNDS, md5_crypt, sha_crypt

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST: Final = 512
"""Bytes of a password; a longer one is wrong, as is one with a NUL, where the C library would end it."""
MOST_ROUNDS: Final = 100_000
"""Rounds of SHA-crypt, about a tenth of a second."""
MOST_COST: Final = 14
"""Cost of bcrypt, about a second."""

_MD5: Final = re.compile(rb"(\$1\$|\$apr1\$)([^$:\s]{0,8})\$([./0-9A-Za-z]{22})")
_SHA: Final = re.compile(rb"\$([56])\$(?:rounds=([0-9]{1,9})\$)?([^$:\s]{0,16})\$([./0-9A-Za-z]{43}|[./0-9A-Za-z]{86})")
_BCRYPT: Final = re.compile(rb"\$2[aby]\$([0-9]{2})\$[./0-9A-Za-z]{53}")


class PasswordError(ValueError):
    """A hash that cannot be checked; the message says why and the way out."""


class Hash(NamedTuple):
    """The hash of a password."""

    kind: str
    """`plain`, `sha`, `md5`, `sha-crypt` or `bcrypt`."""
    text: bytes

    @property
    def is_quick(self) -> bool:
        """Whether a check takes microseconds."""
        return self.kind in ("plain", "sha")

    def matches(self, password: bytes) -> bool:
        """Whether PASSWORD is the one."""
        if len(password) > LONGEST or b"\0" in password:
            return False
        return compare_digest(_hashed(self, password), self.text)


def read(text: str) -> Hash:
    """The hash TEXT.

    Raises:
        PasswordError: it is not of a kind that is supported, or takes too long to check.
    """
    stored = text.encode("utf-8", "surrogateescape")
    if stored.startswith(b"{PLAIN}"):
        return Hash("plain", stored)
    if stored.startswith((b"{SHA}", b"{SSHA}")):
        _digest_and_salt(stored)
        return Hash("sha", stored)
    if _MD5.fullmatch(stored):
        return Hash("md5", stored)
    sha = _SHA.fullmatch(stored)
    if sha and len(sha[4]) == (43 if sha[1] == b"5" else 86):
        if sha[2] and not 1000 <= int(sha[2]) <= MOST_ROUNDS:
            raise PasswordError(f"rounds={sha[2].decode()} is outside 1000 to {MOST_ROUNDS}")
        return Hash("sha-crypt", stored)
    cost = _BCRYPT.fullmatch(stored)
    if cost:
        if not 4 <= int(cost[1]) <= MOST_COST:
            raise PasswordError(f"the cost {cost[1].decode()} of bcrypt is outside 4 to {MOST_COST}")
        return Hash("bcrypt", stored)
    if re.fullmatch(rb"[./0-9A-Za-z]{13}", stored):
        raise PasswordError("DES crypt sees eight characters of a password only; make the entry again with htpasswd -B")
    raise PasswordError("not a hash that is supported; make the entry with htpasswd -B (bcrypt)")


def _hashed(stored: Hash, password: bytes) -> bytes:
    """The hash of PASSWORD with the parameters and salt of STORED."""
    if stored.kind == "plain":
        return b"{PLAIN}" + password
    if stored.kind == "sha":
        digest, salt = _digest_and_salt(stored.text)
        same = compare_digest(hashlib.sha1(password + salt, usedforsecurity=False).digest(), digest)
        return stored.text if same else b""
    if stored.kind == "bcrypt":
        # htpasswd writes $2y$; bcrypt sees 72 bytes, and the library refuses more, which htpasswd cuts off.
        return stored.text[:4] + bcrypt.hashpw(password[:72], b"$2b$" + stored.text[4:])[4:]
    found = _MD5.fullmatch(stored.text)
    if found:
        magic, salt = found[1], found[2]
        return b"%s%s$%s" % (magic, salt, md5_crypt(password, salt, magic))
    found = _SHA.fullmatch(stored.text)
    assert found is not None  # noqa: S101
    begin = stored.text[: found.start(4)]
    bits = 256 if found[1] == b"5" else 512
    return begin + sha_crypt(password, found[3], int(found[2] or SHA_ROUNDS), bits=bits)


def _digest_and_salt(stored: bytes) -> tuple[bytes, bytes]:
    kind, _, encoded = stored.partition(b"}")
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        decoded = b""
    if len(decoded) < 20 or (kind == b"{SHA" and len(decoded) > 20):
        raise PasswordError(f"what follows {kind.decode()}}} is not a SHA-1 digest in base 64")
    return decoded[:20], decoded[20:]


class Passwords:
    """The users of one Secret."""

    __slots__ = ("_hashes", "problems")

    def __init__(self, entries: Iterable[tuple[str, str, str]]) -> None:
        """ENTRIES are (where it stands, user, hash)."""
        self._hashes: dict[str, Hash | None] = {}
        self.problems: list[str] = []
        """Entries that are left out, each with the reason; no hash is shown."""
        for place, user, text in entries:
            if user in self._hashes:
                continue
            self._hashes[user] = None
            try:
                self._hashes[user] = read(text)
            except PasswordError as error:
                self.problems.append(f"{place}: {error}")

    def __len__(self) -> int:
        return len(self._hashes) - list(self._hashes.values()).count(None)

    def find(self, user: str) -> Hash | None:
        """The hash of USER; None: there is no such user, or the hash cannot be checked."""
        return self._hashes.get(user)

    def check(self, user: str, password: bytes) -> bool:
        """Whether USER has PASSWORD. Takes up to a second."""
        stored = self._hashes.get(user)
        return stored is not None and stored.matches(password)


def from_file(text: str) -> Passwords:
    """The users of an htpasswd file: lines `user:hash`, what follows a second colon is a comment."""
    entries = []
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        user, colon, rest = entry.partition(":")
        if not colon or not user:
            problems.append(f"line {number}: not user:hash")
            continue
        entries.append(
            (f"line {number}, user {user}", user, rest if rest.startswith("{PLAIN}") else rest.split(":")[0])
        )
    passwords = Passwords(entries)
    passwords.problems[:0] = problems
    return passwords


def from_map(entries: dict[str, str]) -> Passwords:
    """The users of a Secret whose keys are users and whose values are hashes."""
    return Passwords((f"key {user}", user, text.strip()) for user, text in entries.items())

"""Checks passwords against the hashes that `edge.table.users` reads.

Checking is a pure function that may take a quarter of a second: `credentials.py` runs it outside of the event loop.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from hmac import compare_digest
from typing import TYPE_CHECKING, Final, NamedTuple

from edge.data.http.crypts import SHA_ROUNDS, md5_crypt, sha_crypt
from edge.table.users import MD5, SHA, PasswordError, digest_and_salt, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST: Final = 512
"""Bytes of a password; a longer one is wrong, as is one with a NUL, where the C library would end it."""


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
    return Hash(kind_of(text), text.encode("utf-8", "surrogateescape"))


def _hashed(stored: Hash, password: bytes) -> bytes:
    """The hash of PASSWORD with the parameters and salt of STORED."""
    if stored.kind == "plain":
        return b"{PLAIN}" + password
    if stored.kind == "sha":
        digest, salt = digest_and_salt(stored.text)
        same = compare_digest(hashlib.sha1(password + salt, usedforsecurity=False).digest(), digest)
        return stored.text if same else b""
    if stored.kind == "bcrypt":
        import bcrypt  # noqa: PLC0415 - half a MiB, for those who have such passwords

        # htpasswd writes $2y$; bcrypt sees 72 bytes, and the library refuses more, which htpasswd cuts off.
        return stored.text[:4] + bcrypt.hashpw(password[:72], b"$2b$" + stored.text[4:])[4:]
    found = MD5.fullmatch(stored.text)
    if found:
        magic, salt = found[1], found[2]
        return b"%s%s$%s" % (magic, salt, md5_crypt(password, salt, magic))
    found = SHA.fullmatch(stored.text)
    assert found is not None  # noqa: S101
    begin = stored.text[: found.start(4)]
    bits = 256 if found[1] == b"5" else 512
    return begin + sha_crypt(password, found[3], int(found[2] or SHA_ROUNDS), bits=bits)


class Passwords:
    """Users by name, with their hashes."""

    __slots__ = ("_hashes",)

    def __init__(self, users: Iterable[tuple[str, str]]) -> None:
        """USERS are (user, hash); one whose hash cannot be checked cannot log in."""
        self._hashes: dict[str, Hash] = {}
        for user, text in users:
            with suppress(PasswordError):
                self._hashes.setdefault(user, read(text))

    def find(self, user: str) -> Hash | None:
        """The hash of USER; None: there is no such user, or the hash cannot be checked."""
        return self._hashes.get(user)

    def check(self, user: str, password: bytes) -> bool:
        """Whether USER has PASSWORD. Takes up to a second."""
        stored = self._hashes.get(user)
        return stored is not None and stored.matches(password)

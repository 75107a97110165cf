"""Users in the formats of htpasswd(1) and htdigest(1): names with hashes of passwords.

Rules of this file:
- Hashes are checked when they are read. One of an unsupported kind, or that takes too long to check, is reported, and
  its user cannot log in; the others can. No message contains a hash.
- If a user has several entries, the first counts, as in nginx.
- Checking passwords is `edge.data.http.passwords`.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_ROUNDS: Final = 100_000
"""Rounds of SHA-crypt, about a tenth of a second."""
MOST_COST: Final = 14
"""Cost of bcrypt, about a second."""

MD5: Final = re.compile(rb"(\$1\$|\$apr1\$)([^$:\s]{0,8})\$([./0-9A-Za-z]{22})")
SHA: Final = re.compile(rb"\$([56])\$(?:rounds=([0-9]{1,9})\$)?([^$:\s]{0,16})\$([./0-9A-Za-z]{43}|[./0-9A-Za-z]{86})")
BCRYPT: Final = re.compile(rb"\$2[aby]\$([0-9]{2})\$[./0-9A-Za-z]{53}")
_HA1: Final = re.compile(r"[0-9a-fA-F]{32}")


class PasswordError(ValueError):
    """A hash that cannot be checked; the message says why and what to do."""


class Users(NamedTuple):
    """The users of one Secret."""

    hashes: tuple[tuple[str, str], ...]
    """Names and hashes of those that can log in."""
    problems: tuple[str, ...]
    """Entries that are left out, each with the reason."""


def kind_of(text: str) -> str:
    """The kind of the hash TEXT: `plain`, `sha`, `md5`, `sha-crypt` or `bcrypt`.

    Raises:
        PasswordError: it is not of a kind that is supported, or takes too long to check.
    """
    stored = text.encode("utf-8", "surrogateescape")
    if stored.startswith(b"{PLAIN}"):
        return "plain"
    if stored.startswith((b"{SHA}", b"{SSHA}")):
        digest_and_salt(stored)
        return "sha"
    if MD5.fullmatch(stored):
        return "md5"
    sha = SHA.fullmatch(stored)
    if sha and len(sha[4]) == (43 if sha[1] == b"5" else 86):
        if sha[2] and not 1000 <= int(sha[2]) <= MOST_ROUNDS:
            raise PasswordError(f"rounds={sha[2].decode()} is outside 1000 to {MOST_ROUNDS}")
        return "sha-crypt"
    cost = BCRYPT.fullmatch(stored)
    if cost:
        if not 4 <= int(cost[1]) <= MOST_COST:
            raise PasswordError(f"the cost {cost[1].decode()} of bcrypt is outside 4 to {MOST_COST}")
        return "bcrypt"
    if re.fullmatch(rb"[./0-9A-Za-z]{13}", stored):
        raise PasswordError("DES crypt sees eight characters of a password only; make the entry again with htpasswd -B")
    raise PasswordError("not a hash that is supported; make the entry with htpasswd -B (bcrypt)")


def digest_and_salt(stored: bytes) -> tuple[bytes, bytes]:
    """The parts of the `{SHA}` or `{SSHA}` hash STORED.

    Raises:
        PasswordError: it has no digest of SHA-1.
    """
    kind, _, encoded = stored.partition(b"}")
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        decoded = b""
    if len(decoded) < 20 or (kind == b"{SHA" and len(decoded) > 20):
        raise PasswordError(f"what follows {kind.decode()}}} is not a SHA-1 digest in base 64")
    return decoded[:20], decoded[20:]


def from_file(text: str) -> Users:
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
    return _users(entries, problems)


def from_map(entries: Mapping[str, str]) -> Users:
    """The users of a Secret whose keys are users and whose values are hashes."""
    return _users(((f"key {user}", user, text.strip()) for user, text in entries.items()), [])


def _users(entries: Iterable[tuple[str, str, str]], problems: list[str]) -> Users:
    """ENTRIES are (where it stands, user, hash)."""
    hashes: dict[str, str] = {}
    for place, user, text in entries:
        if user in hashes:
            continue
        hashes[user] = ""
        try:
            kind_of(text)
        except PasswordError as error:
            problems.append(f"{place}: {error}")
        else:
            hashes[user] = text
    return Users(tuple((user, text) for user, text in hashes.items() if text), tuple(problems))


class DigestError(ValueError):
    """A malformed line for digest authentication; the message has its number."""


def from_htdigest(text: str) -> dict[tuple[str, str], str]:
    """(user, realm) to HA1, the MD5 of `user:realm:password`, from lines `user:realm:HA1`; the first of several counts.

    Raises:
        DigestError: a line is not `user:realm:HA1`.
    """
    found: dict[tuple[str, str], str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        fields = entry.split(":")
        if len(fields) != 3 or not fields[0] or not _HA1.fullmatch(fields[2]):
            raise DigestError(f"line {number}: not user:realm:HA1, as htdigest writes it")
        found.setdefault((fields[0], fields[1]), fields[2].lower())
    return found

"""The crypts of passwords that are made of MD5 and SHA-2, after their authors' descriptions.

Rules of this file:
- `md5_crypt` is that of FreeBSD (`$1$`) and Apache (`$apr1$`), `sha_crypt` that of Ulrich Drepper's "Unix crypt using
  SHA-256 and SHA-512" (`$5$`, `$6$`). Python no longer has the module crypt.
- Passwords and salts are bytes; the result is the last field of a hash, in its own base 64.
"""

from __future__ import annotations

from hashlib import md5, sha256, sha512
from itertools import repeat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_DIGITS: Final = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_MD5_ORDER: Final = ((0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5))
SHA_ROUNDS: Final = 5000
"""Rounds of `sha_crypt` if a hash does not name a number."""


def md5_crypt(password: bytes, salt: bytes, magic: bytes) -> bytes:
    """22 digits for PASSWORD; MAGIC is `$1$` or `$apr1$`. Takes about a millisecond."""
    alternate = md5(password + salt + password, usedforsecurity=False).digest()
    start = md5(password + magic + salt + _filled(alternate, len(password)), usedforsecurity=False)
    length = len(password)
    while length:
        start.update(b"\0" if length & 1 else password[:1])
        length >>= 1
    final = start.digest()
    for turn in range(1000):
        step = md5(password if turn & 1 else final, usedforsecurity=False)
        if turn % 3:
            step.update(salt)
        if turn % 7:
            step.update(password)
        step.update(final if turn & 1 else password)
        final = step.digest()
    return _encoded(final, _MD5_ORDER) + _number(final[11], 2)


def sha_crypt(password: bytes, salt: bytes, rounds: int, *, bits: int) -> bytes:
    """43 or 86 digits for PASSWORD, as BITS is 256 or 512. Takes about a microsecond a round."""
    new = sha256 if bits == 256 else sha512
    alternate = new(password + salt + password).digest()
    start = new(password + salt + _filled(alternate, len(password)))
    length = len(password)
    while length:
        start.update(alternate if length & 1 else password)
        length >>= 1
    final = start.digest()
    secret = _filled(new(password * len(password)).digest(), len(password))
    salted = _filled(new(salt * (16 + final[0])).digest(), len(salt))
    for turn in range(rounds):
        step = new(secret if turn & 1 else final)
        if turn % 3:
            step.update(salted)
        if turn % 7:
            step.update(secret)
        step.update(final if turn & 1 else secret)
        final = step.digest()
    if bits == 256:
        return _encoded(final, _rotated(10, left=False)) + _number(final[31] << 8 | final[30], 3)
    return _encoded(final, _rotated(21, left=True)) + _number(final[63], 2)


def _filled(digest: bytes, length: int) -> bytes:
    return (digest * (length // len(digest) + 1))[:length]


def _rotated(count: int, *, left: bool) -> Iterable[tuple[int, int, int]]:
    """COUNT triples of positions in a digest: each takes the next three, and turns them round by one."""
    one, two, three = 0, count, 2 * count
    for _ in repeat(None, count):
        yield one, two, three
        one, two, three = (two + 1, three + 1, one + 1) if left else (three + 1, one + 1, two + 1)


def _encoded(digest: bytes, order: Iterable[tuple[int, int, int]]) -> bytes:
    return b"".join(_number(digest[a] << 16 | digest[b] << 8 | digest[c], 4) for a, b, c in order)


def _number(value: int, digits: int) -> bytes:
    return bytes(_DIGITS[value >> 6 * place & 63] for place in range(digits))

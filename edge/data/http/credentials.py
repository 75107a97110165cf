"""Checks of passwords that do not block the event loop.

Rules of this file:
- A slow check runs in a native thread, at most `THREADS` at once; further ones wait, at most `WAITING`, and above that
  `BusyError` is raised. So a flood of wrong passwords costs other requests little.
- Requests with the same credentials share one check.
- Results are kept under a keyed hash of hash, user and password: neither a password nor a plain digest of it is in
  memory for long, and another hash in the Secret is another key.
"""

from __future__ import annotations

import binascii
import secrets
from base64 import b64decode
from collections import OrderedDict
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import gevent
from gevent.threadpool import ThreadPool

if TYPE_CHECKING:
    from edge.data.http.passwords import Hash, Passwords

THREADS: Final = 2
WAITING: Final = 64
KEPT: Final = 10_000
"""Results that are kept; about 200 bytes each."""


class BusyError(Exception):
    """Too many checks are in progress; the request should be answered 503."""


class Credentials:
    """The checks of one worker. Made after the fork; its threads start with the first slow check."""

    def __init__(self, *, threads: int = THREADS, waiting: int = WAITING, kept: int = KEPT) -> None:
        self._bound = threads + waiting
        self._threads = threads
        self._kept = kept
        self._key = secrets.token_bytes(32)
        self._results: OrderedDict[bytes, bool] = OrderedDict()
        self._running: dict[bytes, gevent.Greenlet] = {}
        self._pool: ThreadPool | None = None

    def check(self, passwords: Passwords, user: str, password: bytes) -> bool:
        """Whether USER has PASSWORD by PASSWORDS.

        Raises:
            BusyError: too many checks are in progress.
        """
        stored = passwords.find(user)
        if stored is None:
            return False
        if stored.is_quick:
            return stored.matches(password)
        key = self._key_of(stored, password)
        known = self._results.get(key)
        if known is not None:
            self._results.move_to_end(key)
            return known
        running = self._running.get(key)
        if running is None:
            if len(self._running) >= self._bound:
                raise BusyError
            running = self._running[key] = gevent.spawn(self._run, key, stored, password)
        return bool(running.get())

    def _run(self, key: bytes, stored: Hash, password: bytes) -> bool:
        try:
            if self._pool is None:
                self._pool = ThreadPool(self._threads)
            result = bool(self._pool.apply(stored.matches, (password,)))
            self._results[key] = result
            while len(self._results) > self._kept:
                self._results.popitem(last=False)
            return result
        finally:
            del self._running[key]

    def _key_of(self, stored: Hash, password: bytes) -> bytes:
        """Hash and password do not run into each other: the former has no NUL."""
        return blake2b(stored.text + b"\0" + password, digest_size=20, key=self._key).digest()


def user_and_password(value: bytes | None) -> tuple[str, bytes] | None:
    """User and password in VALUE, of the field Authorization, by the scheme Basic; None: there are none."""
    scheme, _, encoded = (value or b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        user, colon, password = b64decode(encoded.strip(), validate=True).partition(b":")
    except binascii.Error:
        return None
    return (user.decode("utf-8", "surrogateescape"), password) if colon else None

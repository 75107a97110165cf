"""Whether OpenSSL takes a certificate with its key, as a worker would find at the first handshake.

Rules of this file:
- The verdict is that of `edge.system.openssl`, by which workers make their contexts. Each certificate behind the leaf
  is judged for itself, the leaf with its key: these are the steps of SSL_CTX_use_certificate_chain_file(3).
- Each distinct certificate and pair is judged once (about 0.8 ms), however many Secrets hold it. What is remembered is
  a hash, never a key.
- The reason is OpenSSL's, in words where it is a usual one.
"""

from __future__ import annotations

import datetime
import functools
import hashlib
import ssl
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from edge.control.translate import self_signed
from edge.system import openssl

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST: Final = 100_000
"""Verdicts that are remembered."""
DIGEST: Final = 16
"""Bytes of the hash."""
MISMATCHES: Final = frozenset({"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"})
"""What OpenSSL says of a key that does not belong to a certificate with which nothing else is wrong."""
REASONS: Final = {
    "EE_KEY_TOO_SMALL": "its key is too short",
    "CA_KEY_TOO_SMALL": "its key is too short",
    "CA_MD_TOO_WEAK": "it is signed with a hash that is too weak",
    "INVALID_CERTIFICATE": "one of its extensions is malformed or there twice",
    "UNKNOWN_CERTIFICATE_TYPE": "TLS knows no such kind of key",
}


class Fault(ValueError):  # noqa: N818 - of a certificate, which is no error here
    """OpenSSL takes no such certificate or key; the message says why, `code` in OpenSSL's word."""

    def __init__(self, part: str, code: str, message: str) -> None:
        """PART: `chain`, `key`, or `pair` when the two do not belong together."""
        super().__init__(message)
        self.part = part
        self.code = code


class Judge:
    """Verdicts, the latest of them remembered."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, Fault | None] = OrderedDict()

    def fault(self, certificates: Sequence[bytes], key: bytes) -> Fault | None:
        """Why a worker cannot show CERTIFICATES, leaf first, with KEY, all PEM; None: it can."""
        leaf, *others = certificates
        found = self._once((leaf, key), lambda: _fault_of_leaf(leaf, key))
        for number, other in enumerate(others, 2):
            if found is None:
                found = self._once((b"%d" % number, other), functools.partial(_fault_of_authority, other, number))
        return found

    def _once(self, what: tuple[bytes, ...], judge: Callable[[], Fault | None]) -> Fault | None:
        digest = hashlib.blake2b(b"\0".join(what), digest_size=DIGEST).digest()
        if digest not in self._known:
            self._known[digest] = judge()
            if len(self._known) > MOST:
                self._known.popitem(last=False)
        self._known.move_to_end(digest)
        return self._known[digest]


def _fault_of_leaf(leaf: bytes, key: bytes) -> Fault | None:
    error = _refusal(leaf, key)
    if error is None:
        return None
    if error.reason in MISMATCHES:
        return Fault("pair", error.reason, "the key does not belong to the certificate")
    # Which of the two it is shows with a key that is good.
    alone = _refusal(leaf, _good_pair()[1])
    if alone is None or alone.reason in MISMATCHES:
        return Fault("key", error.reason or "", f"OpenSSL refuses the key: {_words(error)}")
    return _fault_of_certificate(error, 1)


def _fault_of_authority(certificate: bytes, number: int) -> Fault | None:
    leaf, key = _good_pair()
    error = _refusal(leaf + certificate, key)
    return _fault_of_certificate(error, number) if error is not None else None


def _fault_of_certificate(error: ssl.SSLError, number: int) -> Fault:
    return Fault("chain", error.reason or "", f"OpenSSL refuses certificate {number} of the chain: {_words(error)}")


def _refusal(chain: bytes, key: bytes) -> ssl.SSLError | None:
    try:
        openssl.load(openssl.server_context(), chain, key)
    except ssl.SSLError as error:
        return error
    return None


def _words(error: ssl.SSLError) -> str:
    code = error.reason or ""
    if code in REASONS:
        return f"{REASONS[code]} ({code})"
    return code.lower().replace("_", " ") or "it cannot be read"


@functools.cache
def _good_pair() -> tuple[bytes, bytes]:
    """A certificate and its key with which nothing is wrong, PEM."""
    start = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
    return self_signed.make(("judge", "judge", "judge.invalid"), start, start.replace(year=2100))

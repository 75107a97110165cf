"""The normal form of paths, in which routes and requests are compared.

Rules of this file:
- Control plane and workers call the same function: the former for the paths of Ingresses, the latter for each request.
- Spellings that are equivalent by RFC 3986, section 6.2.2, get one form, and no others.
  So `%61` is `a`, but `%2F` is not a slash, and `%3B` is not `;`.
- Beyond the RFC, `//` counts as `/`, as in most servers.
- The form is for comparing only: endpoints get the bytes that the client sent.

In order: unreserved characters are taken out of percent-encoding, other encodings get upper-case digits, characters
that may not stand in a path (RFC 3986, section 3.3; the bytes of UTF-8 among them) and a `%` that begins no encoding
are encoded, runs of slashes become one, and dot segments are resolved (section 5.2.4: `..` stops at the root).
"""

from __future__ import annotations

import re
from typing import Final

_UNRESERVED: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
_LITERAL: Final = _UNRESERVED + b"!$&'()*+,;=:@/"
"""Characters of a path that are not encoded: pchar without percent-encodings, and the slash."""
_QUERY: Final = ord("?")
_SOLIDUS: Final = ord("/")
_OTHER, _PLAIN, _SLASH, _DOT = range(4)
_KINDS: Final = bytes(
    {b"/": _SLASH, b".": _DOT}.get(bytes((byte,)), _PLAIN if byte in _LITERAL else _OTHER) for byte in range(256)
)
"""The role of each byte in a path in normal form."""
_ENCODED: Final = re.compile(rb"%[0-9A-Fa-f]{2}|[^" + re.escape(_LITERAL) + rb"]")
_FORMS: Final = {b"%%%02X" % byte: bytes((byte,)) if byte in _UNRESERVED else b"%%%02X" % byte for byte in range(256)}
_last = _last_path = _last_normal = b""
_SLASHES: Final = re.compile(rb"//+")


def normalise(path: str) -> str:
    """`normalise_bytes` for text, which is taken as UTF-8."""
    return normalise_bytes(path.encode()).decode("ascii")


def normalise_bytes(path: bytes) -> bytes:
    """PATH, without query, in its normal form: ASCII that begins with a slash."""
    if is_plain(path):
        return path
    path = _ENCODED.sub(_encoding, path)
    path = _SLASHES.sub(b"/", path if path[:1] == b"/" else b"/" + path)
    return _without_dots(path) if b"/." in path else path


def normal_path(target: bytes) -> bytes:
    """The normal form of the path in TARGET.

    The last one is cached, because several steps of a request need it: for the same object, not for an equal one.
    """
    global _last, _last_path, _last_normal  # noqa: PLW0603
    if target is not _last:
        _last_path = path_of(target)
        _last_normal = normalise_bytes(_last_path)
        _last = target
    return _last_normal


def path_of(target: bytes) -> bytes:
    """The path in TARGET (origin form; RFC 9112, section 3.2.1) as it came, without the query."""
    if target is _last:
        return _last_path
    at = 0
    for byte in target:
        if byte == _QUERY:
            return target[:at]
        at += 1  # noqa: SIM113 - compiled to a loop over bytes
    return target


def is_plain(path: bytes) -> bool:
    """Whether PATH is certainly in its normal form: nothing is encoded, and no element is empty or begins with a
    dot."""
    if not path or path[0] != _SOLIDUS:
        return False
    after_slash = False
    for byte in path:
        kind = _KINDS[byte]
        if kind == _OTHER or (after_slash and kind >= _SLASH):
            return False
        after_slash = kind == _SLASH
    return True


def _encoding(match: re.Match[bytes]) -> bytes:
    text = match[0]
    return _FORMS[text.upper()] if len(text) == 3 else b"%%%02X" % text[0]


def _without_dots(path: bytes) -> bytes:
    segments: list[bytes] = []
    parts = path.split(b"/")[1:]
    for part in parts:
        if part == b"..":
            if segments:
                segments.pop()
        elif part != b".":
            segments.append(part)
    if parts[-1] in (b".", b".."):
        segments.append(b"")
    return b"/" + b"/".join(segments)

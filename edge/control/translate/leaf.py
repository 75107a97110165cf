"""What Edge reads in a certificate: names, dates, serial number.

Rules of this file:
- OpenSSL decides whether a certificate is good (`judge`); here nothing is refused. What cannot be read is left out, and
  the rest counts: a server does not judge its own certificate, its clients do.
- Only what is needed is looked at. Of the extensions that is subjectAltName.
- The common name is a host name only where subjectAltName has no DNS name (X509_check_host(3); RFC 6125, 6.4.4).

Source: RFC 5280, sections 4.1 and 4.2.1.6.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final

import msgspec

from edge.control.translate import der
from edge.control.translate.der import DerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.der import Element

COMMON_NAME: Final = bytes.fromhex("550403")
ORGANIZATION: Final = bytes.fromhex("55040a")
SUBJECT_ALT_NAME: Final = bytes.fromhex("551d11")
ENCODINGS: Final = {
    12: "utf-8",
    18: "ascii",  # NumericString
    19: "ascii",  # PrintableString
    20: "latin-1",  # TeletexString, of which OpenSSL thinks the same
    22: "ascii",  # IA5String
    26: "ascii",  # VisibleString
    28: "utf-32-be",  # UniversalString
    30: "utf-16-be",  # BMPString
}
"""By tag, of the strings that a name may hold."""
ALGORITHMS: Final = {
    bytes.fromhex("2a864886f70d010101"): "RSA",
    bytes.fromhex("2a864886f70d01010a"): "RSA",  # RSASSA-PSS
    bytes.fromhex("2a8648ce3d0201"): "ECDSA",
    bytes.fromhex("2b6570"): "Ed25519",
    bytes.fromhex("2b6571"): "Ed448",
    bytes.fromhex("2a8648ce380401"): "DSA",
}
"""Kinds of keys as Go, and so ingress-nginx, names them."""
_VERSION: Final = 0xA0
_EXTENSIONS: Final = 0xA3
_DNS_NAME: Final = 0x82
_LONGEST_SERIAL: Final = 64
"""Bytes; RFC 5280 has 20."""
_HOST: Final = re.compile(r"[!-~]+")
_TIME: Final = re.compile(rb"(\d\d|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(?:\.\d+)?(?:Z|([+-])(\d\d)(\d\d))")
_NOTHING: Final = der.Element(0, b"", 0)


class Leaf(msgspec.Struct, frozen=True, gc=False):
    """What a certificate says."""

    names: frozenset[str] = frozenset()
    """Host names, lower case, wildcards among them."""
    not_before: float = 0.0
    """Unix seconds; 0: it cannot be read."""
    not_after: float = 0.0
    serial: str = ""
    common_name: str = ""
    issuer: str = ""
    """Common name of the issuer."""
    issuer_organization: str = ""
    algorithm: str = ""
    """Kind of the key, one of `ALGORITHMS`."""
    rsa_bits: int = 0


def read(certificate: bytes) -> Leaf:
    """What the DER CERTIFICATE says; whatever cannot be read is empty."""
    fields = _children(next(_children(certificate), _NOTHING).content)
    body = [field for field in _children(next(fields, _NOTHING).content) if field.tag != _VERSION]
    serial, _, issuer, validity, subject, key, *more = [*body, *[_NOTHING] * 6]
    times = [_time(one) for one in _children(validity.content)]
    not_before, not_after = times if len(times) == 2 else (0.0, 0.0)
    algorithm, rsa_bits = _key(key)
    common_names = _texts(subject, COMMON_NAME)
    listed = list(_dns_names(more))
    names = (_ascii(name) for name in listed) if listed else common_names
    return Leaf(
        names=frozenset(name.lower().removesuffix(".") for name in names if _HOST.fullmatch(name)),
        not_before=not_before,
        not_after=not_after,
        serial=_serial(serial),
        common_name=next(filter(None, common_names), ""),
        issuer=next(filter(None, _texts(issuer, COMMON_NAME)), ""),
        issuer_organization=next(filter(None, _texts(issuer, ORGANIZATION)), ""),
        algorithm=algorithm,
        rsa_bits=rsa_bits,
    )


def _children(content: bytes) -> Iterator[Element]:
    """The elements in CONTENT up to the first that cannot be read."""
    try:
        yield from der.elements(content)
    except DerError:
        return


def _serial(element: Element) -> str:
    if element.tag != der.INTEGER or not 0 < len(element.content) <= _LONGEST_SERIAL:
        return ""
    return str(int.from_bytes(element.content, "big", signed=True))


def _texts(name: Element, kind: bytes) -> list[str]:
    """The values of the attributes KIND in NAME; empty where one cannot be decoded or is not fit to be shown."""
    found = []
    for attributes in _children(name.content):
        for attribute in _children(attributes.content):
            pair = list(_children(attribute.content))
            if len(pair) == 2 and pair[0][:2] == (der.OBJECT_IDENTIFIER, kind):
                found.append(_text(pair[1]))
    return found


def _text(value: Element) -> str:
    encoding = ENCODINGS.get(value.tag)
    try:
        text = value.content.decode(encoding) if encoding is not None else ""
    except ValueError:
        return ""
    return text if text.isprintable() else ""


def _ascii(name: bytes) -> str:
    return name.decode() if name.isascii() else ""


def _time(element: Element) -> float:
    """ELEMENT, UTCTime or GeneralizedTime, as Unix seconds; 0: it cannot be read."""
    match = _TIME.fullmatch(element.content)
    if match is None:
        return 0.0
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    if element.tag == der.UTC_TIME:
        year += 1900 if year >= 50 else 2000
    sign, hours, minutes = match.groups()[6:]
    try:
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        zone = timezone(-offset if sign == b"-" else offset) if offset else UTC
        # In UTC, so that formatting the date stays within the supported years.
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _key(info: Element) -> tuple[str, int]:
    """Kind of the public key INFO, and the length of one of RSA in bits."""
    algorithm, value, *_ = [*_children(info.content), _NOTHING, _NOTHING]
    kind = ALGORITHMS.get(next(_children(algorithm.content), _NOTHING).content, "")
    if kind != "RSA":
        return kind, 0
    sequence = next(_children(value.content[1:]), _NOTHING)  # the first byte counts bits that are not used
    modulus = next(_children(sequence.content), _NOTHING)
    return kind, int.from_bytes(modulus.content, "big").bit_length()


def _dns_names(fields: list[Element]) -> Iterator[bytes]:
    """The DNS names of subjectAltName, as they are written."""
    wrapped = next((field for field in fields if field.tag == _EXTENSIONS), _NOTHING)
    for extension in _children(next(_children(wrapped.content), _NOTHING).content):
        kind, *rest = [*_children(extension.content), _NOTHING]
        value = next((one for one in rest if one.tag == der.OCTET_STRING), _NOTHING)
        if kind[:2] == (der.OBJECT_IDENTIFIER, SUBJECT_ALT_NAME):
            names = next(_children(value.content), _NOTHING)
            yield from (name.content for name in _children(names.content) if name.tag == _DNS_NAME)

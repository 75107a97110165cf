"""Certificates of which each byte can be chosen, for what no library would make."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from edge.control.translate import leaf, pem
from tests.support.certificates import Pair

AUTHORITY_INFO = bytes.fromhex("2b06010505070101")
P256 = ec.generate_private_key(ec.SECP256R1())


def tlv(tag: int, content: bytes) -> bytes:
    """An element of DER."""
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x80 | ((size.bit_length() + 7) // 8)])
    return bytes([tag]) + length + (b"" if size < 128 else size.to_bytes(length[0] & 0x7F, "big")) + content


ECDSA_WITH_SHA256 = tlv(0x30, bytes.fromhex("06082a8648ce3d040302"))
ECDSA_WITH_SHA1 = tlv(0x30, bytes.fromhex("06072a8648ce3d0401"))


def attribute(kind: str, tag: int, value: bytes) -> bytes:
    return tlv(0x31, tlv(0x30, tlv(6, bytes.fromhex(kind)) + tlv(tag, value)))


def common_name(value: bytes, tag: int = 12) -> bytes:
    return attribute("550403", tag, value)


def extension(kind: bytes, value: bytes, *, critical: bool = False) -> bytes:
    return tlv(0x30, tlv(6, kind) + (tlv(1, b"\xff") if critical else b"") + tlv(4, value))


def names(*entries: bytes) -> bytes:
    return extension(leaf.SUBJECT_ALT_NAME, tlv(0x30, b"".join(entries)))


def dns(name: bytes) -> bytes:
    return tlv(0x82, name)


def by_hand(
    *extensions: bytes,
    subject: bytes = common_name(b"cn.test"),
    issuer: bytes = common_name(b"ca"),
    serial: bytes = b"\x01",
    dates: tuple[bytes, bytes] = (tlv(23, b"200101000000Z"), tlv(23, b"400101000000Z")),
    algorithm: bytes = ECDSA_WITH_SHA256,
) -> Pair:
    """A certificate of which each byte can be chosen."""
    key = P256.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    body = tlv(0xA0, tlv(2, b"\x02")) + tlv(2, serial) + algorithm + tlv(0x30, issuer) + tlv(0x30, b"".join(dates))
    body += tlv(0x30, subject) + key + (tlv(0xA3, tlv(0x30, b"".join(extensions))) if extensions else b"")
    signed = tlv(0x30, body)
    signature = P256.sign(signed, ec.ECDSA(hashes.SHA256()))
    whole = tlv(0x30, signed + algorithm + tlv(3, b"\0" + signature))
    return Pair(pem.Block("CERTIFICATE", whole).text(), private(P256))


def private(key: object) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined]

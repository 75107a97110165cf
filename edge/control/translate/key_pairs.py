"""Secrets of type kubernetes.io/tls as certificates that can be shown.

A certificate is taken only if the whole of it can be used: a chain that parses, a key that parses and belongs to the
leaf. Whether it is in date is told, and it is used all the same: browsers say more about that than we could.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import NameOID

from edge.table.describing import date
from edge.table.records import Certificate, wildcard_of

if TYPE_CHECKING:
    from edge.control.kinds.objects import Secret

CHAIN = "tls.crt"
KEY = "tls.key"
LEAST_RSA = 2048
"""Bits; OpenSSL shows no certificate with a shorter key (SSL_CTX_set_security_level(3), level 2)."""
UNREADABLE = (
    ValueError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the library raises for a certificate that is none."""


class CertificateError(ValueError):
    """The Secret holds no usable certificate; the message says why."""


class Material(msgspec.Struct, frozen=True, gc=False):
    """A certificate and the names that it is good for."""

    certificate: Certificate
    names: frozenset[str]
    """Lower case; DNS names of the subject, wildcards among them."""
    not_before: float

    def covers(self, host: str) -> bool:
        """Whether HOST, maybe a wildcard itself, is one of the names (RFC 9525, section 6.3)."""
        return host in self.names or wildcard_of(host) in self.names


def read(secret: Secret) -> Material:
    """The certificate in SECRET.

    Raises:
        CertificateError: there is none that can be used.
    """
    data = secret.data or {}
    for key in (CHAIN, KEY):
        if not data.get(key):
            raise CertificateError(f"it has no {key}")
    metadata = secret.metadata
    return parse(data[CHAIN], data[KEY], namespace=metadata.namespace, name=metadata.name)


def parse(chain: bytes, key: bytes, *, namespace: str = "", name: str = "") -> Material:
    """The certificate in the PEM texts CHAIN, leaf first, and KEY.

    Raises:
        CertificateError: they hold none that can be used.
    """
    try:
        certificates = x509.load_pem_x509_certificates(chain)
        leaf = certificates[0]
        names = _names(leaf)
    except UNREADABLE as error:
        raise CertificateError(f"{CHAIN} is no PEM certificate chain") from error
    try:
        # The full check of an RSA key takes 36 ms: three minutes for 5,000 Secrets. That it belongs to the certificate
        # is seen below, and a worker that cannot use it says so.
        private = serialization.load_pem_private_key(key, password=None, unsafe_skip_rsa_key_validation=True)
        belongs = _public_bytes(private.public_key()) == _public_bytes(leaf.public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CertificateError(f"{KEY} is no unencrypted PEM private key") from error
    if not belongs:
        raise CertificateError(f"{KEY} does not belong to the certificate in {CHAIN}")
    if isinstance(private, RSAPrivateKey) and private.key_size < LEAST_RSA:
        raise CertificateError(f"{KEY} is an RSA key of {private.key_size} bits, and {LEAST_RSA} are the least")
    plain = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)
    record = Certificate(
        namespace=namespace,
        name=name,
        chain=chain if plain == chain else plain,  # the Secret's own bytes, where they hold nothing else
        key=key,
        not_after=leaf.not_valid_after_utc.timestamp(),
        serial=str(leaf.serial_number),
        common_name=_common_name(leaf.subject),
        issuer=_common_name(leaf.issuer),
    )
    return Material(record, names, leaf.not_valid_before_utc.timestamp())


def validity_fault(material: Material, now: float) -> str:
    """What is wrong with the dates of MATERIAL at NOW (Unix seconds); empty: nothing."""
    if now > material.certificate.not_after:
        return f"the certificate expired on {date(material.certificate.not_after)}"
    if now < material.not_before:
        return f"the certificate is not valid before {date(material.not_before)}"
    return ""


def _names(leaf: x509.Certificate) -> frozenset[str]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = [_common_name(leaf.subject)]
    return frozenset(name.lower().removesuffix(".") for name in names if name)


def _common_name(name: x509.Name) -> str:
    values = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(values[0].value) if values else ""


def _public_bytes(key: object) -> bytes:
    encoded: bytes = key.public_bytes(  # type: ignore[attr-defined]  # every key type has it
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded

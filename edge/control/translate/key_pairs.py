"""Secrets of type kubernetes.io/tls as certificates that can be shown.

A certificate is taken only if the whole of it can be used; OpenSSL decides that, as in a worker (`judge`). What it says
is read by rules of our own (`leaf`), which refuse nothing. Whether it is in date is reported, and it is used all the
same: browsers say more about that than we could.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from edge.control.kinds.core import TLS_CHAIN, TLS_KEY
from edge.control.translate import der, leaf, pem
from edge.control.translate.judge import Fault, Judge
from edge.control.translate.pem import PemError
from edge.table.describing import date
from edge.table.records import Certificate, wildcard_of

if TYPE_CHECKING:
    from edge.control.kinds.core import Secret
    from edge.control.translate.leaf import Leaf

LEAST_RSA = 2048
"""Bits; OpenSSL shows no certificate with a shorter key (SSL_CTX_set_security_level(3), level 2)."""
CERTIFICATE = "CERTIFICATE"
CERTIFICATES = (CERTIFICATE, "X509 CERTIFICATE", "TRUSTED CERTIFICATE")
"""Labels by which OpenSSL knows a certificate."""
PRIVATE_KEY = "PRIVATE KEY"
"""Ends the label of every private key."""
_JUDGE = Judge()


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
    for key in (TLS_CHAIN, TLS_KEY):
        if not data.get(key):
            raise CertificateError(f"it has no {key}")
    metadata = secret.metadata
    return parse(data[TLS_CHAIN], data[TLS_KEY], namespace=metadata.namespace, name=metadata.name)


def parse(chain: bytes, key: bytes, *, namespace: str = "", name: str = "") -> Material:
    """The certificate in the PEM texts CHAIN, leaf first, and KEY.

    Raises:
        CertificateError: they hold none that can be used.
    """
    certificates = _certificates(chain)
    private = _private_key(key)
    texts = [one.text() for one in certificates]
    fault = _JUDGE.fault(texts, private.text())
    found = leaf.read(certificates[0].data)
    if fault is not None:
        raise CertificateError(_message(fault, found))
    if found.algorithm == "DSA":
        raise CertificateError(f"{TLS_CHAIN} is for a DSA key, with which no cipher works that Edge offers")
    plain = b"".join(texts)
    record = Certificate(
        namespace=namespace,
        name=name,
        chain=chain if plain == chain else plain,  # the Secret's own bytes, where they hold nothing else
        key=key if private.text() == key else private.text(),
        not_after=found.not_after,
        serial=found.serial,
        common_name=found.common_name,
        issuer=found.issuer,
    )
    return Material(record, found.names, found.not_before)


def validity_fault(material: Material, now: float) -> str:
    """What is wrong with the dates of MATERIAL at NOW (Unix seconds); empty: nothing."""
    if not material.certificate.not_after:
        return "the dates between which the certificate is valid cannot be read"
    if now > material.certificate.not_after:
        return f"the certificate expired on {date(material.certificate.not_after)}"
    if now < material.not_before:
        return f"the certificate is not valid before {date(material.not_before)}"
    return ""


def describe(chain: bytes) -> Leaf:
    """What the first certificate of the PEM text CHAIN says; nothing, where it cannot be read."""
    try:
        return leaf.read(_certificates(chain)[0].data)
    except CertificateError:
        return leaf.Leaf()


def _certificates(chain: bytes) -> list[pem.Block]:
    try:
        found = [_plain(block) for block in pem.blocks(chain) if block.label in CERTIFICATES]
    except PemError as error:
        raise CertificateError(f"{TLS_CHAIN} cannot be read: {error}") from error
    if not found:
        raise CertificateError(f"{TLS_CHAIN} is no PEM certificate chain")
    return found


def _plain(block: pem.Block) -> pem.Block:
    """BLOCK under the usual label, without what OpenSSL's own form of a certificate has behind it."""
    data = block.data
    if block.label.startswith("TRUSTED"):
        with suppress(der.DerError):  # OpenSSL says what is wrong with it
            data = data[: der.read(data).end]
    return pem.Block(CERTIFICATE, data)


def _private_key(key: bytes) -> pem.Block:
    try:
        found = next((block for block in pem.blocks(key) if block.label.endswith(PRIVATE_KEY)), None)
    except PemError as error:
        raise CertificateError(f"{TLS_KEY} cannot be read: {error}") from error
    if found is None or found.headers or found.label.startswith("ENCRYPTED"):
        raise CertificateError(f"{TLS_KEY} is no unencrypted PEM private key")
    return found


def _message(fault: Fault, found: Leaf) -> str:
    """FAULT, of a certificate that says what was FOUND, in the words of a Secret."""
    if fault.part == "pair":
        return f"{TLS_KEY} does not belong to the certificate in {TLS_CHAIN}"
    if fault.code == "EE_KEY_TOO_SMALL" and found.rsa_bits:
        return f"{TLS_KEY} is an RSA key of {found.rsa_bits} bits, and {LEAST_RSA} are the least"
    return f"{TLS_KEY if fault.part == 'key' else TLS_CHAIN}: {fault}"

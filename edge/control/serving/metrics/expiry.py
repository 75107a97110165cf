"""What metrics tell of certificates and the table does not hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509.oid import NameOID

from edge.control.serving.metrics.series import paced

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.table.records import Certificate

ALGORITHMS = (
    (rsa.RSAPublicKey, "RSA"),
    (ec.EllipticCurvePublicKey, "ECDSA"),
    (ed25519.Ed25519PublicKey, "Ed25519"),
    (ed448.Ed448PublicKey, "Ed448"),
    (dsa.DSAPublicKey, "DSA"),
)
"""Kinds of keys as Go, and so ingress-nginx, names them."""


class Issuer(NamedTuple):
    """Who signed a certificate, and for what kind of key."""

    organization: str
    algorithm: str


class Issuers:
    """Those of the certificates seen last: a certificate is parsed once."""

    def __init__(self) -> None:
        self._known: dict[bytes, Issuer] = {}

    def of(self, certificates: Iterable[Certificate]) -> list[Issuer]:
        """For each of CERTIFICATES its issuer."""
        known = {}
        found = []
        for certificate in paced(certificates):
            chain = certificate.chain
            known[chain] = self._known.get(chain) or _read(chain)
            found.append(known[chain])
        self._known = known
        return found


def _read(chain: bytes) -> Issuer:
    try:
        leaf = x509.load_pem_x509_certificate(chain)
        names = leaf.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        key = leaf.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return Issuer("", "")
    algorithm = next((name for kind, name in ALGORITHMS if isinstance(key, kind)), "")
    return Issuer(str(names[0].value) if names else "", algorithm)

"""Facts about certificates that only metrics need; the table does not hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edge.control.serving.pacing import paced
from edge.control.translate import key_pairs as reading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.table.records import Certificate


class Issuer(NamedTuple):
    """The issuer of a certificate, and the kind of its key."""

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
    leaf = reading.describe(chain)
    return Issuer(leaf.issuer_organization, leaf.algorithm)

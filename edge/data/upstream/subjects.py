"""The names that the certificate of an endpoint must have, if URIs are accepted beside host names.

OpenSSL compares host names alone, so here the names of the certificate are compared after the handshake, in which
OpenSSL has verified its signatures. SPIFFE IDs are URIs (SPIFFE X.509-SVID, section 2).
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Subjects:
    """Certificates that are for one of NAMES, or of URIS."""

    def __init__(self, names: Iterable[str], uris: Iterable[str]) -> None:
        self._names = frozenset(name.lower() for name in names)
        self._uris = frozenset(uris)

    def check(self, certificate: bytes) -> None:
        """Check that CERTIFICATE (DER; empty: there is none) is for one of them.

        Raises:
            ssl.SSLCertVerificationError: it is not.
        """
        if not certificate or not self._is_meant(certificate):
            raise ssl.SSLCertVerificationError("the certificate is for none of the names and URIs that it must be for")

    def _is_meant(self, certificate: bytes) -> bool:
        from cryptography import x509  # noqa: PLC0415 - the few transports that need it pay for it

        try:
            found = x509.load_der_x509_certificate(certificate).extensions
            given = found.get_extension_for_class(x509.SubjectAlternativeName).value
        except (ValueError, x509.ExtensionNotFound):
            return False
        uris = given.get_values_for_type(x509.UniformResourceIdentifier)
        names = given.get_values_for_type(x509.DNSName)
        return not self._uris.isdisjoint(uris) or any(map(self._is_named, names))

    def _is_named(self, name: str) -> bool:
        """Whether NAME of a certificate is one of ours; its `*.` stands for one label (RFC 9525, section 6.3)."""
        name = name.lower()
        if not name.startswith("*."):
            return name in self._names
        return any(one.partition(".")[2] == name[2:] for one in self._names)

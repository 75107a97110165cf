"""What OpenSSL tells of the peer of a connection."""

from __future__ import annotations

import ssl

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from edge.data.net import peers
from tests.support.certificates import authority


def test_all_functions_of_openssl_are_there() -> None:
    assert all(vars(peers._openssl()).values())


def test_without_a_connection_there_is_no_certificate() -> None:
    assert peers.peer_of(0, "trust", named=True) == peers.Peer(tls=True, named=True, trust="trust", verify=b"NONE")


def test_a_context_asks_and_names_its_authorities() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert context.verify_mode is ssl.CERT_NONE
    der = x509.load_pem_x509_certificate(authority().certificate).public_bytes(Encoding.DER)
    peers.ask(context, [der], 3)
    assert context.verify_mode is ssl.CERT_OPTIONAL

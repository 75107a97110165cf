"""ssl-ciphers and ssl-prefer-server-ciphers: what handshakes of one host choose among."""

from __future__ import annotations

import socket
import ssl

import pytest

from tests.support.certificates import trusting_all
from tests.support.ingresses import Annotated

AES128, AES256, CHACHA = (
    f"ECDHE-ECDSA-{name}" for name in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
)


def cipher(edge: Annotated, host: str, *offered: str) -> str:
    """The cipher of TLS 1.2 for a client that offers these, in this order; empty: none is in common."""
    context = trusting_all()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(offered))
    try:
        with edge.connect(tls=context, server_name=host) as client:
            assert client.request(host=host).status == 200
            return client.socket.cipher()[0]
    except ssl.SSLError:
        return ""


def test_the_cipher_is_one_of_the_hosts(edge: Annotated) -> None:
    host, other = edge.ingress(ssl_ciphers=f"{AES256}:{AES128}"), edge.ingress()
    assert cipher(edge, host, AES128, AES256, CHACHA) == AES256
    assert cipher(edge, host, CHACHA) == ""
    assert cipher(edge, other, CHACHA) == CHACHA


def test_the_order_is_the_servers_unless_the_host_wants_the_clients(edge: Annotated) -> None:
    assert cipher(edge, edge.ingress(), AES256, AES128) == AES128
    assert cipher(edge, edge.ingress(ssl_prefer_server_ciphers="true"), AES256, AES128) == AES128
    assert cipher(edge, edge.ingress(ssl_prefer_server_ciphers="false"), AES256, AES128) == AES256


def test_of_two_ingresses_the_older_decides_and_the_other_is_told(edge: Annotated) -> None:
    host = edge.ingress(ssl_ciphers=AES256)
    edge.ingress(
        "@ Prefix /other web", host=host, name="zz-younger", ssl_ciphers=AES128, ssl_prefer_server_ciphers="false"
    )
    assert edge.reasons() == ["HostConflict"]
    assert cipher(edge, host, AES128, AES256) == AES256


def test_an_alias_has_the_ciphers_of_its_host(edge: Annotated) -> None:
    edge.ingress(ssl_ciphers=AES256, server_alias="ciphers.example")
    assert cipher(edge, "ciphers.example", AES128, AES256) == AES256


@pytest.mark.parametrize("value", ["no-such-cipher", "AES128; rm -rf", "ECDHE'", "!ALL"])
def test_a_list_that_cannot_be_used_is_reported_and_ignored(edge: Annotated, value: str) -> None:
    host = edge.ingress(ssl_ciphers=value)
    assert edge.reasons() == ["InvalidAnnotation"]
    assert cipher(edge, host, AES128) == AES128


def test_a_session_does_not_carry_a_cipher_to_another_host(edge: Annotated) -> None:
    wide, narrow = edge.ingress(), edge.ingress(ssl_ciphers=AES256)
    context = trusting_all()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{AES128}:{AES256}")
    with edge.connect(tls=context, server_name=wide) as client:
        assert client.request(host=wide).status == 200
        assert client.socket.cipher()[0] == AES128
        session = client.socket.session
    raw = socket.create_connection(("127.0.0.1", edge.edge.https), 40)
    with context.wrap_socket(raw, server_hostname=narrow, session=session) as again:
        assert (again.session_reused, again.cipher()) == (False, (AES256, "TLSv1.2", 256))

"""Keys about TLS of clients: each holds from the next handshake on."""

from __future__ import annotations

import base64
import os
import socket
import ssl
import subprocess

import pytest

from tests.support import objects
from tests.support.certificates import trusting_all
from tests.support.configured import Configured


def shaken(configured: Configured, name: str = "any.example", **context: object) -> ssl.SSLSocket:
    """A connection to the server NAME by a context with these attributes."""
    client = trusting_all()
    if ciphers := context.pop("ciphers", ""):
        client.set_ciphers(str(ciphers))
    if curve := context.pop("curve", ""):
        client.set_ecdh_curve(str(curve))
    for attribute, value in context.items():
        setattr(client, attribute, value)
    found = configured.stage.connect(tls=client, server_name=name).socket
    assert isinstance(found, ssl.SSLSocket)
    return found


def refused(configured: Configured, name: str = "any.example", **context: object) -> str:
    """The alert with which the handshake ends."""
    with pytest.raises(ssl.SSLError) as caught:
        shaken(configured, name, **context)
    return caught.value.reason or ""


OLD = {"maximum_version": ssl.TLSVersion.TLSv1_2}


def test_ssl_protocols(configured: Configured) -> None:
    assert shaken(configured, **OLD).version() == "TLSv1.2"
    configured.configure(ssl_protocols="TLSv1.3")
    assert "PROTOCOL_VERSION" in refused(configured, **OLD)
    assert shaken(configured).version() == "TLSv1.3"
    configured.configure(ssl_protocols="TLSv1.1 TLSv1.2")
    assert shaken(configured).version() == "TLSv1.2"
    configured.configure(ssl_protocols="SSLv3")
    assert configured.problems


def test_ssl_ciphers(configured: Configured) -> None:
    configured.configure(ssl_ciphers="ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384")
    agreed = shaken(configured, **OLD).cipher()
    assert agreed is not None
    assert "AES256" in agreed[0]
    assert "HANDSHAKE_FAILURE" in refused(configured, ciphers="ECDHE+AES128", **OLD)
    configured.configure(ssl_ciphers="NOBODY-KNOWS")
    assert configured.problems
    shaken(configured, ciphers="ECDHE+AES128", **OLD)


def test_ssl_ecdh_curve(configured: Configured) -> None:
    configured.configure(ssl_ecdh_curve="P-384:secp521r1")
    assert "HANDSHAKE_FAILURE" in refused(configured, curve="prime256v1", **OLD)
    shaken(configured, curve="secp384r1")
    shaken(configured, curve="secp521r1")
    configured.configure(ssl_ecdh_curve="auto")
    shaken(configured, curve="prime256v1")
    configured.configure(ssl_ecdh_curve="P-257")
    assert configured.problems


def test_ssl_dh_param(configured: Configured) -> None:
    dh = {"ciphers": "DHE+AESGCM", **OLD}
    assert "HANDSHAKE_FAILURE" in refused(configured, **dh)  # the certificate of the stage is no RSA key
    configured.configure(ssl_dh_param="infra/dh")
    assert [one.reason for one in configured.problems] == ["MissingSecret"]
    configured.apply(objects.secret("dh", namespace="infra", kind="Opaque", **{"dhparam.pem": b"nonsense"}))
    assert [one.reason for one in configured.problems] == ["InvalidValue"]
    made = subprocess.run(
        ["openssl", "dhparam", "-dsaparam", "-out", "-", "2048"], capture_output=True, check=True
    ).stdout
    configured.apply(objects.secret("dh", namespace="infra", kind="Opaque", **{"dhparam.pem": made}))
    assert not configured.problems
    assert configured.world.tls["p:"].dh_parameters == made  # type: ignore[attr-defined]
    shaken(configured)


def resumed(configured: Configured, **context: object) -> bool:
    """Whether a second handshake resumes the session of the first."""
    client = trusting_all()
    for attribute, value in context.items():
        setattr(client, attribute, value)
    with configured.stage.connect(tls=client, server_name="any.example") as first:
        first.request(host="any.example")
        assert isinstance(first.socket, ssl.SSLSocket)
        session = first.socket.session
    with socket.create_connection(("127.0.0.1", configured.stage.edge.https), 10) as plain:
        second = client.wrap_socket(plain, server_hostname="any.example", session=session)
        with second:
            return bool(second.session_reused)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_ssl_session_tickets_and_cache(configured: Configured, version: ssl.TLSVersion) -> None:
    assert resumed(configured, maximum_version=version)
    configured.configure(ssl_session_tickets="false", ssl_session_cache="false")
    assert not resumed(configured, maximum_version=version)
    configured.configure(ssl_session_tickets="false", ssl_session_cache="true", ssl_session_cache_size="1m")
    assert resumed(configured, maximum_version=version)


def test_ssl_session_timeout(configured: Configured) -> None:
    configured.configure(ssl_session_timeout="30m")
    with configured.stage.connect(tls=trusting_all(), server_name="any.example") as client:
        client.request(host="any.example")
        assert isinstance(client.socket, ssl.SSLSocket)
        session = client.socket.session
        assert session is not None
        assert session.ticket_lifetime_hint == 1800


@pytest.mark.parametrize("size", [48, 80])
def test_ssl_session_ticket_key(configured: Configured, size: int) -> None:
    """Of either size that nginx takes."""
    key = base64.b64encode(os.urandom(size)).decode()
    configured.configure(ssl_session_ticket_key=key)
    assert not configured.problems
    assert resumed(configured)
    configured.configure(ssl_session_ticket_key="c2hvcnQ=")
    assert configured.problems


def test_ssl_reject_handshake(configured: Configured, host: str) -> None:
    shaken(configured, "nobody.example")
    configured.configure(ssl_reject_handshake="true")
    assert "UNRECOGNIZED_NAME" in refused(configured, "nobody.example")
    shaken(configured, host)


def test_use_http2(configured: Configured) -> None:
    def agreed() -> str | None:
        client = trusting_all()
        client.set_alpn_protocols(["h2", "http/1.1"])
        found = configured.stage.connect(tls=client, server_name="any.example").socket
        assert isinstance(found, ssl.SSLSocket)
        return found.selected_alpn_protocol()

    assert agreed() == "h2"
    configured.configure(use_http2="false")
    assert agreed() == "http/1.1"

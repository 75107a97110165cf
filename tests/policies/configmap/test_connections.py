"""Keys about connections of clients, and about who the client is."""

from __future__ import annotations

from tests.support.clients import head
from tests.support.configured import Configured

# --- connections of clients -------------------------------------------------------------------------------------------


def test_keep_alive_requests_holds_for_connections_that_are_open(configured: Configured, host: str) -> None:
    with configured.stage.connect() as client:
        assert client.request(host=host).get("connection") is None
        configured.configure(keep_alive_requests="3")
        assert client.request(host=host).get("connection") is None
        assert client.request(host=host).get("connection") == "close"
        assert client.is_closed()


def test_keep_alive_of_0_keeps_none(configured: Configured, host: str) -> None:
    configured.configure(keep_alive="0")
    assert configured.get(host).get("connection") == "close"


def test_client_header_timeout(configured: Configured, host: str) -> None:
    configured.configure(client_header_timeout="1")
    with configured.stage.connect() as client:
        client.send(head("/", host=host)[:-2])
        assert client.response().status == 408


def test_client_body_timeout(configured: Configured, host: str) -> None:
    configured.configure(client_body_timeout="1")
    with configured.stage.connect() as client:
        client.send(head("/", method="POST", host=host, fields=[("Content-Length", "5")]))
        assert client.response().status == 408


# --- who the client is ------------------------------------------------------------------------------------------------


def test_use_forwarded_headers_holds_for_connections_that_are_open(configured: Configured, host: str) -> None:
    claim = [("X-Forwarded-For", "192.0.2.7")]

    with configured.stage.connect() as client:

        def told() -> str:
            return str(dict(client.request(host=host, fields=claim).json()["headers"])["X-Forwarded-For"])

        assert told() == "127.0.0.1"
        configured.configure(use_forwarded_headers="true")
        assert told() == "192.0.2.7"
        configured.configure(use_forwarded_headers="true", proxy_real_ip_cidr="10.0.0.0/8")
        assert told() == "127.0.0.1"


def test_use_proxy_protocol_holds_for_the_next_connection(configured: Configured, host: str) -> None:
    configured.configure(use_proxy_protocol="true")
    with configured.stage.connect() as client:
        client.send(b"PROXY TCP4 192.0.2.9 192.0.2.1 4000 80\r\n" + head("/", host=host))
        assert dict(client.response().json()["headers"])["X-Forwarded-For"] == "192.0.2.9"
    configured.configure()
    assert configured.get(host).status == 200

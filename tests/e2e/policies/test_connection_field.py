"""connection-proxy-header: the Connection field that endpoints get."""

from __future__ import annotations

import pytest

from tests.support.ingresses import Annotated


def connection(edge: Annotated, host: str) -> list[str]:
    return [value for name, value in edge.get(host).json()["headers"] if name.lower() == "connection"]


@pytest.mark.parametrize("value", ["close", "keep-alive"])
def test_endpoints_get_it(edge: Annotated, value: str) -> None:
    host = edge.ingress(connection_proxy_header=value)
    assert connection(edge, host) == connection(edge, host) == [value]


def test_without_it_endpoints_get_none(edge: Annotated) -> None:
    assert connection(edge, edge.ingress()) == []


def test_a_request_for_another_protocol_keeps_its_own(edge: Annotated) -> None:
    host = edge.ingress(connection_proxy_header="close")
    with edge.connect() as client:
        client.send(
            f"GET /websocket HTTP/1.1\r\nHost: {host}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        assert client.head().status == 101


def test_any_other_value_is_reported_and_ignored(edge: Annotated) -> None:
    host = edge.ingress(connection_proxy_header="upgrade")
    assert edge.reasons() == ["InvalidAnnotation"]
    assert connection(edge, host) == []

"""proxy-http-version: what the request line says that endpoints get."""

from __future__ import annotations

import pytest

from tests.support.backends import Peer, Script, read_head
from tests.support.ingresses import Annotated


def test_endpoints_get_http_1_0_and_the_same_fields(edge: Annotated) -> None:
    seen: list[tuple[str, int]] = []

    def play(peer: Peer) -> None:
        while True:
            request = read_head(peer)
            seen.append((request.version, request.connection))
            assert request.get("Host")
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with Script(play) as server:
        edge.service("old", server)
        host = edge.ingress("@ Prefix / old", proxy_http_version="1.0")
        assert [edge.get(host).status for _ in range(3)] == [200] * 3
        assert seen == [("HTTP/1.0", 1), ("HTTP/1.0", 2), ("HTTP/1.0", 3)], "each on a connection of its own"
        host = edge.ingress("@ Prefix / old", proxy_http_version="1.1")
        assert [edge.get(host).status for _ in range(2)] == [200] * 2
        assert seen[3:] == [("HTTP/1.1", 4), ("HTTP/1.1", 4)]


@pytest.mark.parametrize("buffering", ["on", "off"])
def test_content_of_unknown_length_is_read_first(edge: Annotated, buffering: str) -> None:
    host = edge.ingress(proxy_http_version="1.0", proxy_request_buffering=buffering)
    assert edge.get(host, method="POST", body=b"abc").json()["body"] == "abc"
    with edge.connect() as client:
        client.send(
            f"POST / HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".encode()
        )
        assert client.response("POST").json()["body"] == "abc"


@pytest.mark.parametrize("value", ["2", "1", "HTTP/1.0"])
def test_any_other_version_is_reported_and_ignored(edge: Annotated, value: str) -> None:
    host = edge.ingress(proxy_http_version=value)
    assert edge.reasons() == ["InvalidAnnotation"]
    assert edge.get(host).status == 200

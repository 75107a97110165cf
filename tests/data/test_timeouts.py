"""Slow and silent clients are let go: in a head, in a body, between requests."""

from __future__ import annotations

import contextlib
import time

import pytest

from tests.support import objects
from tests.support.backends import Backend
from tests.support.clients import BrokenError, Client
from tests.support.edge import Edge, write

GET = b"GET / HTTP/1.1\r\nHost: web.example\r\n\r\n"


@pytest.fixture(scope="module")
def backend():
    with Backend() as one:
        yield one


@pytest.fixture(scope="module")
def edge(backend, tmp_path_factory):
    folder = tmp_path_factory.mktemp("manifests")
    endpoints = objects.endpoints("web", "127.0.0.1", port=backend.port)
    write(folder, "all.yaml", objects.ingress_class(), objects.ingress(), objects.service(target="http"), endpoints)
    flags = (
        "--client-header-timeout=0.4",
        "--client-body-timeout=0.4",
        "--keep-alive=0.4",
        "--tls-handshake-timeout=0.4",
    )
    with Edge(folder, "--no-access-log", *flags) as one:
        yield one


def trickle(client: Client, data: bytes) -> None:
    """Send DATA a byte at a time, never silent for long, until the peer has had enough."""
    with contextlib.suppress(ConnectionError):
        for byte in data:
            client.send(bytes([byte]))
            time.sleep(0.02)


def test_a_client_that_says_nothing_is_let_go(edge):
    with edge.connect() as client:
        assert client.is_closed()


def test_a_head_has_to_come_in_time_however_busily_it_comes(edge, backend):
    seen = len(backend.requests)
    head = GET[:-2] + b"X: " + b"y" * 200
    for data in (head, b"\r\n" + head, b"\r"):
        with edge.connect() as client:
            trickle(client, data)
            assert client.is_closed()
    assert len(backend.requests) == seen


def test_a_head_may_take_its_time_within_the_limit(edge):
    with edge.connect() as client:
        for _ in range(3):
            client.send(GET[:10])
            time.sleep(0.1)
            client.send(GET[10:])
            assert client.response().status == 200


def test_a_body_that_stops_is_cut(edge, backend):
    seen = len(backend.requests)
    for start in (b"Content-Length: 10\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel"):
        with edge.connect() as client:
            client.send(b"POST / HTTP/1.1\r\nHost: web.example\r\n" + start)
            with contextlib.suppress(BrokenError):
                assert client.response().status == 408
            assert client.is_closed()
    assert all(request.body != b"hello" for request in backend.requests[seen:])


def test_a_body_that_goes_on_is_not_cut(edge):
    with edge.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: web.example\r\nContent-Length: 40\r\n\r\n")
        trickle(client, b"x" * 40)
        assert client.response().json()["body"] == "x" * 40


def test_an_idle_connection_is_let_go(edge):
    with edge.connect() as client:
        assert client.request().status == 200
        assert client.is_closed()


def test_a_client_that_does_not_shake_hands_is_let_go(edge):
    for begin in (b"", b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03"):
        with Client(edge.https) as client:
            client.send(begin)
            assert client.is_closed()

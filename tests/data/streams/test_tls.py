"""TLS that is passed on by its server name, and TLS that is ended in front of plain TCP, on the port of HTTPS."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from edge.table.streams import server_stream_key
from tests.support.backends import Backend
from tests.support.certificates import Pair, issue, self_signed, trusting_all
from tests.support.clients import get
from tests.support.plain import PATIENCE, Server, echo, exactly, read_all
from tests.support.stage import Stage
from tests.support.waiting import eventually

PASSED, WILD, ENDED = "passed.example", "*.wild.example", "ended.example"


@pytest.fixture(scope="module")
def inner() -> Pair:
    """The certificate of the endpoint that TLS is passed on to."""
    return self_signed("endpoint.example")


@pytest.fixture(scope="module")
def secure(inner: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An endpoint that speaks TLS, and sends everything back."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*inner.write(tmp_path_factory.mktemp("inner")))
    context.set_alpn_protocols(["mqtt"])

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            while data := tls.recv(65536):
                tls.sendall(data)

    with Server(handle) as server:
        yield server


@pytest.fixture(scope="module")
def plain() -> Iterator[Server]:
    with Server(echo) as server:
        yield server


def prepare(stage: Stage, secure: Server, plain: Server) -> None:
    stage.stream(server_stream_key(PASSED), secure.address, name="passed")
    stage.stream(server_stream_key(WILD), secure.address, name="wild")
    stage.stream(server_stream_key(ENDED), plain.address, name="ended", terminate=True)
    stage.certificate(issue(ENDED, "web.example"), ENDED, "web.example")


@pytest.fixture(scope="module")
def stage(secure: Server, plain: Server) -> Iterator[Stage]:
    with Stage() as made:
        prepare(made, secure, plain)
        yield made


def names(tls: ssl.SSLSocket) -> str:
    """The subject of the certificate that was shown."""
    from cryptography import x509  # noqa: PLC0415

    shown = tls.getpeercert(binary_form=True)
    assert shown is not None
    found = x509.load_der_x509_certificate(shown).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(found[0].value)


def secured(
    stage: Stage, name: str, *, alpn: list[str] | None = None, first: bytes = b"", port: int = 0
) -> ssl.SSLSocket:
    context = trusting_all()
    if alpn:
        context.set_alpn_protocols(alpn)
    sock = socket.create_connection(("127.0.0.1", port or stage.edge.https), PATIENCE)
    sock.sendall(first)
    return context.wrap_socket(sock, server_hostname=name or None)


def test_tls_of_a_server_name_is_passed_on(stage: Stage) -> None:
    """The client talks to the endpoint: its certificate, its protocols."""
    with secured(stage, PASSED, alpn=["mqtt"]) as tls:
        assert names(tls) == "endpoint.example"
        assert tls.selected_alpn_protocol() == "mqtt"
        tls.sendall(b"inside")
        assert tls.recv(10) == b"inside"


@pytest.mark.parametrize("name", ["a.wild.example", "PASSED.example"])
def test_names_match_as_those_of_hosts(stage: Stage, name: str) -> None:
    with secured(stage, name) as tls:
        assert names(tls) == "endpoint.example"


def test_hosts_beside_it_have_https(stage: Stage) -> None:
    with Backend("web") as backend:
        host = stage.serve(backend, host="web.example")
        response = get(stage.edge.https, host=host, tls=trusting_all(), server_name=host)
    assert response.get("X-Backend") == "web"


@pytest.mark.parametrize("name", ["other.example", ""])
def test_other_names_and_none_have_the_default_certificate(stage: Stage, name: str) -> None:
    with secured(stage, name) as tls:
        assert names(tls) == "default.example"


def test_a_host_is_more_specific_than_a_wildcard(stage: Stage) -> None:
    with Backend("web") as backend:
        stage.serve(backend, host="own.wild.example")
        with secured(stage, "own.wild.example") as tls:
            assert names(tls) == "default.example"


def hello(name: str) -> bytes:
    """A ClientHello."""
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        trusting_all().wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
    return out.read()


def small_records(data: bytes) -> bytes:
    """The message in DATA, one record, as records of few bytes."""
    message = data[5:]
    parts = [message[at : at + 50] for at in range(0, len(message), 50)]
    return b"".join(data[:3] + len(part).to_bytes(2, "big") + part for part in parts)


@pytest.mark.parametrize("cut", [lambda data: data, small_records], ids=["one record", "small records"])
def test_a_hello_in_pieces(stage: Stage, cut: Callable[[bytes], bytes]) -> None:
    """The endpoint gets all of it, however it came: it answers with a ServerHello."""
    with socket.create_connection(("127.0.0.1", stage.edge.https), PATIENCE) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = cut(hello(PASSED))
        pause = threading.Event()
        for at in range(0, len(data), 97):
            sock.sendall(data[at : at + 97])
            pause.wait(0.005)
        assert exactly(sock, 3) == b"\x16\x03\x03"


def test_the_outer_name_of_an_encrypted_hello_counts(stage: Stage) -> None:
    """ECH (RFC 9849) has the name of the provider outside; what is within is the endpoint's matter."""
    data = hello(PASSED)
    extension = struct.pack(">HH", 0xFE0D, 64) + bytes(64)
    body = data[9:]
    at = 34 + 1 + body[34]
    at += 2 + int.from_bytes(body[at : at + 2], "big")
    at += 1 + body[at]
    size = int.from_bytes(body[at : at + 2], "big") + len(extension)
    body = body[:at] + size.to_bytes(2, "big") + extension + body[at + 2 :]
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    with socket.create_connection(("127.0.0.1", stage.edge.https), PATIENCE) as sock:
        sock.sendall(data[:3] + len(message).to_bytes(2, "big") + message)
        assert exactly(sock, 3) == b"\x16\x03\x03"


@pytest.mark.parametrize(
    "spoilt",
    [b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", b"\x16\x03\x01\x00\x00", b"\x00" * 64, b"\x80\x2e\x01\x03\x01"],
    ids=["short", "empty", "zeros", "SSL 2"],
)
def test_what_is_no_hello_reaches_no_endpoint(stage: Stage, secure: Server, spoilt: bytes) -> None:
    before = secure.connections
    with socket.create_connection(("127.0.0.1", stage.edge.https), PATIENCE) as sock, suppress(OSError):
        sock.sendall(spoilt)
        sock.shutdown(socket.SHUT_WR)
        read_all(sock)
    assert secure.connections == before
    with secured(stage, PASSED) as tls:
        assert names(tls) == "endpoint.example"


def test_tls_is_ended_in_front_of_plain_tcp(stage: Stage) -> None:
    """The endpoint gets what is inside; nothing is chosen of the client's protocols."""
    with secured(stage, ENDED, alpn=["h2", "mqtt"]) as tls:
        assert tls.selected_alpn_protocol() is None
        tls.sendall(b"inside")
        assert tls.recv(10) == b"inside"
        tls.unwrap().close()


def test_a_stream_that_goes_leaves_its_name_to_https(stage: Stage, secure: Server) -> None:
    key = server_stream_key("gone.example")
    stage.stream(key, secure.address, name="gone")
    with secured(stage, "gone.example") as tls:
        assert names(tls) == "endpoint.example"
        stage.drop(key)
        with secured(stage, "gone.example") as later:
            assert names(later) == "default.example"
        tls.sendall(b"still")
        assert tls.recv(10) == b"still"


def test_with_a_proxy_header_in_front(secure: Server, plain: Server) -> None:
    """The header is taken off, and endpoints get none."""
    with Stage("--use-proxy-protocol") as stage:
        prepare(stage, secure, plain)
        for name in (PASSED, ENDED):
            with secured(stage, name, first=b"PROXY TCP4 192.0.2.7 198.51.100.1 1111 443\r\n") as tls:
                tls.sendall(b"inside")
                assert tls.recv(10) == b"inside"
        eventually(lambda: stage.edge.output.count("[192.0.2.7] ") == 2)

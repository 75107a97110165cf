"""The PROXY protocol: what a header says, what is none, and that nothing behind it is taken."""

from __future__ import annotations

import ssl
import struct

import gevent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.data.accepting.proxy_protocol import MAGIC, Source, read
from edge.data.net._stream import sweep
from edge.data.net.errors import Incomplete, MessageError, StreamTimeout
from tests.support import certificates, objects
from tests.support.backends import Backend
from tests.support.clients import Client
from tests.support.edge import Edge, write
from tests.support.wire import single, stream_pair, torn

NEXT = b"\x16\x03\x01 or GET / HTTP/1.1\r\n\r\n"
FOUR = bytes((192, 0, 2, 1, 198, 51, 100, 2)) + struct.pack(">HH", 40000, 443)
SIX = bytes.fromhex("20010db800000000000000000000000120010db8000000000000000000000002") + struct.pack(">HH", 1, 65535)
MAPPED = bytes.fromhex("00000000000000000000ffffc000020100000000000000000000ffffc6336402") + struct.pack(">HH", 5, 80)
UNIX = bytes(216)
TLVS = b"\x01\x00\x02h2" + b"\x20\x00\x05\x01\x00\x00\x00\x00" + b"\x04\x00\x00"


def binary(command: int, family: int, body: bytes, length: int | None = None) -> bytes:
    """A version 2 header."""
    return MAGIC + struct.pack(">BBH", command, family, len(body) if length is None else length) + body


def outcome(pieces: list[bytes], *, end: bool = False) -> tuple[Source | type | None, bytes]:
    """What is read from PIECES, and what is left in the socket; END: nothing comes behind them."""
    with stream_pair() as (stream, far):
        reading = gevent.spawn(read, stream)
        count = 0
        while count < len(pieces) and not reading.dead:
            far.sendall(pieces[count])
            gevent.sleep(1e-6)  # a turn of the event loop
            count += 1
        if end:
            far.shutdown(1)
        try:
            found = reading.get(timeout=40)
        except MessageError as error:
            return type(error), b""
        if not end:
            far.sendall(b"".join(pieces[count:]))
        stream.fill(True)
        return found, stream.peek()


GOOD = [
    ("TCP4", b"PROXY TCP4 192.0.2.1 198.51.100.2 40000 443\r\n", Source("192.0.2.1", 40000, "198.51.100.2", 443)),
    ("TCP6", b"PROXY TCP6 2001:DB8::1 2001:db8::2 1 65535\r\n", Source("2001:db8::1", 1, "2001:db8::2", 65535)),
    ("port 0", b"PROXY TCP4 192.0.2.1 192.0.2.2 0 0\r\n", Source("192.0.2.1", 0, "192.0.2.2", 0)),
    ("mapped", b"PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 1 2\r\n", Source("192.0.2.1", 1, "192.0.2.2", 2)),
    (
        "the longest line",
        b"PROXY TCP6 " + b" ".join([b"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"] * 2) + b" 65535 65535\r\n",
        Source(*["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535] * 2),
    ),
    ("UNKNOWN", b"PROXY UNKNOWN\r\n", None),
    ("UNKNOWN with anything", b"PROXY UNKNOWN whatever it is \xff\r\n", None),
    ("IPv4", binary(0x21, 0x11, FOUR), Source("192.0.2.1", 40000, "198.51.100.2", 443)),
    ("IPv6", binary(0x21, 0x21, SIX), Source("2001:db8::1", 1, "2001:db8::2", 65535)),
    ("IPv4 within IPv6", binary(0x21, 0x21, MAPPED), Source("192.0.2.1", 5, "198.51.100.2", 80)),
    ("IPv4 and TLVs", binary(0x21, 0x11, FOUR + TLVS), Source("192.0.2.1", 40000, "198.51.100.2", 443)),
    ("IPv4 and large TLVs", binary(0x21, 0x11, FOUR + bytes(4000)), Source("192.0.2.1", 40000, "198.51.100.2", 443)),
    ("LOCAL", binary(0x20, 0x00, b""), None),
    ("LOCAL with addresses", binary(0x20, 0x11, FOUR + TLVS), None),
    ("unspecified family", binary(0x21, 0x00, b""), None),
    ("Unix", binary(0x21, 0x31, UNIX), None),
    ("UDP", binary(0x21, 0x12, FOUR), None),
]


@pytest.mark.parametrize(("header", "source"), [pytest.param(*case[1:], id=case[0]) for case in GOOD])
def test_a_header_is_read_and_nothing_behind_it(header, source):
    assert outcome([header + NEXT]) == (source, NEXT)
    assert outcome([*single(header + NEXT[:1]), NEXT[1:]]) == (source, NEXT)
    for seed in range(3):
        assert outcome([*(piece for piece in torn(header, seed) if piece), NEXT]) == (source, NEXT)


LINE = b"PROXY TCP4 192.0.2.1 198.51.100.2 40000 443\r\n"

BAD = [
    ("HTTP", b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100)),
    ("lower case", LINE.lower()),
    ("another protocol", LINE.replace(b"TCP4", b"UDP4")),
    ("no protocol", b"PROXY \r\n" + bytes(20)),
    ("bare LF", LINE.replace(b"\r\n", b"\n")),
    ("CR within", LINE.replace(b" 443", b"\r443")),
    ("two spaces", LINE.replace(b" 443", b"  443")),
    ("tab", LINE.replace(b" 443", b"\t443")),
    ("space at the end", LINE.replace(b"\r\n", b" \r\n")),
    ("a field too many", LINE.replace(b"\r\n", b" 1\r\n")),
    ("a field too few", LINE.replace(b" 443", b"")),
    ("a name for an address", LINE.replace(b"192.0.2.1", b"localhost")),
    ("an octet of 256", LINE.replace(b"192.0.2.1", b"256.0.2.1")),
    ("an octet with a zero before", LINE.replace(b"192.0.2.1", b"192.0.2.01")),
    ("three octets", LINE.replace(b"192.0.2.1", b"192.0.2")),
    ("IPv6 for TCP4", LINE.replace(b"192.0.2.1", b"::1")),
    ("IPv4 for TCP6", LINE.replace(b"TCP4", b"TCP6")),
    ("a zone", b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n"),
    ("a port of 65536", LINE.replace(b"443", b"65536")),
    ("a negative port", LINE.replace(b"443", b"-1")),
    ("a signed port", LINE.replace(b"443", b"+443")),
    ("a port with a zero before", LINE.replace(b"443", b"0443")),
    ("a port of letters", LINE.replace(b"443", b"http")),
    ("a port with an underscore", LINE.replace(b"443", b"4_3")),
    ("no port", LINE.replace(b" 443", b" ")),
    ("a line of 108 bytes", b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n"),
    ("an endless line", b"PROXY TCP4 " + b"1" * 200),
    ("version 1 in binary", binary(0x11, 0x11, FOUR)),
    ("version 3 in binary", binary(0x31, 0x11, FOUR)),
    ("an unknown command", binary(0x22, 0x11, FOUR)),
    ("an unknown family", binary(0x21, 0x41, FOUR)),
    ("an unknown transport", binary(0x21, 0x13, FOUR)),
    ("too short for IPv4", binary(0x21, 0x11, FOUR[:-1])),
    ("too short for IPv6", binary(0x21, 0x21, SIX[:-1])),
    ("too long", binary(0x21, 0x11, FOUR + bytes(5000))),
    ("a magic with a fault", b"\r\n\r\n\0\r\nQUIX\n" + bytes(20)),
]


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in BAD])
def test_what_is_no_header_is_a_fault(data):
    assert outcome([data])[0] is MessageError
    assert outcome(single(data[:300]))[0] is MessageError


@pytest.mark.parametrize("header", [LINE, binary(0x21, 0x11, FOUR + TLVS)])
def test_a_header_that_ends_early_is_incomplete(header):
    for end in range(len(header)):
        assert outcome([header[:end]], end=True)[0] is Incomplete


def test_a_header_that_does_not_come_is_not_waited_for():
    timer = gevent.get_hub().loop.timer(0.005, 0.005)
    timer.start(sweep)
    try:
        for begin in (b"", b"PROXY TCP4 192.0.2", MAGIC):
            with stream_pair() as (stream, far):
                far.sendall(begin)
                stream.expire_in(0.01)
                with pytest.raises(StreamTimeout):
                    read(stream)
    finally:
        timer.stop()
        timer.close()


@given(st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", MAGIC, MAGIC + b"\x21\x11\x00"]), st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_garbage_is_a_header_or_a_fault_and_never_more(begin, rest):
    found, left = outcome([begin + rest], end=True)
    assert found in (MessageError, Incomplete, None) or isinstance(found, Source)
    assert (begin + rest).endswith(left)


def test_tls_goes_on_behind_a_header(tmp_path):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificates.issue("a.example").write(tmp_path))
    with stream_pair() as (stream, far):

        def connect() -> bytes:
            far.sendall(LINE)
            with certificates.trusting().wrap_socket(far, server_hostname="a.example") as client:
                client.sendall(b"hello")
                return client.recv(10)

        client = gevent.get_hub().threadpool.spawn(connect)
        assert read(stream) == Source("192.0.2.1", 40000, "198.51.100.2", 443)
        stream.accept_tls(server)
        stream.fill(True)
        stream.send(stream.peek().upper())
        assert client.get(timeout=40) == b"HELLO"


# --- at a real Edge ---

FORCED = {"nginx.ingress.kubernetes.io/force-ssl-redirect": "true"}


@pytest.fixture(scope="module")
def edge(tmp_path_factory):
    """One that expects the protocol on every connection, with one application that tells what it gets."""
    folder = tmp_path_factory.mktemp("manifests")
    pair = certificates.issue("web.example")
    with Backend() as backend:
        write(
            folder,
            "all.yaml",
            objects.ingress_class(),
            objects.ingress(secret="tls", annotations={"nginx.ingress.kubernetes.io/ssl-redirect": "false"}),
            objects.ingress("forced", host="forced.example", annotations=FORCED),
            objects.service(target="http"),
            objects.endpoints("web", "127.0.0.1", port=backend.port),
            objects.secret(tls_crt=pair.certificate, tls_key=pair.key),
        )
        with Edge(folder, "--use-proxy-protocol", "--no-access-log") as one:
            yield one


def told(port: int, header: bytes, *, tls: ssl.SSLContext | None = None) -> dict[str, str]:
    """The fields that an application gets over a connection that begins with HEADER."""
    with Client(port) as client:
        client.send(header)
        if tls is not None:
            client.socket = tls.wrap_socket(client.socket, server_hostname="web.example")
        return {name.lower(): value for name, value in client.request().json()["headers"]}


@pytest.mark.parametrize("header", [LINE, binary(0x21, 0x11, FOUR + TLVS)])
def test_an_application_is_told_the_source_of_the_header(edge, header):
    fields = told(edge.http, header)
    assert fields["x-forwarded-for"] == fields["x-real-ip"] == "192.0.2.1"
    assert fields["x-forwarded-port"] == "443"
    fields = told(edge.https, header, tls=certificates.trusting())
    assert fields["x-forwarded-for"] == "192.0.2.1"
    assert (fields["x-forwarded-port"], fields["x-forwarded-proto"]) == ("443", "https")


def test_a_balancer_that_ended_tls_says_so_by_the_port_of_its_header(edge):
    assert told(edge.http, LINE)["x-forwarded-proto"] == "https"
    assert told(edge.http, LINE.replace(b"443", b"80"))["x-forwarded-proto"] == "http"


@pytest.mark.parametrize(("header", "status"), [(LINE, 200), (LINE.replace(b"443", b"80"), 308)])
def test_what_came_by_tls_to_a_balancer_is_not_redirected_to_it(edge, header, status):
    with Client(edge.http) as client:
        client.send(header)
        assert client.request(host="forced.example").status == status


@pytest.mark.parametrize("begin", [b"", LINE[:20], MAGIC])
def test_how_long_a_header_may_take_is_a_setting(tmp_path, begin):
    """Without the flag it is 5 seconds, longer than this client waits."""
    write(tmp_path, "class.yaml", objects.ingress_class())
    with Edge(tmp_path, "--use-proxy-protocol", "--proxy-protocol-header-timeout=0.1") as edge:
        for port in (edge.http, edge.https):
            with Client(port, timeout=4.0) as client:
                client.send(begin)
                assert client.is_closed()


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", binary(0x20, 0, b"")])
def test_without_a_source_the_peer_is_the_client(edge, header):
    fields = told(edge.http, header)
    assert fields["x-forwarded-for"] == "127.0.0.1"
    assert fields["x-forwarded-port"] == str(edge.http)


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\nHost: web.example\r\n\r\n", b"PROXY TCP4 x\r\n\r\n", b"\x16\x03\x01"]
)
def test_a_connection_without_a_header_is_closed_without_an_answer(edge, data):
    for port in (edge.http, edge.https):
        with Client(port) as client:
            client.send(data)
            assert client.is_closed()
    assert "connection from 127.0.0.1 is closed: " in edge.log
    assert "(use-proxy-protocol is on)" in edge.log


def test_a_probe_that_connects_and_closes_is_not_complained_of(tmp_path):
    write(tmp_path, "class.yaml", objects.ingress_class())
    with Edge(tmp_path, "--use-proxy-protocol") as edge:
        for _ in range(3):
            with Client(edge.http):
                pass
        with Client(edge.http) as client:
            client.send(b"GET / HTTP/1.1\r\n\r\n")
            assert client.is_closed()
        assert "is closed: no PROXY protocol header" in edge.log
        assert "ended within" not in edge.log

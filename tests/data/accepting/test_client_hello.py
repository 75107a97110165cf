"""ClientHellos of real clients, in whatever pieces, and of no client at all."""

from __future__ import annotations

import logging
import socket
import ssl
import struct
import subprocess
import threading
import time
from contextlib import ExitStack, suppress
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.data.accepting import client_hello, handshake
from edge.data.accepting.client_hello import LONGEST, ClientHello, Incomplete, NotAHelloError, Reader, parse
from edge.data.accepting.contexts import Contexts, ServerContext
from edge.data.net._stream import Stream
from edge.table.reader import TableReader
from tests.support import certificates, objects
from tests.support.clients import Client
from tests.support.edge import Edge, write

TLS_1_2, TLS_1_3 = 0x0303, 0x0304
GREASE = 0x1A1A


def of_python(server_name: str | None = "a.example", *, alpn: list[str] | None = None, **options: object) -> bytes:
    """The hello of Python's `ssl`; OPTIONS are set on the context."""
    context = ssl.create_default_context()
    context.check_hostname = False
    for name, value in options.items():
        setattr(context, name, value)
    if alpn:
        context.set_alpn_protocols(alpn)
    written = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), written, server_hostname=server_name).do_handshake()
    return written.read()


def of_openssl(*flags: str) -> bytes:
    """The hello of `openssl s_client`."""
    received = []

    def take() -> None:
        sock, _ = server.accept()
        with sock:
            data = sock.recv(65536)
            while isinstance(parse(data), Incomplete):
                data += sock.recv(65536)
            received.append(data)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=take)
        thread.start()
        command = ["openssl", "s_client", "-connect", "{}:{}".format(*server.getsockname()), *flags]
        subprocess.run(command, input=b"", capture_output=True, timeout=40, check=False)
        thread.join(40)
    return received[0]


# --- made by hand ---


def extension(kind: int, body: bytes) -> bytes:
    return struct.pack(">HH", kind, len(body)) + body


def name(host: bytes, kind: int = 0) -> bytes:
    entry = struct.pack(">BH", kind, len(host)) + host
    return extension(0, struct.pack(">H", len(entry)) + entry)


def alpn(*protocols: bytes) -> bytes:
    names = b"".join(bytes([len(protocol)]) + protocol for protocol in protocols)
    return extension(16, struct.pack(">H", len(names)) + names)


def versions(*numbers: int) -> bytes:
    return extension(43, bytes([2 * len(numbers)]) + struct.pack(f">{len(numbers)}H", *numbers))


def hello(*extensions: bytes, session: bytes = bytes(32), with_extensions: bool = True, behind: bytes = b"") -> bytes:
    """A handshake message."""
    body = struct.pack(">H", TLS_1_2) + bytes(32) + bytes([len(session)]) + session
    body += struct.pack(">HHH", 4, 0x1301, 0x1302) + b"\x01\x00"
    if with_extensions:
        together = b"".join(extensions)
        body += struct.pack(">H", len(together)) + together
    body += behind
    return b"\x01" + len(body).to_bytes(3, "big") + body


def records(message: bytes, size: int = 16384) -> bytes:
    """MESSAGE in records of SIZE."""
    parts = [message[at : at + size] for at in range(0, len(message), size)]
    return b"".join(struct.pack(">BHH", 22, 0x0301, len(part)) + part for part in parts)


# --- what is read ---


def test_pythons_hello_tells_name_protocols_and_versions():
    found = parse(of_python("A.Example", alpn=["h2", "http/1.1"]))
    assert found == ClientHello("a.example", (b"h2", b"http/1.1"), (TLS_1_3, TLS_1_2))
    found = parse(of_python(None, maximum_version=ssl.TLSVersion.TLSv1_2))
    assert found == ClientHello("", (), (TLS_1_2,))
    assert parse(of_python(minimum_version=ssl.TLSVersion.TLSv1_3)) == ClientHello("a.example", (), (TLS_1_3,))


def test_openssls_hello_is_read():
    """Its command line sends other extensions than Python does."""
    flags = ["-servername", "b.example", "-alpn", "http/1.1,h2", "-status", "-curves", "X25519:P-256:P-384"]
    found = parse(of_openssl(*flags))
    assert (found.server_name, found.alpn) == ("b.example", (b"http/1.1", b"h2"))
    assert found.versions[0] == TLS_1_3


def test_every_beginning_of_a_hello_is_incomplete():
    for data in (of_python(alpn=["h2"]), records(hello(name(b"a.example"), alpn(b"h2")), 30)):
        for end in range(len(data)):
            found = parse(data[:end])
            assert isinstance(found, Incomplete)
            assert end < found.need <= len(data)
        assert isinstance(parse(data), ClientHello)
        assert parse(data + b"what follows") == parse(data)


def test_what_is_needed_is_enough_to_get_on():
    data = records(hello(name(b"a.example"), extension(21, bytes(3000))), 700)
    steps, have = 0, 0
    while isinstance(found := parse(data[:have]), Incomplete):
        have = found.need
        steps += 1
    assert found.server_name == "a.example"
    assert steps < 12


def test_a_hello_may_be_spread_over_records():
    message = hello(name(b"a.example"), alpn(b"http/1.1"), versions(TLS_1_3))
    expected = ClientHello("a.example", (b"http/1.1",), (TLS_1_3,))
    for size in (len(message), len(message) - 1, 100, 40, 5, 3, 2, 1):
        assert parse(records(message, size)) == expected


def largest() -> bytes:
    """A hello of the largest size: each of its lists is as long as it can be."""
    body = struct.pack(">H", TLS_1_2) + bytes(32) + bytes([32]) + bytes(32)
    body += struct.pack(">H", 65534) + b"\x13\x01" * 32767 + bytes([255]) + bytes(255)
    known = name(b"a.example") + alpn(b"http/1.1") + versions(TLS_1_3)
    extensions = known + extension(21, bytes(65535 - len(known) - 4))
    body += struct.pack(">H", len(extensions)) + extensions
    assert len(body) == LONGEST
    return b"\x01" + len(body).to_bytes(3, "big") + body


@pytest.mark.parametrize("size", [16384, 16383, 1000, 1])
@pytest.mark.parametrize("piece", [1 << 20, 16389, 7, 1])
def test_a_hello_of_the_largest_size_is_read_however_it_is_cut(size, piece):
    data = records(largest(), size)
    reader = Reader()
    for at in range(0, len(data) - 1, piece):
        assert reader.feed(data[at : min(at + piece, len(data) - 1)]) is None
        assert 0 < reader.need <= 16384
    assert reader.held < LONGEST + 4
    assert reader.feed(data[-1:] + b"behind") == ClientHello("a.example", (b"http/1.1",), (TLS_1_3,))
    assert reader.records() == records(largest()) + b"behind"


def test_what_stands_behind_a_hello_in_its_record_stays_there():
    message = hello(name(b"a.example"))
    reader = Reader()
    assert reader.feed(records(message, 30)[:-1]) is None
    assert parse(records(message + b"more")) == parse(records(message))
    reader = Reader()
    reader.feed(records(message + b"more") + b"rest")
    assert reader.records() == records(message + b"more") + b"rest"


def test_a_long_list_of_protocols_is_read_but_not_remembered():
    many = [b"%05d" % number for number in range(9000)]
    assert parse(records(hello(alpn(*many)))).alpn == tuple(many)
    assert client_hello._protocols.cache_info().currsize <= 64
    before = client_hello._protocols.cache_info()
    parse(records(hello(alpn(*many))))
    assert client_hello._protocols.cache_info() == before


def test_post_quantum_shares_and_grease_are_passed_over():
    message = hello(
        extension(GREASE, b""),
        extension(51, bytes(1216 + 32 + 20)),  # X25519MLKEM768 and X25519
        versions(GREASE, TLS_1_3, TLS_1_2),
        alpn(b"\x0a\x0a", b"h2"),
        name(b"a.example"),
        extension(0xFE0D, bytes(250)),  # encrypted hello
        extension(GREASE, b"\0"),
        extension(21, bytes(10000)),
    )
    assert parse(records(message)) == ClientHello("a.example", (b"\x0a\x0a", b"h2"), (TLS_1_3, TLS_1_2))


@pytest.mark.parametrize("without", [hello(), hello(with_extensions=False), hello(session=b"")])
def test_a_hello_may_tell_nothing(without):
    assert parse(records(without)) == ClientHello("", (), (TLS_1_2,))


@pytest.mark.parametrize(
    ("sent", "read"),
    [(b"A.EXAMPLE.", "a.example"), (b"192.0.2.1", "192.0.2.1"), (b"a_b", "a_b"), (b"x" * 255, "x" * 255)],
)
def test_a_name_is_compared_in_lower_case_without_its_dot(sent, read):
    assert parse(records(hello(name(sent)))).server_name == read


BAD = [
    ("HTTP", b"GET / HTTP/1.1\r\n\r\n"),
    ("SSH", b"SSH-2.0-x\r\n"),
    ("SSLv2", b"\x80\x2e\x01\x03\x01"),
    ("an alert", b"\x15\x03\x01\x00\x02\x02\x28"),
    ("another version of the record", b"\x16\x04\x00\x00\x05"),
    ("an empty record", b"\x16\x03\x01\x00\x00"),
    ("a record of 16385 bytes", b"\x16\x03\x01\x40\x01"),
    ("a ServerHello", records(b"\x02" + hello()[1:])),
    ("a hello larger than any", b"\x16\x03\x01\x00\x04\x01\x02\x01\x45"),
    ("a hello that claims to be large", b"\x16\x03\x01\x00\x04\x01\xff\xff\xff"),
    ("a second record of another kind", records(hello(name(b"a")), 60)[:65] + b"\x17\x03\x03\x00\x10" + bytes(16)),
    ("a late record of another kind", records(hello(name(b"a")), 1)[: 6 * 60] + b"\x15"),
    ("a late record that is empty", records(hello(name(b"a")), 1)[: 6 * 60] + b"\x16\x03\x01\x00\x00"),
    ("a ServerHello in small records", records(b"\x02" + hello()[1:], 1)[:6]),
    ("a hello larger than any in small records", records(b"\x01\x02\x01\x45", 1)),
    ("something behind the extensions", records(hello(name(b"a"), behind=b"\0"))),
    ("an extension longer than the rest", records(hello(b"\x00\x15\x00\xff"))),
    ("half an extension", records(hello(b"\x00\x15\x00"))),
    ("a session id longer than the rest", records(b"\x01\x00\x00\x25" + bytes(34) + b"\xff\0\0")),
    ("a hello of nothing", records(b"\x01\x00\x00\x00")),
    ("no random", records(b"\x01\x00\x00\x05" + bytes(5))),
    ("two names", records(hello(name(b"a.example"), name(b"b.example")))),
    ("two names in one extension", records(hello(extension(0, b"\x00\x08\x00\x00\x01a\x00\x00\x01b")))),
    ("a name of another kind", records(hello(name(b"a.example", 1)))),
    ("an empty name", records(hello(name(b"")))),
    ("an empty list of names", records(hello(extension(0, b"\0\0")))),
    ("no list of names", records(hello(extension(0, b"")))),
    ("a name of 256 bytes", records(hello(name(b"x" * 256)))),
    ("NUL in the name", records(hello(name(b"a\0b")))),
    ("a space in the name", records(hello(name(b"a b")))),
    ("a line end in the name", records(hello(name(b"a\r\nb")))),
    ("UTF-8 in the name", records(hello(name("ä.example".encode())))),
    ("two lists of protocols", records(hello(alpn(b"h2"), alpn(b"http/1.1")))),
    ("an empty list of protocols", records(hello(alpn()))),
    ("an empty protocol", records(hello(alpn(b"")))),
    ("a protocol longer than the list", records(hello(extension(16, b"\x00\x03\x09h2")))),
    ("a list of protocols longer than its extension", records(hello(extension(16, b"\x00\xff\x02h2")))),
    ("an empty list of versions", records(hello(versions()))),
    ("half a version", records(hello(extension(43, b"\x03\x03\x04\x03")))),
    ("a list of versions longer than its extension", records(hello(extension(43, b"\x08\x03\x04")))),
]


@pytest.mark.parametrize("data", [pytest.param(data, id=name_) for name_, data in BAD])
def test_what_is_no_hello_is_told_at_once(data):
    with pytest.raises(NotAHelloError):
        parse(data)


def test_the_first_byte_tells_a_client_that_speaks_http():
    for byte in range(256):
        if byte != 22:
            with pytest.raises(NotAHelloError):
                parse(bytes([byte]))
    assert parse(b"") == Incomplete(5)
    assert parse(b"\x16") == Incomplete(5)


BEGINNINGS = [b"", b"\x16\x03\x01\x01\x00", b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03"]


@given(st.binary(max_size=400), st.sampled_from(BEGINNINGS))
@settings(max_examples=300, deadline=None)
def test_garbage_is_a_hello_or_incomplete_or_a_fault(rest, begin):
    try:
        found = parse(begin + rest)
    except NotAHelloError:
        return
    if isinstance(found, Incomplete):
        assert len(begin + rest) < found.need <= LONGEST


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_spoiled_hello_is_a_hello_or_incomplete_or_a_fault(data):
    good = bytearray(records(hello(name(b"a.example"), versions(TLS_1_3), alpn(b"h2", b"http/1.1")), 60))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = parse(bytes(good))
    except NotAHelloError:
        return
    assert isinstance(found, ClientHello | Incomplete)


# --- at a real Edge ---


@pytest.fixture(scope="module")
def edge(tmp_path_factory):
    """One with two hosts, each with a certificate of its own."""
    folder = tmp_path_factory.mktemp("manifests")
    write(folder, "class.yaml", objects.ingress_class())
    for name in ("one", "two"):
        pair = certificates.issue(f"{name}.example")
        write(
            folder,
            f"{name}.yaml",
            objects.ingress(name, host=f"{name}.example", secret=name),
            objects.secret(name, tls_crt=pair.certificate, tls_key=pair.key),
        )
    with Edge(folder, "--no-access-log") as one:
        yield one


def send_slowly(port: int, server_name: str, size: int) -> ssl.SSLObject:
    """Shake hands with the hello in segments of SIZE; the connection as the client has it."""
    read, written_ = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = certificates.trusting().wrap_bio(read, written_, server_hostname=server_name)
    with Client(port) as client:
        while True:
            try:
                connection.do_handshake()
            except ssl.SSLWantReadError:
                data = written_.read()
                for at in range(0, len(data), size):
                    client.send(data[at : at + size])
                    time.sleep(0.001)  # so that the segments are not joined
                received = client.socket.recv(65536)
                assert received, "closed within the handshake"
                read.write(received)
            else:
                return connection


@pytest.mark.parametrize("size", [1000, 100, 5, 1])
def test_a_hello_in_many_segments_chooses_its_certificate(edge, size):
    for name_ in ("one.example", "two.example"):
        shown = send_slowly(edge.https, name_, size).getpeercert()
        assert ("DNS", name_) in shown["subjectAltName"]


def first_bytes_back(port: int, data: bytes, piece: int) -> bytes:
    """What comes back first for DATA, sent in segments of PIECE."""
    with Client(port) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(data), piece):
            client.send(data[at : at + piece])
        return client.socket.recv(65536)


def padded(message: bytes, size: int) -> bytes:
    """MESSAGE, a ClientHello, with an unknown extension that fills it up to SIZE bytes."""
    at = 4 + 35 + message[38]
    at += 2 + int.from_bytes(message[at : at + 2], "big")
    at += 1 + message[at]
    extensions = message[at + 2 :] + extension(GREASE, bytes(size - len(message) - 4))
    body = message[4:at] + struct.pack(">H", len(extensions)) + extensions
    return b"\x01" + len(body).to_bytes(3, "big") + body


def filled(message: bytes) -> bytes:
    """MESSAGE, a ClientHello of TLS 1.2, with each of its lists as long as it can be."""
    at = 4 + 35 + message[38]
    suites = message[at + 2 : at + 2 + int.from_bytes(message[at : at + 2], "big")]
    at += 2 + len(suites)
    extensions = message[at + 1 + message[at] + 2 :]
    suites += b"\x0a\x0a" * ((65534 - len(suites)) // 2)
    extensions += extension(GREASE, bytes(65535 - len(extensions) - 4))
    body = message[4:38] + b"\x20" + bytes(32) + struct.pack(">H", len(suites)) + suites + b"\xff" + bytes(255)
    body += struct.pack(">H", len(extensions)) + extensions
    assert len(body) == LONGEST
    return b"\x01" + len(body).to_bytes(3, "big") + body


@pytest.mark.parametrize("size", [2000, 16384, 20000, 65536])
@pytest.mark.parametrize("record", [16384, 999, 16, 1])
def test_a_hello_of_any_size_in_any_records_is_answered(edge, size, record):
    message = padded(of_python("one.example")[5:], size)
    assert len(message) == size
    answer = first_bytes_back(edge.https, records(message, record), 1 << 20)
    assert (answer[:1], answer[5:6]) == (b"\x16", b"\x02")


@pytest.mark.parametrize("record", [16384, 1000, 1])
def test_the_largest_hello_is_answered(edge, record):
    message = filled(of_python("one.example", maximum_version=ssl.TLSVersion.TLSv1_2)[5:])
    answer = first_bytes_back(edge.https, records(message, record), 1 << 20)
    assert (answer[:1], answer[5:6]) == (b"\x16", b"\x02")


def test_a_hello_in_records_and_segments_of_one_byte_is_answered(edge):
    answer = first_bytes_back(edge.https, records(padded(of_python("one.example")[5:], 3000), 1), 1)
    assert (answer[:1], answer[5:6]) == (b"\x16", b"\x02")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("record", [1, 7, 100])
def test_a_connection_goes_on_behind_a_hello_in_many_records(edge, version, record):
    """The handshake hashes the hello, whatever records it came in."""
    context = certificates.trusting()
    context.minimum_version = context.maximum_version = version
    read, written_ = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(read, written_, server_hostname="two.example")
    with Client(edge.https) as client:
        with pytest.raises(ssl.SSLWantReadError):
            connection.do_handshake()
        client.send(records(written_.read()[5:], record))
        while True:
            read.write(client.socket.recv(65536))
            try:
                connection.do_handshake()
            except ssl.SSLWantReadError:
                client.send(written_.read())
            else:
                break
        connection.write(b"GET / HTTP/1.1\r\nHost: two.example\r\nConnection: close\r\n\r\n")
        client.send(written_.read())
        answer = b""
        while b"\r\n\r\n" not in answer:
            try:
                answer += connection.read(65536)
            except ssl.SSLWantReadError:
                read.write(client.socket.recv(65536))
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert ("DNS", "two.example") in connection.getpeercert()["subjectAltName"]


def test_hellos_that_do_not_end_make_room_for_others(edge):
    """A worker holds 32 MiB of them: the oldest ends first."""
    beginning = records(filled(of_python("one.example", maximum_version=ssl.TLSVersion.TLSv1_2)[5:]))
    with ExitStack() as opened:
        clients = []
        for _ in range(270):
            client = opened.enter_context(Client(edge.https))
            client.send(beginning[:-1])
            clients.append(client)
        assert clients[0].is_closed()
        clients[-1].send(beginning[-1:])
        assert clients[-1].socket.recv(1) == b"\x16"


class OneContext(Contexts):
    """CONTEXT for every server name."""

    def __init__(self, directory, context):
        super().__init__(TableReader(directory), http2=False)
        self.chosen = ServerContext(context, 0)

    def choose(self, _server_name):
        return self.chosen

    def rejects(self, _server_name):
        return False


@pytest.mark.parametrize("record", [16384, 100])
def test_without_openssl_itself_a_hello_stays_in_the_socket(monkeypatch, tmp_path, record):
    """And may be no larger than the socket's buffer."""
    monkeypatch.setattr(handshake.OPENSSL, "reachable", False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates.issue("one.example").write(tmp_path))
    contexts = OneContext(tmp_path, context)
    counters = SimpleNamespace(add=lambda *_: None)
    read, written_ = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = certificates.trusting().wrap_bio(read, written_, server_hostname="one.example")

    def connect() -> None:
        with pytest.raises(ssl.SSLWantReadError):
            connection.do_handshake()
        data = records(written_.read()[5:], record)
        for at in range(0, len(data), 200):
            far.send(data[at : at + 200])
            time.sleep(0.005)
        while not done.is_set():
            read.write(far.recv(65536))
            with suppress(ssl.SSLWantReadError):
                connection.do_handshake()
                done.set()
            far.send(written_.read())

    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), 10) as far:
        near, _ = server.accept()
        near.setblocking(False)
        stream = Stream(near)
        thread = threading.Thread(target=connect)
        thread.start()
        accepted = handshake.Handshakes(contexts, counters, logging.getLogger(), timeout=10).accept(stream)
        thread.join(10)
        stream.close()
        assert accepted is not None
        assert done.is_set()


@pytest.mark.parametrize(
    "spoiled",
    [
        b"\x17\x03\x03\x00\x01\x00",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\x40\x01",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_cannot_go_on_as_a_hello_is_not_waited_for(edge, spoiled):
    message = padded(of_python("one.example")[5:], 20000)
    for whole_records in (1, 500):
        with Client(edge.https) as client:
            client.send(records(message, 16)[: 21 * whole_records])
            time.sleep(0.05)
            client.send(spoiled)
            assert client.is_closed()


def test_plain_http_on_the_tls_port_is_told_so(edge):
    with Client(edge.https) as client:
        response = client.request()
        assert (response.status, response.get("connection")) == (400, "close")
        assert b"plain HTTP request" in response.body
        assert client.is_closed()


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x00\x04\x01\xff\xff\xff", b"\0" * 10, b"\x80\x2e\x01\x03\x01"])
def test_garbage_on_the_tls_port_is_not_waited_for(edge, data):
    with Client(edge.https) as client:
        client.send(data)
        assert client.is_closed()

"""Raw bytes at a real Edge: what an endpoint sees is one request with one meaning, or none, and never a second."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import httptools
import pytest

from tests.data import test_body, test_head
from tests.support import objects
from tests.support.backends import Listener, Peer, Script
from tests.support.clients import BrokenError, Client
from tests.support.edge import Edge, write
from tests.support.oracles import Told
from tests.support.waiting import eventually

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"
HEAD = b"POST /first HTTP/1.1\r\nHost: a.example\r\n"
SIZED = b"Content-Length: %d\r\n\r\n%s"


class Recorder(Listener):
    """An endpoint that keeps all bytes it gets, has llhttp read them, and answers each complete request."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        """What came on each connection."""
        self.targets: list[bytes] = []
        """Of the complete requests."""
        self.bodies: list[bytes] = []
        self.faults: list[Exception] = []
        self._changes = threading.Lock()
        super().__init__()

    def serve(self, peer: Peer) -> None:
        told = Told()
        parser = httptools.HttpRequestParser(told)
        with self._changes:
            number = len(self.sent)
            self.sent.append(b"")
        answered = 0
        while data := peer.socket.recv(65536):
            with self._changes:
                self.sent[number] += data
            try:
                parser.feed_data(data)
            except httptools.HttpParserError as error:
                self.faults.append(error)
                return
            if told.complete > answered:
                assert told.complete == answered + 1, "two requests before an answer to the first"
                answered += 1
                self.targets.append(b"".join(told.start))
                self.bodies.append(told.body)
                told.start, told.body = [], b""
                peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def forget(self) -> None:
        """Begin anew, on new connections."""
        self.close_connections()
        eventually(lambda: self.open == 0)
        self.sent, self.targets, self.bodies, self.faults = [], [], [], []


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with Recorder() as one:
        yield one


@pytest.fixture(scope="module")
def edge(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """One that sends whatever host to the recorder."""
    folder = tmp_path_factory.mktemp("manifests")
    every = objects.ingress()
    del every["spec"]["rules"][0]["host"]
    slices = objects.endpoints("web", "127.0.0.1", port=recorder.port)
    write(folder, "all.yaml", objects.ingress_class(), every, objects.service(target="http"), slices)
    with Edge(folder, "--no-access-log") as one:
        yield one


@pytest.fixture(autouse=True)
def _anew(recorder: Recorder) -> None:
    recorder.forget()


def exchange(edge: Edge, data: bytes, *, half_close: bool = False) -> tuple[list[int], bytes]:
    """Send DATA; the status codes of all answers until Edge closes, and what came behind them."""
    statuses = []
    with edge.connect(timeout=40) as client:
        try:
            client.send(data)
            if half_close:
                client.socket.shutdown(socket.SHUT_WR)
            while True:
                statuses.append(client.response().status)
        except (BrokenError, ConnectionError):
            return statuses, client.buffer


# --- what is refused ---

ENDLESS = ("end ", "endless ", "long request line", "TLS")
"""Cases that are about an end or a limit: a second request cannot stand behind them."""
HEADS = [pytest.param(*case[1:], id=case[0]) for case in test_head.REFUSED if not case[0].startswith(ENDLESS)]
ENDS = [pytest.param(*case[1:], id=case[0]) for case in test_head.REFUSED if case[0].startswith("end ")]


@pytest.mark.parametrize(("status", "data"), HEADS)
def test_a_refused_head_ends_the_connection_and_reaches_nobody(edge, recorder, status, data):
    assert exchange(edge, data + SMUGGLED) == ([status], b"")
    assert recorder.sent == []


@pytest.mark.parametrize(("status", "data"), ENDS)
def test_half_a_request_reaches_nobody_as_a_whole_one(edge, recorder, status, data):
    statuses, rest = exchange(edge, data, half_close=True)
    assert statuses in ([], [status])
    assert rest == b""
    assert recorder.targets == []


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in test_body.BAD])
def test_a_refused_chunk_breaks_the_request_before_it_is_complete(edge, recorder, data):
    statuses, rest = exchange(edge, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + data + SMUGGLED)
    assert statuses in ([], [400])
    assert rest == b""
    eventually(lambda: recorder.open == 0)
    assert recorder.targets == []
    assert all(b"smuggled" not in sent.partition(b"\r\n\r\n")[0] for sent in recorder.sent)


# --- what is accepted ---

ACCEPTED = [
    # name, request, target, body
    ("a body that is a request", HEAD + SIZED % (len(SMUGGLED), SMUGGLED), b"/first", SMUGGLED),
    (
        "a chunk that is a request",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED),
        b"/first",
        SMUGGLED,
    ),
    (
        "a chunk that is an end",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n",
        b"/first",
        b"0\r\n\r\n",
    ),
    (
        "an extension that is a request",
        HEAD + b'Transfer-Encoding: chunked\r\n\r\n1;a="GET / HTTP/1.1"\r\nx\r\n0\r\n\r\n',
        b"/first",
        b"x",
    ),
    (
        "trailers that frame",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nContent-Length: 50\r\nTransfer-Encoding: x\r\n\r\n",
        b"/first",
        b"x",
    ),
    (
        "framing that Connection names",
        HEAD + b"Connection: content-length, host\r\nContent-Length: 3\r\n\r\nabc",
        b"/first",
        b"abc",
    ),
    (
        "framing with underscores",
        HEAD + b"Content_Length: 50\r\nTransfer_Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
        b"/first",
        b"abc",
    ),
    ("GET with a body", b"GET /first HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nabc", b"/first", b"abc"),
    ("HEAD with a body", b"HEAD /first HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nabc", b"/first", b"abc"),
    (
        "h2c with a body",
        HEAD + b"Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n" + SIZED % (1, b"x"),
        b"/first",
        b"x",
    ),
    ("an upgrade with a body", HEAD + b"Connection: upgrade\r\nUpgrade: x\r\n" + SIZED % (1, b"x"), b"/first", b"x"),
    ("an empty line before", b"\r\n" + HEAD + SIZED % (1, b"x"), b"/first", b"x"),
    ("an absolute target", b"POST http://b/first HTTP/1.1\r\nHost: a\r\n" + SIZED % (1, b"x"), b"/first", b"x"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "target", "body"), [pytest.param(*case[1:], id=case[0]) for case in ACCEPTED])
def test_an_accepted_request_is_one_request_and_what_follows_is_the_next(edge, recorder, data, target, body):
    following = b"GET /following HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"
    if data.startswith(b"HEAD"):
        with edge.connect() as client:
            client.send(data + following)
            assert client.response("HEAD").status == client.response().status == 200
    else:
        assert exchange(edge, data + following) == ([200, 200], b"")
    assert recorder.targets == [target, b"/following"]
    assert recorder.bodies == [body, b""]
    assert recorder.faults == []


def test_an_absolute_target_speaks_for_its_host(edge, recorder):
    assert exchange(edge, b"GET http://b.example/x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")[0] == [
        200
    ]
    assert recorder.sent[0].startswith(b"GET /x HTTP/1.1\r\nHost: b.example\r\n")
    assert b"a.example" not in recorder.sent[0]


def test_an_endpoint_sees_one_framing_and_no_hop_by_hop_field(edge, recorder):
    data = (
        HEAD + b"Connection: close, secret\r\nSecret: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nProxy: x\r\nA_b: c\r\n"
        b"Proxy-Connection: x\r\nTransfer-Encoding: Chunked\r\nTrailer: T\r\n\r\n1\r\nx\r\n0\r\nT: 1\r\nHost: h\r\n\r\n"
    )
    assert exchange(edge, data)[0] == [200]
    head, _, body = recorder.sent[0].partition(b"\r\n\r\n")
    names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:]]
    assert names.count(b"transfer-encoding") == 1
    assert not {b"connection", b"secret", b"keep-alive", b"te", b"proxy", b"a_b", b"content-length"} & set(names)
    assert b"trailer" in names
    assert body == b"1\r\nx\r\n0\r\nT: 1\r\n\r\n"


def test_a_body_that_nobody_took_is_not_the_next_request(edge, recorder):
    """Answered without an endpoint, or before the endpoint has read it all."""
    head = b"POST / HTTP/1.1\r\nHost: a.example\r\nExpect: 200-maybe\r\n"
    body = SMUGGLED * 10
    assert exchange(edge, head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)) == ([417], b"")
    assert recorder.sent == []


# --- what endpoints answer ---

OK = b"HTTP/1.1 200 OK\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
EVIL = OK + b"Content-Length: 4\r\n\r\nevil"


@pytest.fixture(scope="module")
def playing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """An Edge in front of an endpoint that plays: a function that sets the play."""
    plays = []

    def newest(peer: Peer) -> None:
        plays[-1](peer)

    with Script(newest) as script:
        slices = objects.endpoints("web", "127.0.0.1", port=script.port)
        folder = tmp_path_factory.mktemp("manifests")
        write(folder, "all.yaml", objects.ingress_class(), objects.ingress(), objects.service(target="http"), slices)
        with Edge(folder, "--no-access-log") as edge:

            def play(function) -> Edge:
                script.close_connections()
                plays.append(function)
                return edge

            yield play


def raw(answer: bytes):
    """A play: whatever comes is answered by the same bytes, and the connection is kept."""

    def play(peer: Peer) -> None:
        while True:
            peer.line()
            peer.fields()
            peer.send(answer)

    return play


def closing(answer: bytes):
    """A play: one answer, and the end."""

    def play(peer: Peer) -> None:
        peer.line()
        peer.fields()
        peer.send(answer)

    return play


def test_endpoints_are_believed_no_more_than_clients(playing):
    for name, answer in test_head.REFUSED_RESPONSES:
        if name.startswith("end ") or name == "bad chunk":
            continue
        edge = playing(closing(answer))
        with edge.connect() as client:
            response = client.request()
            assert response.status == 502, name
            assert b"evil" not in response.body


def read_all(sock: socket.socket) -> bytes:
    """Everything until an orderly end."""
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data


@pytest.mark.parametrize("answer", [
    OK + b"Content-Length: 10\r\n\r\nhello",
    OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
    OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n",
    OK + b"Transfer-Encoding: chunked\r\n\r\nx\r\nhello\r\n0\r\n\r\n",
])  # fmt: skip
def test_an_answer_that_ends_early_or_breaks_never_looks_complete(playing, answer):
    edge = playing(closing(answer))
    with edge.connect() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: web.example\r\n\r\n")
        with pytest.raises(BrokenError):
            client.response()
    with edge.connect() as client:
        client.send(b"GET / HTTP/1.0\r\nHost: web.example\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            read_all(client.socket)


def test_an_answer_with_bad_trailers_never_looks_complete(playing):
    edge = playing(closing(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA : b\r\n\r\n"))
    with edge.connect() as client, pytest.raises(BrokenError):
        client.request()


SURPLUS = [
    ("behind a sized body", OK + b"Content-Length: 2\r\n\r\nok" + EVIL),
    ("behind a chunked body", OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + EVIL),
    ("behind an empty body", b"HTTP/1.1 204 No Content\r\n\r\n" + EVIL),
    ("a body where there is none", b"HTTP/1.1 204 No Content\r\nContent-Length: %d\r\n\r\n" % len(EVIL) + EVIL),
    ("a body of 304", b"HTTP/1.1 304 Not Modified\r\nContent-Length: %d\r\n\r\n" % len(EVIL) + EVIL),
]


@pytest.mark.parametrize("answer", [pytest.param(answer, id=name) for name, answer in SURPLUS])
def test_surplus_bytes_of_one_answer_are_not_the_next(playing, answer):
    edge = playing(raw(answer))
    for _ in range(3):
        with edge.connect() as client:
            for _ in range(2):
                response = client.request()
                assert response.status in (200, 204, 304)
                assert b"evil" not in response.body


def test_surplus_bytes_that_come_late_are_not_the_next_answer(playing):
    """Once they have come: the connection is not used again."""
    released, closed = threading.Event(), threading.Event()
    surplus = [EVIL]

    def play(peer: Peer) -> None:
        late = surplus.pop() if surplus else b""
        peer.line()
        peer.fields()
        peer.send(OK + b"Content-Length: 2\r\n\r\nok")
        released.wait(40)
        peer.send(late)
        try:
            peer.line()
        finally:
            closed.set()

    edge = playing(play)
    with edge.connect() as client:
        assert client.request().body == b"ok"
        released.set()
        assert closed.wait(40)
        assert client.request().body == b"ok"


def test_a_body_of_an_answer_to_head_is_not_the_next_answer(playing):
    edge = playing(raw(OK + b"Content-Length: 4\r\n\r\nevil"))
    with edge.connect() as client:
        client.send(b"HEAD / HTTP/1.1\r\nHost: web.example\r\n\r\n")
        assert client.response("HEAD").get("content-length") == "4"
        for _ in range(2):
            assert client.request().status == 200


def test_interim_answers_end_some_time(playing):
    edge = playing(closing(HINTS * 100 + OK + b"Content-Length: 2\r\n\r\nok"))
    with edge.connect() as client:
        response = client.request()
        assert response.status == 502
        assert len(response.interim) < 100
    edge = playing(closing(HINTS * 3 + OK + b"Content-Length: 2\r\n\r\nok"))
    with edge.connect() as client:
        response = client.request()
        assert (response.body, len(response.interim)) == (b"ok", 3)


def test_an_endpoint_cannot_switch_protocols_unasked(playing):
    edge = playing(closing(b"HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n" + EVIL))
    with edge.connect() as client:
        assert client.request().status == 502


def test_an_answer_has_one_framing_whatever_the_endpoint_says(playing):
    answer = (
        OK + b"Transfer-Encoding: chunked\r\nConnection: close, secret\r\nSecret: 1\r\nKeep-Alive: 1\r\n\r\n2\r\nok\r\n"
        b"0\r\nContent-Length: 5\r\nA: b\r\nSet-Cookie: x\r\n\r\n"
    )
    edge = playing(closing(answer))
    with edge.connect() as client:
        response = client.request()
        assert (response.body, response.trailers) == (b"ok", [("A", "b")])
        names = [name.lower() for name, _ in response.fields]
        assert names.count("transfer-encoding") == 1
        assert not {"secret", "keep-alive", "connection"} & set(names)
        assert isinstance(client, Client)

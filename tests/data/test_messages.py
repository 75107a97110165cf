"""Messages of every form pass, whole and as they are, whatever HTTP/1 either side speaks."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from edge.table.counters import WorkerWord
from edge.table.policies import BodyLimit
from tests.support.backends import Backend, GoneError, Listener, Peer, Script, body_pieces, pattern, read_head
from tests.support.clients import Client, head
from tests.support.stage import STREAMED, Stage
from tests.support.waiting import eventually

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def host(stage: Stage, backend: Backend) -> str:
    return stage.serve(backend)


class Answering(Listener):
    """Answers every request, whose body it reads first, with the same bytes; CLOSE: and closes."""

    def __init__(self, answer: bytes, *, close: bool = False) -> None:
        self.answer = answer
        self.closes = close
        super().__init__()

    def serve(self, peer: Peer) -> None:
        while True:
            for _ in body_pieces(peer, read_head(peer)):
                pass
            peer.send(self.answer)
            if self.closes:
                return


# --- connections ---


def test_requests_one_after_another_share_connections_on_both_sides(stage: Stage) -> None:
    with Backend() as backend, stage.connect() as client:
        host = stage.serve(backend)
        numbers = [client.request("/", host=host).json()["connection"] for _ in range(5)]
        assert numbers == [1] * 5


def test_connections_to_endpoints_are_shared_by_clients(stage: Stage) -> None:
    with Backend() as backend:
        host = stage.serve(backend)
        assert [stage.get(host).json()["connection"] for _ in range(5)] == [1] * 5


def test_pipelined_requests_are_answered_in_order(stage: Stage, host: str) -> None:
    with stage.connect() as client:
        targets = [f"/{number}" for number in range(20)]
        client.send(b"".join(head(target, host=host) for target in targets))
        assert [client.response().json()["target"] for _ in targets] == targets


def test_pipelined_requests_with_bodies_are_told_apart(stage: Stage, host: str) -> None:
    with stage.connect() as client:
        bodies = [b"one", b"", b"x" * 40_000, b"GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n"]
        sized = b"".join(head("/", method="POST", host=host, body=body) + body for body in bodies)
        chunked = head("/", method="POST", host=host, fields=[("Transfer-Encoding", "chunked")])
        client.send(sized + chunked + b"3\r\nfou\r\n1\r\nr\r\n0\r\n\r\n" + head("/last", host=host))
        assert [client.response().json()["body"].encode() for _ in bodies] == bodies
        assert client.response().json()["body"] == "four"
        assert client.response().json()["target"] == "/last"


def test_a_client_that_says_close_is_closed(stage: Stage, host: str) -> None:
    with stage.connect() as client:
        response = client.request("/", host=host, fields=[("Connection", "close")])
        assert response.get("connection") == "close"
        assert client.is_closed()


def test_an_endpoint_that_says_close_is_not_asked_again_on_that_connection(stage: Stage) -> None:
    answer = OK + b"Content-Length: 2\r\nConnection: close\r\n\r\nok"
    with Answering(answer, close=True) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint)
        for _ in range(3):
            response = client.request("/", host=host)
            assert (response.body, response.get("connection")) == (b"ok", None)
        assert endpoint.connections == 3


def test_a_connection_is_closed_after_as_many_requests_as_are_allowed() -> None:
    with Stage("--keep-alive-requests=3") as stage, Backend() as backend, stage.connect() as client:
        host = stage.serve(backend)
        closes = [client.request("/", host=host).get("connection") for _ in range(3)]
        assert closes == [None, None, "close"]
        assert client.is_closed()


def test_the_last_answer_reaches_a_client_that_goes_on_sending() -> None:
    """Closing with something unread would reset the connection, and the answer with it."""
    with Stage("--keep-alive-requests=1") as stage, Backend() as backend:
        host = stage.serve(backend)
        for _ in range(20):
            with stage.connect() as client:
                client.send(head("/bytes/100000", host=host) + head("/next", host=host) * 100)
                assert client.response().body == pattern(100_000)
                assert client.read_to_end() == b""


# --- HTTP/1.0 ---


def test_an_old_client_gets_no_chunks_and_the_end_of_the_connection(stage: Stage, host: str) -> None:
    with stage.connect() as client:
        client.send(f"GET /stream/3/1000 HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        response = client.head()
        assert response.get("transfer-encoding") is None
        assert response.get("connection") == "close"
        assert client.read_to_end() == pattern(1000) * 3


def test_an_old_client_may_keep_its_connection_where_the_length_is_known(stage: Stage, host: str) -> None:
    with stage.connect() as client:
        for _ in range(3):
            client.send(f"GET /bytes/10 HTTP/1.0\r\nHost: {host}\r\nConnection: keep-alive\r\n\r\n".encode())
            response = client.response()
            assert response.get("connection") == "keep-alive"
            assert response.body == pattern(10)
        client.send(f"GET /stream/1/5 HTTP/1.0\r\nHost: {host}\r\nConnection: keep-alive\r\n\r\n".encode())
        assert client.head().get("connection") == "close"
        assert client.read_to_end() == pattern(5)


def test_an_old_client_is_told_nothing_of_interim_responses(stage: Stage) -> None:
    with Answering(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok") as endpoint:
        host = stage.serve(endpoint)
        with stage.connect() as client:
            client.send(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            assert client.head().status == 200


def test_an_old_endpoint_ends_its_answers_with_the_connection(stage: Stage) -> None:
    with Answering(b"HTTP/1.0 200 OK\r\n\r\nhello", close=True) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint)
        for _ in range(2):
            response = client.request("/", host=host)
            assert response.get("transfer-encoding") == "chunked"
            assert response.body == b"hello"
        assert endpoint.connections == 2


def test_an_old_endpoint_may_keep_its_connection(stage: Stage) -> None:
    answer = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok"
    with Answering(answer) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint)
        assert [client.request("/", host=host).body for _ in range(3)] == [b"ok"] * 3
        assert endpoint.connections == 1


def test_endpoints_are_always_asked_by_http_1_1(stage: Stage, host: str) -> None:
    with stage.connect() as client:
        client.send(f"GET / HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
        assert client.response().json()["version"] == "HTTP/1.1"


# --- answers without a body ---


@pytest.mark.parametrize(
    "fields",
    [b"Content-Length: 5\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n", b"\r\n"],
    ids=["sized", "chunked", "unframed"],
)
def test_the_answer_to_head_has_no_body_whatever_it_says(stage: Stage, fields: bytes) -> None:
    with Answering(OK + fields) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint)
        for _ in range(2):
            response = client.request("/", method="HEAD", host=host)
            assert response.status == 200
            assert response.get("content-length") == ("5" if b"Content-Length" in fields else None)
        assert endpoint.connections == 1


def test_304_keeps_the_length_of_what_has_not_changed(stage: Stage) -> None:
    with Answering(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\n") as endpoint:
        host = stage.serve(endpoint)
        with stage.connect() as client:
            for _ in range(2):
                response = client.request("/", host=host)
                assert (response.status, response.get("content-length"), response.get("etag")) == (304, "5", "x")
        assert endpoint.connections == 1


def test_204_has_neither_body_nor_length(stage: Stage, host: str) -> None:
    with stage.connect() as client:
        for _ in range(2):
            response = client.request("/status/204", host=host)
            assert (response.status, response.get("content-length"), response.get("transfer-encoding")) == (
                204,
                None,
                None,
            )


@pytest.mark.parametrize("late", [False, True], ids=["at once", "a moment later"])
def test_a_body_that_an_endpoint_wrongly_sends_to_head_reaches_nobody(stage: Stage, late: bool) -> None:
    wrong = b"HTTP/1.1 666 Evil\r\nContent-Length: 0\r\n\r\n"

    def play(peer: Peer) -> None:
        while True:
            request = read_head(peer)
            begin = OK + b"Content-Length: %d\r\n\r\n" % len(wrong)
            if request.method == "HEAD" and late:
                peer.send(begin)
                peer.send(wrong)
            else:
                peer.send(begin + wrong)

    with Script(play) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint)
        for _ in range(20):
            assert client.request("/", method="HEAD", host=host).status == 200
            if late:  # whenever it comes before the next request
                eventually(lambda: endpoint.open == 0)
            assert client.request("/", host=host).status == 200


# --- bodies ---


@pytest.mark.parametrize("size", [0, 1, 32_768, 32_769, 70_000, 1_000_000])
def test_bodies_of_every_size_pass_both_ways(stage: Stage, host: str, size: int) -> None:
    data = pattern(size)
    with stage.connect() as client:
        assert client.request("/", method="POST", host=host, body=data).json()["body"].encode() == data
        fields = [("Transfer-Encoding", "chunked")]
        client.send(head("/", method="POST", host=host, fields=fields))
        for at in range(0, size, 7001):
            piece = data[at : at + 7001]
            client.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        client.send(b"0\r\n\r\n")
        assert client.response().json()["body"].encode() == data
        assert client.request(f"/bytes/{size}", host=host).body == data
        assert client.request(f"/stream/3/{size}", host=host).body == data * 3 if size else True
        assert client.request(f"/until-close/{size}", host=host).body == data


def test_an_answer_until_the_end_of_the_connection_is_complete(stage: Stage, host: str) -> None:
    with stage.connect() as client:
        response = client.request("/until-close/100000", host=host)
        assert response.body == pattern(100_000)
        assert client.request("/", host=host).status == 200


def test_trailers_pass_both_ways(stage: Stage, host: str) -> None:
    with stage.connect() as client:
        client.send(
            head("/", method="POST", host=host, fields=[("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")])
            + b"5\r\nhello\r\n0\r\nX-Sum: 5\r\nContent-Length: 7\r\n\r\n"
        )
        told = client.response().json()
        assert (told["body"], told["trailers"]) == ("hello", [["X-Sum", "5"]])
    answer = OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 5\r\nContent-Length: 7\r\n\r\n"
    with Answering(answer) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint)
        for _ in range(2):
            response = client.request("/", host=host)
            assert (response.body, response.trailers) == (b"hello", [("X-Sum", "5")])
        assert endpoint.connections == 1


def test_pieces_of_an_answer_are_passed_on_as_they_come(stage: Stage) -> None:
    """Events are not held back until there are more."""
    go_on = threading.Event()

    def play(peer: Peer) -> None:
        read_head(peer)
        peer.send(OK + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(3):
            peer.send(b"9\r\ndata: %d\n\n\r\n" % number)
            assert go_on.wait(40)
            go_on.clear()
        peer.send(b"0\r\n\r\n")

    with Script(play) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint)
        client.send(head("/", host=host))
        assert client.head().status == 200
        for number in range(3):
            assert client.read(len(b"9\r\ndata: 0\n\n\r\n")) == b"9\r\ndata: %d\n\n\r\n" % number
            go_on.set()
        assert client.read(5) == b"0\r\n\r\n"


def test_pieces_of_a_request_are_passed_on_as_they_come(stage: Stage) -> None:
    seen = []

    def play(peer: Peer) -> None:
        seen.extend(body_pieces(peer, read_head(peer)))
        peer.send(OK + b"Content-Length: 0\r\n\r\n")

    with Script(play) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint, policies=STREAMED)
        client.send(head("/", method="POST", host=host, fields=[("Transfer-Encoding", "chunked")]))
        for number in range(3):
            client.send(b"1\r\n%d\r\n" % number)
            eventually(lambda number=number: len(seen) == number + 1)
        client.send(b"0\r\n\r\n")
        assert client.response().status == 200


def test_an_endpoint_may_answer_piece_by_piece_while_it_reads(stage: Stage) -> None:
    def echo(peer: Peer) -> None:
        request = read_head(peer)
        peer.send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        for piece in body_pieces(peer, request):
            peer.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        peer.send(b"0\r\n\r\n")

    with Script(echo) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint, policies=STREAMED)
        client.send(head("/", method="POST", host=host, fields=[("Transfer-Encoding", "chunked")]))
        response = client.head()
        assert (response.status, response.get("connection")) == (200, "close")
        for _ in range(3):
            client.send(b"5\r\nhello\r\n")
            assert client.read(10) == b"5\r\nhello\r\n"
        client.send(b"0\r\n\r\n")
        assert client.read(5) == b"0\r\n\r\n"
        assert client.is_closed()


def test_a_body_above_the_limit_of_the_route_is_413(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend, policies=(BodyLimit("test", 1000),))
    chunked = head("/", method="POST", host=host, fields=[("Transfer-Encoding", "chunked")])
    for size, status in ((1000, 200), (1001, 413), (100_000, 413)):
        assert stage.get(host, method="POST", body=bytes(size)).status == status
        with stage.connect() as client:
            client.send(chunked + f"{size:x}\r\n".encode() + bytes(size) + b"\r\n0\r\n\r\n")
            assert client.response().status == status


# --- answers before the end of the request ---


@pytest.mark.parametrize("ends", ["close", "stay"])
@pytest.mark.parametrize("framing", ["sized", "chunked"])
def test_an_answer_that_comes_before_the_end_of_an_upload_reaches_the_client(
    stage: Stage, framing: str, ends: str
) -> None:
    """413 or 401 of an endpoint that does not want the rest."""
    over = threading.Event()

    def play(peer: Peer) -> None:
        read_head(peer)
        peer.some(1000)
        peer.send(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\n\r\ntoo large")
        if ends == "stay":
            over.wait(40)

    with Script(play) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint, policies=STREAMED)
        field = ("Content-Length", "100000000") if framing == "sized" else ("Transfer-Encoding", "chunked")
        client.send(head("/", method="POST", host=host, fields=[field]))
        sender = threading.Thread(target=upload, args=(client, framing))
        sender.start()
        try:
            response = client.response()
            assert (response.status, response.body) == (413, b"too large")
            assert response.get("connection") == "close"
        finally:
            over.set()
            client.close()
            sender.join()


def upload(client: Client, framing: str) -> None:
    """Send, as far as it is taken."""
    piece = bytes(50_000)
    with suppress(OSError):
        for _ in range(2000):
            client.send(piece if framing == "sized" else b"c350\r\n" + piece + b"\r\n")


def test_our_own_answer_before_a_body_that_is_there_already_keeps_the_connection(stage: Stage) -> None:
    host = stage.serve()
    with stage.connect() as client:
        for _ in range(3):
            response = client.request("/", method="POST", host=host, body=b"x" * 1000)
            assert (response.status, response.get("connection")) == (503, None)


def test_our_own_answer_before_a_body_that_is_to_come_ends_it(stage: Stage) -> None:
    host = stage.serve()
    with stage.connect() as client:
        client.send(head("/", method="POST", host=host, fields=[("Content-Length", "1000000")]))
        response = client.response()
        assert (response.status, response.get("connection")) == (503, "close")
        assert client.is_closed()


# --- interim responses and expectations ---


def test_interim_responses_are_passed_on_before_the_final_one(stage: Stage) -> None:
    answer = (
        b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok"
    )
    with Answering(answer) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint)
        for _ in range(2):
            response = client.request("/", host=host)
            assert [one.status for one in response.interim] == [103, 102]
            assert response.interim[0].get("link") == "</style.css>; rel=preload"
            assert response.body == b"ok"


def test_a_client_that_expects_to_be_asked_is_asked_when_there_is_an_endpoint(stage: Stage, host: str) -> None:
    with stage.connect() as client:
        for size in (5, 100_000):
            fields = [("Expect", "100-continue"), ("Content-Length", str(size))]
            client.send(head("/", method="POST", host=host, fields=fields))
            assert client.head().status == 100
            client.send(bytes(size))
            told = client.response().json()
            assert len(told["body"]) == size
            assert not [name for name, _ in told["headers"] if name.lower() == "expect"]


@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: x\r\nTransfer-Encoding: y\r\n"],
)
def test_interim_responses_have_no_body_whatever_they_say(stage: Stage, framing: bytes) -> None:
    final = OK + b"Content-Length: 2\r\n\r\nok"
    answer = b"".join(b"HTTP/1.1 %d x\r\n%s\r\n" % (status, framing) for status in (100, 102, 103, 199)) + final
    with Answering(answer) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint)
        for _ in range(2):
            response = client.request("/", host=host)
            assert [one.status for one in response.interim] == [102, 103, 199]
            assert not [one.fields for one in response.interim if one.fields]
            assert (response.status, response.body) == (200, b"ok")


def test_a_client_is_not_asked_for_a_body_that_nobody_wants(stage: Stage) -> None:
    fields = [("Expect", "100-continue"), ("Content-Length", "5")]
    with stage.connect() as client:
        client.send(head("/", method="POST", host=stage.serve(), fields=fields))
        response = client.response()
        assert (response.status, response.interim, response.get("connection")) == (503, [], "close")


def test_a_client_that_does_not_wait_to_be_asked_is_not(stage: Stage, host: str) -> None:
    with stage.connect() as client:
        response = client.request("/", method="POST", host=host, fields=[("Expect", "100-continue")], body=b"hello")
        assert response.json()["body"] == "hello"
        assert len(response.interim) <= 1  # as the body comes with the head or a moment later


def test_an_unknown_expectation_is_417(stage: Stage, host: str) -> None:
    assert stage.get(host, fields=[("Expect", "a miracle")]).status == 417
    assert stage.get(host, fields=[("Expect", "100-continue"), ("Expect", "a miracle")]).status == 417


@pytest.mark.parametrize("values", [("",), (",",), ("", " , ,")])
def test_a_list_of_no_expectations_means_nothing(stage: Stage, host: str, values: tuple[str, ...]) -> None:
    with stage.connect() as client:
        fields = [("Expect", value) for value in values]
        response = client.request("/", method="POST", host=host, fields=fields, body=b"hello")
        assert (response.status, response.json()["body"], response.interim) == (200, "hello", [])


@pytest.mark.parametrize("values", [("100-continue, 100-continue",), ("100-continue", "", ",100-Continue")])
def test_an_expectation_that_is_repeated_is_met_once(stage: Stage, host: str, values: tuple[str, ...]) -> None:
    with stage.connect() as client:
        fields = [("Content-Length", "5"), *(("Expect", value) for value in values)]
        client.send(head("/", method="POST", host=host, fields=fields))
        assert client.head().status == 100
        client.send(b"hello")
        response = client.response()
        assert (response.status, response.json()["body"], response.interim) == (200, "hello", [])


# --- chunk extensions ---

EXTENDED = {
    "blanks": (b'1 ; a = b\r\nx\r\n2\t;\ta\t=\t" ;"\r\nyz\r\n0 ; a\r\n\r\n', b"xyz"),
    "many small": (b'1;name=value1;q="a bc"\r\nx\r\n' * 300 + b"0\r\n\r\n", b"x" * 300),
    "few large": ((b"1;" + b"a" * 4000 + b"\r\nx\r\n") * 4 + b"0\r\n\r\n", b"xxxx"),
}


@pytest.mark.parametrize("kind", EXTENDED)
def test_chunk_extensions_are_left_out_of_requests(stage: Stage, host: str, kind: str) -> None:
    coded, content = EXTENDED[kind]
    with stage.connect() as client:
        client.send(head("/", method="POST", host=host, fields=[("Transfer-Encoding", "chunked")]) + coded)
        response = client.response()
        assert (response.status, response.json()["body"]) == (200, content.decode())


@pytest.mark.parametrize("kind", EXTENDED)
def test_chunk_extensions_are_left_out_of_responses(stage: Stage, kind: str) -> None:
    coded, content = EXTENDED[kind]
    with Answering(OK + b"Transfer-Encoding: chunked\r\n\r\n" + coded) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint)
        for _ in range(2):
            response = client.request("/", host=host)
            assert (response.status, response.body) == (200, content)


def test_an_endpoint_may_pad_its_chunk_sizes(stage: Stage) -> None:
    coded = b"2  \r\nok\r\n3\t \r\nay!\r\n0   \r\n\r\n"
    with Answering(OK + b"Transfer-Encoding: chunked\r\n\r\n" + coded) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint)
        for _ in range(2):
            assert client.request("/", host=host).body == b"okay!"


# --- endpoints that speak strangely ---


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"",
    ],
    ids=["no http", "two lengths", "both framings", "huge head", "unasked switch", "half a head", "nothing"],
)
def test_what_is_no_answer_is_502(stage: Stage, answer: bytes) -> None:
    with Answering(answer, close=True) as endpoint:
        host = stage.serve(endpoint)
        assert stage.get(host, method="POST").status == 502


@pytest.mark.parametrize(
    "stray",
    [b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", b"x"],
    ids=["408", "one byte"],
)
def test_what_an_endpoint_says_unasked_ends_its_connection(stage: Stage, stray: bytes) -> None:
    """Some servers say 408 to an idle connection before they close it."""

    def play(peer: Peer) -> None:
        for _ in range(2):
            read_head(peer)
            peer.send(OK + b"Content-Length: 2\r\n\r\nok")
        peer.send(stray)
        with suppress(GoneError):
            peer.some(100)

    with Script(play) as endpoint, stage.connect() as client:
        host = stage.serve(endpoint)
        for _ in range(12):
            assert client.request("/", host=host).body == b"ok"
        assert endpoint.connections >= 6
        assert stage.count(WorkerWord.EJECTIONS) == 0


def test_what_is_wrong_with_a_request_is_told_to_who_asks_for_it() -> None:
    with Stage("--log-level=debug") as stage:
        with stage.connect() as client:
            client.send(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n")
            assert client.response().status == 400
        with Backend() as backend:
            host = stage.serve(backend)
            with stage.connect() as client:
                client.send(head("/", method="POST", host=host, fields=[("Transfer-Encoding", "chunked")]) + b"x\r\n")
                assert client.response().status == 400
        assert "client 127.0.0.1: malformed Host" in stage.edge.log
        assert "client 127.0.0.1: malformed chunk size" in stage.edge.log

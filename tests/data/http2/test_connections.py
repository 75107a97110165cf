"""Connections of HTTP/2 to a running proxy: how they begin, what they carry beside each other, and how they end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
import threading
import time
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import httpx
import pytest

from edge.data.http.h2.errors import ErrorCode
from edge.table.policies import RequestBuffering
from tests.support.backends import Backend, Listener, Peer, answering, pattern, read_head
from tests.support.backends import Script as Scripted
from tests.support.certificates import trusting_all
from tests.support.frames import (
    DATA,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    PRIORITY_UPDATE,
    RST_STREAM,
    WINDOW_UPDATE,
    Wire,
    block,
    data,
    fields_of,
    frame,
    headers,
    number,
    settings,
)
from tests.support.stage import Stage
from tests.support.waiting import eventually


def to(host: str, path: str = "/", method: str = "GET", *fields: tuple[str, str]):
    return ((":method", method), (":scheme", "http"), (":path", path), (":authority", host), *fields)


def speaking(alpn: list[str]) -> ssl.SSLContext:
    context = trusting_all()
    context.set_alpn_protocols(alpn)
    return context


@pytest.fixture
def wire(stage: Stage):
    """Connections in plain text."""
    made = []

    def connect(**rest) -> Wire:
        made.append(Wire(stage.connect().socket, **rest))
        return made[-1]

    yield connect
    for one in made:
        one.socket.close()


# --- the beginning ----------------------------------------------------------------------------------------------------


def test_a_plain_port_serves_both_versions(stage: Stage, backend: Backend, wire) -> None:
    host = stage.serve(backend)
    assert stage.get(host).status == 200
    one = wire()
    one.send(headers(1, to(host)))
    assert one.response(1)[0] == 200


@pytest.mark.parametrize("size", [1, 7, 18, 20])
def test_the_preface_may_come_in_pieces(stage: Stage, backend: Backend, wire, size: int) -> None:
    host = stage.serve(backend)
    first = PREFACE + settings() + headers(1, to(host))
    one = wire(first=b"")
    for at in range(0, len(first), size):
        one.send(first[at : at + size])
        if at < 40:
            time.sleep(0.01)
    assert one.response(1)[0] == 200


def test_alpn_decides_over_tls(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend)
    for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1")):
        with stage.connect(tls=speaking(offered)) as client:
            assert client.socket.selected_alpn_protocol() == chosen
            if chosen == "h2":
                one = Wire(client.socket)
                one.send(headers(1, to(host)))
                assert one.response(1)[0] == 200
            else:
                assert client.request(host=host).status == 200


def test_an_upgrade_to_h2c_is_ignored(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend)
    fields = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAAP__")]
    response = stage.get(host, fields=fields)
    assert (response.status, response.version) == (200, "HTTP/1.1")
    assert backend.requests[-1].get("upgrade") is None


def test_without_use_http2_there_is_none(backend: Backend) -> None:
    with Stage("--no-use-http2") as stage:
        host = stage.serve(backend)
        with stage.connect() as client:
            client.send(PREFACE + settings() + headers(1, to(host)))
            assert client.head().status == 505
        with stage.connect(tls=speaking(["h2", "http/1.1"])) as client:
            assert client.socket.selected_alpn_protocol() == "http/1.1"
            assert client.request(host=host).status == 200


def test_the_preface_is_no_second_request(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend)
    with stage.connect() as client:
        assert client.request(host=host).status == 200
        client.send(PREFACE + settings())
        assert client.head().status == 505


# --- clients of others ------------------------------------------------------------------------------------------------


def test_curl(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend)
    form = ["curl", "-s", "-k", "-o", "-", "-w", " %{http_version} %{http_code}", "--max-time", "40"]
    plain, secure = f"http://{host}:{stage.edge.http}/bytes/100000", f"https://{host}:{stage.edge.https}/bytes/100000"
    for url, flag in ((plain, "--http2-prior-knowledge"), (secure, "--http2")):
        resolve = ["--resolve", f"{host}:{url.split(':')[2].split('/')[0]}:127.0.0.1"]
        found = subprocess.run([*form, flag, *resolve, url], capture_output=True, check=True).stdout
        assert found == pattern(100_000) + b" 2 200"


@pytest.mark.skipif(shutil.which("h2load") is None, reason="needs h2load (apt-get install nghttp2-client)")
def test_h2load(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend)
    address = f"http://127.0.0.1:{stage.edge.http}/bytes/20000"
    command = ["h2load", "-n", "300", "-c", "3", "-m", "20", "-H", f":authority: {host}", address]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "300 succeeded, 0 failed" in found
    assert "status codes: 300 2xx" in found


@pytest.mark.skipif(shutil.which("nghttp") is None, reason="needs nghttp (apt-get install nghttp2-client)")
def test_nghttp(stage: Stage, backend: Backend, tmp_path: Path) -> None:
    host = stage.serve(backend)
    upload = tmp_path / "upload"
    upload.write_bytes(pattern(200_000))
    for scheme, port in (("http", stage.edge.http), ("https", stage.edge.https)):
        command = ["nghttp", "--no-verify-peer", "-t", "40", "-H", f":authority: {host}"]
        found = subprocess.run([*command, f"{scheme}://127.0.0.1:{port}/bytes/20000"], capture_output=True, check=True)
        assert found.stdout == pattern(20_000)
        sent = [f"--data={upload}", "--trailer=x-sum: 1", f"{scheme}://127.0.0.1:{port}/upload"]
        found = subprocess.run([*command, *sent], capture_output=True, check=True)
        assert json.loads(found.stdout)["length"] == 200_000


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium (apt-get install chromium)")
def test_a_browser_speaks_it_over_tls(stage: Stage, tmp_path: Path) -> None:
    shown = "document.body.textContent = performance.getEntriesByType('navigation')[0].nextHopProtocol"
    page = f"<!doctype html><title>page</title><body><script>{shown}</script>".encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b" % (len(page), page)
    with Scripted(answering(answer)) as endpoint:
        host = stage.serve(endpoint)
        flags = [f"--user-data-dir={tmp_path}", f"--host-resolver-rules=MAP {host} 127.0.0.1"]
        flags += ["--no-sandbox"] if os.getuid() == 0 else []  # Chromium refuses root a sandbox
        command = ["chromium", "--headless", "--disable-gpu", "--ignore-certificate-errors", "--dump-dom", *flags]
        found = subprocess.run(
            [*command, f"https://{host}:{stage.edge.https}/"], capture_output=True, check=True, timeout=120
        )
    assert "<body>h2</body>" in found.stdout.decode()


def test_httpx(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend)
    with httpx.Client(http1=False, http2=True, verify=False, timeout=40) as client:
        address = f"https://127.0.0.1:{stage.edge.https}"
        headers_ = {"Host": host}
        assert client.get(f"{address}/", headers=headers_).http_version == "HTTP/2"
        uploaded = client.post(f"{address}/upload", headers=headers_, content=pattern(300_000)).json()
        assert uploaded["length"] == 300_000
        assert client.head(f"{address}/bytes/5", headers=headers_).headers["content-length"] == "5"


# --- beside each other ------------------------------------------------------------------------------------------------


def test_streams_are_answered_as_their_answers_come(stage: Stage, wire) -> None:
    with Backend() as backend:
        host = stage.serve(backend)
        one = wire()
        one.send(headers(1, to(host, "/hold")))
        eventually(lambda: backend.held == 1)
        one.send(headers(3, to(host, "/bytes/5")))
        assert one.response(3) == (200, pattern(5))
        backend.release.set()
        assert one.response(1)[0] == 200


def test_a_stream_that_is_not_read_stops_no_other_and_its_endpoint_waits(stage: Stage, backend: Backend, wire) -> None:
    host = stage.serve(backend)
    one = wire(first=PREFACE + settings() + frame(WINDOW_UPDATE, payload=number(1 << 30)))
    one.send(headers(1, to(host, "/bytes/30000000")))
    got = 0
    while got < 65535:
        got += len(one.until(DATA, 1).payload)
    for stream in range(3, 23, 2):
        one.send(headers(stream, to(host, "/bytes/60000")))
        assert one.response(stream) == (200, pattern(60000))
    one.send(frame(PING, payload=bytes(8)))
    seen = []
    while not seen or seen[-1].kind != PING:
        seen.append(one.next())
    assert not [frame for frame in seen if frame.kind == DATA], "more than the window of the stream"
    assert stage.memory() < 300_000_000


def use_up_the_window(one: Wire, host: str) -> None:
    """Have the whole window of the connection filled by the answer on stream 1."""
    one.send(headers(1, to(host, "/bytes/65535")))
    got = 0
    while got < 65535:
        got += len(one.until(DATA, 1).payload)


def test_more_urgent_answers_go_first(stage: Stage, backend: Backend, wire) -> None:
    host = stage.serve(backend)
    one = wire()
    # Nothing of the connection's window is left but for the first answer, so that the others wait.
    use_up_the_window(one, host)
    for stream, urgency in ((3, "u=5"), (5, "u=1"), (7, "u=5"), (9, "u=6")):
        one.send(headers(stream, to(host, "/bytes/40000", "GET", ("priority", urgency))))
        one.until(HEADERS, stream)
    one.send(frame(PRIORITY_UPDATE, payload=number(9) + b"u=0"))
    time.sleep(0.3)  # until their content has come
    one.send(frame(WINDOW_UPDATE, payload=number(1 << 20)))
    order = []
    while len(order) < 4:
        found = one.until(DATA)
        if found.stream not in order:
            order.append(found.stream)
        if found.stream != order[-1]:
            pytest.fail("an answer that is wanted as a whole is interrupted")
    assert order == [9, 5, 3, 7]


def test_answers_without_a_priority_take_turns(stage: Stage, backend: Backend, wire) -> None:
    host = stage.serve(backend)
    one = wire()
    use_up_the_window(one, host)
    for stream in (3, 5):
        one.send(headers(stream, to(host, "/bytes/60000")))
        one.until(HEADERS, stream)
    time.sleep(0.3)
    one.send(frame(WINDOW_UPDATE, payload=number(1 << 20)))
    turns = [one.until(DATA).stream for _ in range(6)]
    assert set(turns[:3]) == {3, 5}


def test_an_upload_that_nobody_reads_stops_no_other(stage: Stage, backend: Backend, wire) -> None:
    stuck = threading.Event()

    def play(peer: Peer) -> None:
        read_head(peer)
        stuck.wait(60)

    with Scripted(play) as reader:
        host, other = stage.serve(reader), stage.serve(backend)
        one = wire()
        one.send(headers(1, to(host, "/", "POST"), end=False))
        for _ in range(4):
            one.send(data(1, bytes(16000)))
        one.send(headers(3, to(other, "/upload", "POST"), end=False))
        for _ in range(4):
            one.send(data(3, bytes(16000)))
        one.send(data(3, b"", end=True))
        status, content = one.response(3)
        assert (status, b"64000" in content) == (200, True)
        stuck.set()


# --- cancelling -------------------------------------------------------------------------------------------------------


def test_a_stream_that_is_reset_ends_its_request_at_the_endpoint(stage: Stage, wire) -> None:
    ended = threading.Event()

    class Watching(Listener):
        def serve(self, peer: Peer) -> None:
            read_head(peer)
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab")
            if peer.socket.recv(1) == b"":
                ended.set()

    with Watching() as endpoint:
        host = stage.serve(endpoint)
        one = wire()
        one.send(headers(1, to(host)))
        one.until(DATA, 1)
        one.send(frame(RST_STREAM, 0, 1, number(8)))
        assert ended.wait(10)


def test_an_answer_that_breaks_off_resets_the_stream(stage: Stage, backend: Backend, wire) -> None:
    host = stage.serve(backend)
    one = wire()
    one.send(headers(1, to(host, "/truncate/1000")))
    assert one.until(RST_STREAM, 1).code == ErrorCode.INTERNAL_ERROR
    one.send(headers(3, to(host)))
    assert one.response(3)[0] == 200


def test_an_early_answer_ends_the_upload_without_an_error(stage: Stage, wire) -> None:
    with Scripted(answering(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno", close=True)) as endpoint:
        host = stage.serve(endpoint, policies=(RequestBuffering("test", 0),))
        one = wire()
        one.send(headers(1, to(host, "/", "POST"), end=False))
        assert one.response(1) == (403, b"no")
        assert one.until(RST_STREAM, 1).code == ErrorCode.NO_ERROR


def test_content_is_asked_for_with_100(stage: Stage, backend: Backend, wire) -> None:
    host = stage.serve(backend)
    one = wire()
    one.send(headers(1, to(host, "/upload", "POST", ("expect", "100-continue"), ("content-length", "3")), end=False))
    assert fields_of(one.until(HEADERS, 1))[0] == (":status", "100")
    one.send(data(1, b"abc", end=True))
    assert one.response(1)[0] == 200


def test_a_request_that_is_refused_is_answered_and_logged(stage: Stage, wire) -> None:
    one = wire()
    one.send(headers(1, to("a b")))
    assert one.response(1)[0] == 400
    eventually(lambda: '"GET / HTTP/2.0" 400' in stage.edge.output)


# --- websockets -------------------------------------------------------------------------------------------------------


def test_a_websocket_reaches_an_endpoint_that_speaks_http_1(stage: Stage, wire) -> None:
    def play(peer: Peer) -> None:
        request = read_head(peer)
        assert request.get("upgrade") == "websocket"
        assert request.get("sec-websocket-key")
        peer.send(
            b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"
        )
        while True:
            peer.send(peer.some(1000)[::-1])
            peer.buffer = b""

    with Scripted(play) as endpoint:
        host = stage.serve(endpoint)
        one = wire()
        fields = ((":method", "CONNECT"), (":protocol", "websocket"), *to(host, "/chat")[1:])
        one.send(headers(1, fields, end=False))
        answer = fields_of(one.until(HEADERS, 1))
        assert answer[0] == (":status", "200")
        assert "sec-websocket-accept" not in dict(answer)
        for text in (b"abc", b"defg"):
            one.send(data(1, text))
            assert one.until(DATA, 1).payload == text[::-1]
        one.send(data(1, b"", end=True))


# --- floods and slow clients ------------------------------------------------------------------------------------------


def test_a_flood_ends_its_connection_and_no_other(stage: Stage, backend: Backend, wire) -> None:
    host = stage.serve(backend)
    other, bad = wire(), wire()
    try:
        for _ in range(20):
            bad.send(frame(PING, payload=bytes(8)) * 200)
    except OSError:
        pass
    assert GOAWAY in {one.kind for one in bad.end()}
    other.send(headers(1, to(host)))
    assert other.response(1)[0] == 200


def test_windows_of_one_byte_end_the_connection(stage: Stage, backend: Backend, wire) -> None:
    host = stage.serve(backend)
    one = wire(first=PREFACE + settings(s4=0))
    one.send(headers(1, to(host, "/bytes/100000")))
    try:
        for _ in range(4000):
            one.send(frame(WINDOW_UPDATE, 0, 1, number(1)))
    except OSError:
        pass
    (last,) = [found for found in one.end() if found.kind == GOAWAY]
    assert last.code == ErrorCode.ENHANCE_YOUR_CALM


def test_slow_and_idle_clients_are_sent_away(backend: Backend) -> None:
    with Stage("--client-header-timeout=0.6", "--keep-alive=0.8") as stage:
        host = stage.serve(backend)
        with Wire(stage.connect().socket) as slow:
            slow.send(frame(HEADERS, 0, 1, block(to(host))[:5]))
            assert [one.code for one in slow.end() if one.kind == GOAWAY] == [ErrorCode.ENHANCE_YOUR_CALM]
        with Wire(stage.connect().socket) as idle:
            idle.send(headers(1, to(host)))
            assert idle.response(1)[0] == 200
            assert [one.code for one in idle.end() if one.kind == GOAWAY] == [ErrorCode.NO_ERROR]


def test_a_connection_error_is_named(wire) -> None:
    one = wire()
    one.send(frame(DATA, 0, 1, b"x"))
    assert [found.code for found in one.end() if found.kind == GOAWAY] == [ErrorCode.PROTOCOL_ERROR]


def test_the_number_of_requests_of_a_connection_is_limited_without_losing_one(backend: Backend) -> None:
    with Stage("--keep-alive-requests=3") as stage:
        host = stage.serve(backend)
        with Wire(stage.connect().socket) as one:
            one.send(*(headers(number_, to(host)) for number_ in (1, 3, 5, 7)))
            going = one.until(GOAWAY)
            assert going.payload[:4] == number(0x7FFFFFFF)
            one.send(frame(PING, 1, payload=b"draining"))
            rest = one.end()
            assert {found.stream for found in rest if found.flags & 1 and found.stream} == {1, 3, 5, 7}
            assert [found.payload[:4] for found in rest if found.kind == GOAWAY] == [number(7)]


# --- the end ----------------------------------------------------------------------------------------------------------


def test_a_proxy_that_ends_fails_no_stream() -> None:
    with Backend() as backend, Stage() as stage:
        host = stage.serve(backend)
        with Wire(stage.connect().socket) as one:
            one.send(headers(1, to(host, "/hold")))
            eventually(lambda: backend.held == 1)
            stage.edge.signal(signal.SIGTERM)
            assert one.until(GOAWAY).payload[:4] == number(0x7FFFFFFF)
            one.send(headers(3, to(host, "/bytes/3")))
            assert one.response(3) == (200, pattern(3))
            assert one.until(GOAWAY).payload[:4] == number(3)
            backend.release.set()
            assert one.response(1)[0] == 200
            assert one.next() is None
        assert stage.edge.wait() == 0


def test_the_library_h2_sees_nothing_wrong(stage: Stage, backend: Backend) -> None:
    """Every frame of an ordinary conversation is one that another implementation takes."""
    host = stage.serve(backend)
    client = stage.connect()
    conversation = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    conversation.initiate_connection()
    paths = ["/", "/bytes/200000", "/status/204", "/stream/50/3000", "/status/404"]
    for path in paths:
        conversation.send_headers(conversation.get_next_available_stream_id(), to(host, path), end_stream=True)
    ended = 0
    while ended < len(paths):
        client.send(conversation.data_to_send())
        for event in conversation.receive_data(client.socket.recv(65536)):
            if isinstance(event, h2.events.DataReceived):
                conversation.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            ended += isinstance(event, h2.events.StreamEnded)
    client.close()

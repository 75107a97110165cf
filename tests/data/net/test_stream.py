"""Streams over real sockets: waiting, ends, deadlines, large and small writes, plain and over TLS."""

from __future__ import annotations

import gc
import select
import socket
import ssl
import struct
import sys
import threading
from contextlib import ExitStack, suppress

import gevent
import pytest

from edge.data.net._buffer import Buffer
from edge.data.net._stream import Stream, open_streams, sweep
from edge.data.net._tls import use_openssl
from edge.data.net.errors import PeerGone, StreamClosed, StreamTimeout
from edge.data.net.private import OPENSSL, new_socket
from tests.support import certificates
from tests.support.clients import swap

PATTERN = bytes(range(251)) * 4000
"""About a megabyte in which a lost or doubled piece shows."""


class Ends:
    """A stream, and the blocking socket at its other end, in TCP."""

    def __init__(self, *, buffers: int = 0) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            near = new_socket(socket.AF_INET)
            if buffers:
                near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers)
                server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers)
            near.connect_ex(server.getsockname())
            self.far, _ = server.accept()
        self.far.settimeout(10)
        self.stream = Stream(near)

    def receive(self, count: int) -> bytes:
        """COUNT bytes at the far end, which meanwhile lets the greenlets run."""
        data = b""
        while len(data) < count:
            data += self.receive_some(count - len(data))
        return data

    def receive_some(self, most: int = 65536) -> bytes:
        """As `receive`: what comes next, of MOST bytes."""
        while True:
            gevent.sleep(0)
            self.far.setblocking(False)
            try:
                piece = self.far.recv(min(most, 65536))
            except BlockingIOError:
                continue
            finally:
                self.far.settimeout(10)
            assert piece, "ended too early"
            return piece

    def close(self) -> None:
        self.stream.close()
        self.far.close()


@pytest.fixture
def ends():
    with ExitStack() as stack:

        def make(**options) -> Ends:
            made = Ends(**options)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def sweeping():
    """The timer that ends waits which are late, as a worker runs it."""
    timer = gevent.get_hub().loop.timer(0.005, 0.005)
    timer.start(sweep)
    yield
    timer.stop()
    timer.close()


def settle() -> None:
    """Let every greenlet come to its next wait."""
    for _ in range(5):
        gevent.sleep(0)


def read_to_end(read) -> None:
    """Call READ until it gives nothing."""
    while read():
        pass


# --- reading ---


def test_bytes_are_read_behind_those_that_wait(ends):
    pair = ends()
    pair.far.sendall(b"hello")
    assert pair.stream.fill(True) == 5
    pair.far.sendall(b", world")
    assert pair.stream.fill() == 7
    assert pair.stream.peek() == b"hello, world"
    assert pair.stream.received == 12


def test_a_wait_ends_when_something_comes(ends):
    pair = ends()
    waiting = gevent.spawn(pair.stream.fill, True)
    settle()
    assert not waiting.dead
    pair.far.sendall(b"x")
    assert waiting.get(timeout=40) == 1


def test_one_that_never_has_to_wait_for_bytes_lets_others_have_their_turn(ends):
    fast, other = ends(), ends()
    order = []

    def read_all() -> None:
        left = len(PATTERN)
        while left:
            count = fast.stream.fill()
            fast.stream.consume(count)
            left -= count
        order.append("all")

    def read_one() -> None:
        other.stream.fill()
        order.append("one")

    fast.far.sendall(PATTERN)
    other.far.sendall(b"x")
    gevent.joinall([gevent.spawn(read_all), gevent.spawn(read_one)], timeout=40, raise_error=True)
    assert order == ["one", "all"]


def test_the_end_of_the_stream_is_nothing_read(ends):
    pair = ends()
    pair.far.sendall(b"last")
    pair.far.shutdown(socket.SHUT_WR)
    assert pair.stream.fill(True) == 4
    assert pair.stream.fill() == 0
    assert pair.stream.hung_up


def test_a_reset_is_a_closed_stream(ends):
    pair = ends()
    pair.far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    pair.far.close()
    with pytest.raises(StreamClosed) as caught:
        pair.stream.fill(True)
    assert caught.value.stream is pair.stream


def test_a_full_buffer_takes_no_more(ends):
    pair = ends()
    pair.far.sendall(PATTERN[:70000])
    while len(pair.stream) < 65536:
        pair.stream.fill()
    with pytest.raises(BufferError):
        pair.stream.fill()
    assert pair.stream.take(65536) == PATTERN[:65536]
    assert pair.stream.fill() == 70000 - 65536


def test_a_stray_switch_does_not_end_a_wait(ends):
    pair = ends()
    waiting = gevent.spawn(pair.stream.fill, True)
    settle()
    gevent.get_hub().loop.run_callback(waiting.switch)
    settle()
    assert not waiting.dead
    pair.far.sendall(b"x")
    assert waiting.get(timeout=40) == 1


def test_bytes_ahead_of_their_time_wait(ends):
    pair = ends()
    pair.stream.park()
    pair.far.sendall(b"early")
    gevent.sleep(0.01)
    assert not pair.stream.hung_up
    assert pair.stream.fill(True) == 5


def test_the_exception_that_is_handled_stays_that_of_its_greenlet(ends):
    """Compiled code waits, and raises, in the state of the interpreter that belongs to the greenlet."""
    both = {name: ends() for name in ("one", "other")}
    seen = {}

    def handle(name: str) -> None:
        try:
            int(name)
        except ValueError as mine:
            with pytest.raises(StreamClosed) as caught:
                both[name].stream.fill()
            found = [caught.value.__context__, sys.exc_info()[1]]
            try:
                raise
            except ValueError as again:
                found.append(again)
            seen[name] = [one is mine for one in found]

    greenlets = [gevent.spawn(handle, name) for name in both]
    gevent.sleep(0)
    try:
        int("a third one")
    except ValueError as third:
        for one in both.values():
            one.stream.close()
        gevent.joinall(greenlets, timeout=40, raise_error=True)
        seen["third"] = [sys.exc_info()[1] is third]
    assert seen == {"one": [True] * 3, "other": [True] * 3, "third": [True]}


# --- deadlines ---


@pytest.mark.usefixtures("sweeping")
def test_silence_ends_a_read(ends):
    pair = ends()
    pair.stream.read_timeout = 0.01
    with pytest.raises(StreamTimeout) as caught:
        pair.stream.fill(True)
    assert caught.value.stream is pair.stream
    pair.stream.read_timeout = 60
    pair.far.sendall(b"x")
    assert pair.stream.fill(True) == 1


@pytest.mark.usefixtures("sweeping")
def test_a_limit_ends_a_read_that_is_never_silent(ends):
    pair = ends()
    pair.stream.expire_in(0.05)

    def trickle() -> None:
        while True:
            pair.far.sendall(b"x")
            gevent.sleep(0.002)

    trickling = gevent.spawn(trickle)
    try:
        with pytest.raises(StreamTimeout):
            read_to_end(pair.stream.fill)
    finally:
        trickling.kill()
    pair.stream.expire_in(0)
    pair.far.sendall(b"y")
    assert pair.stream.fill() > 0


@pytest.mark.usefixtures("sweeping")
def test_a_peer_that_takes_nothing_ends_a_write(ends):
    pair = ends(buffers=4096)
    pair.stream.write_timeout = 0.01
    with pytest.raises(StreamTimeout):
        pair.stream.send(PATTERN * 4)


@pytest.mark.usefixtures("sweeping")
def test_a_deadline_that_is_put_off_while_it_is_waited_for_does_not_end_the_read(ends):
    pair = ends()
    pair.stream.read_timeout = 0.05
    reading = gevent.spawn(pair.stream.fill, True)
    settle()
    pair.stream.restart(60)
    gevent.sleep(0.4)
    assert not reading.dead
    pair.far.sendall(b"x")
    assert reading.get(timeout=40) == 1


@pytest.mark.usefixtures("sweeping")
def test_a_deadline_that_comes_nearer_while_it_is_waited_for_ends_the_read(ends):
    pair = ends()
    reading = gevent.spawn(pair.stream.fill, True)
    settle()
    pair.stream.restart(0.05)
    with pytest.raises(StreamTimeout):
        reading.get(timeout=40)


@pytest.mark.usefixtures("sweeping")
def test_a_read_and_a_write_have_deadlines_of_their_own(ends):
    pair = ends(buffers=4096)
    pair.stream.read_timeout, pair.stream.write_timeout = 0.3, 0.01
    reading = gevent.spawn(pair.stream.fill, True)
    writing = gevent.spawn(pair.stream.send, PATTERN * 4)
    with pytest.raises(StreamTimeout):
        writing.get(timeout=40)
    assert not reading.dead
    with pytest.raises(StreamTimeout):
        reading.get(timeout=40)


@pytest.mark.usefixtures("sweeping")
def test_each_wait_has_its_deadline_however_many_went_before(ends):
    pair = ends()
    for _ in range(3):
        pair.stream.read_timeout = 60
        gevent.spawn_later(0.15, pair.far.sendall, b"x")
        assert pair.stream.fill(True) == 1
    pair.stream.read_timeout = 0.01
    with pytest.raises(StreamTimeout):
        pair.stream.fill(True)


# --- ends made by this side ---


def test_closing_ends_the_waits_of_others(ends):
    pair = ends(buffers=4096)
    reading = gevent.spawn(pair.stream.fill, True)
    writing = gevent.spawn(pair.stream.send, PATTERN * 4)
    settle()
    before = open_streams()
    pair.stream.close()
    pair.stream.close()
    assert open_streams() == before - 1
    for greenlet in (reading, writing):
        with pytest.raises(StreamClosed):
            greenlet.get(timeout=40)
    for use in (pair.stream.fill, lambda: pair.stream.send(b"x"), pair.stream.wait_readable):
        with pytest.raises(StreamClosed):
            use()
    assert not pair.stream.usable()


def test_a_failure_reaches_who_reads_or_writes_now_or_next(ends):
    pair = ends(buffers=4096)
    failure = ZeroDivisionError("mine")
    reading = gevent.spawn(pair.stream.fill, True)
    settle()
    pair.stream.fail(failure)
    with pytest.raises(ZeroDivisionError):
        reading.get(timeout=40)
    writing = gevent.spawn(pair.stream.send, PATTERN * 4)
    settle()
    pair.stream.fail(failure)
    with pytest.raises(ZeroDivisionError):
        writing.get(timeout=40)
    pair.stream.fail(failure)
    with pytest.raises(ZeroDivisionError):
        pair.stream.fill()


def test_aborting_resets_the_connection(ends):
    pair = ends()
    pair.stream.send(b"half an ans")
    pair.stream.abort()
    with pytest.raises(ConnectionResetError):
        read_to_end(lambda: pair.far.recv(100))


def test_lingering_leaves_the_peer_time_to_read_the_last_answer(ends):
    pair = ends()
    pair.far.sendall(b"x" * 100000)
    pair.stream.fill(True)
    pair.stream.send(b"no")
    lingering = gevent.spawn(pair.stream.linger, 5.0, 1 << 20)
    assert pair.receive(2) == b"no"
    assert pair.far.recv(10) == b""
    pair.far.close()
    lingering.get(timeout=40)
    pair.stream.close()


@pytest.mark.usefixtures("sweeping")
def test_lingering_is_bounded_in_bytes_and_in_time(ends):
    pair = ends()
    pair.far.sendall(b"x" * 300000)
    pair.stream.linger(60.0, 5000)
    assert 5000 <= pair.stream.received <= 5000 + 65536
    pair = ends()
    pair.stream.linger(0.01, 1 << 20)


def test_what_was_put_and_not_sent_can_be_forgotten(ends):
    pair = ends()
    pair.stream.write(b"wrong")
    assert pair.stream.pending == 5
    pair.stream.discard_output()
    assert pair.stream.pending == 0
    pair.stream.send(b"right")
    assert pair.receive(5) == b"right"


# --- the other party ---


@pytest.mark.usefixtures("sweeping")
def test_a_client_that_hangs_up_ends_the_wait_for_its_endpoint(ends):
    client, endpoint = ends(), ends()
    client.stream.watch(endpoint.stream)
    client.stream.park()
    waiting = gevent.spawn(endpoint.stream.fill, True)
    settle()
    client.far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.far.close()
    with pytest.raises(PeerGone):
        waiting.get(timeout=40)


@pytest.mark.usefixtures("sweeping")
def test_a_client_that_ends_its_half_still_gets_an_answer(ends):
    client, endpoint = ends(), ends()
    client.stream.watch(endpoint.stream)
    client.stream.park()
    waiting = gevent.spawn(endpoint.stream.fill, True)
    settle()
    client.far.shutdown(socket.SHUT_WR)
    gevent.sleep(0.02)
    endpoint.far.sendall(b"answer")
    assert waiting.get(timeout=40) == 6


def test_an_idle_stream_tells_of_its_end_and_of_surprises(ends):
    for act in (lambda far: far.close(), lambda far: far.sendall(b"x")):
        pair = ends()
        seen = []
        pair.stream.on_surprise = seen.append
        assert pair.stream.usable()
        pair.stream.park()
        act(pair.far)
        gevent.sleep(0.02)
        assert seen == [pair.stream]
        assert not pair.stream.usable()


# --- writing ---


def filled(data: bytes) -> Buffer:
    """A buffer with DATA in it."""
    buffer = Buffer()
    buffer.feed(data)
    return buffer


@pytest.mark.parametrize("size", [1, 10000])
def test_the_last_bytes_leave_with_the_end(ends, size):
    """In one packet, and the other half stays open."""
    pair = ends()
    pair.stream.write(b"head ")
    before = packets(pair.far)
    pair.stream.end_with(filled(PATTERN[:size]), size)
    assert read_exactly(pair.far, 5 + size) == b"head " + PATTERN[:size]
    assert pair.far.recv(1) == b""
    assert packets(pair.far) == before + 1
    pair.far.sendall(b"more")
    assert pair.stream.fill(True) == 4


def packets(sock: socket.socket) -> int:
    """How many have come to SOCK (tcpi_segs_in of Linux)."""
    return int(struct.unpack_from("I", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 160), 140)[0])


def test_output_goes_out_in_order_and_whole(ends):
    pair = ends(buffers=4096)
    source = Buffer()
    source.feed(PATTERN[:60000])

    def send() -> None:
        pair.stream.write(b"head ")
        pair.stream.send_from(source, 60000)
        pair.stream.write(b"small ")
        pair.stream.send(PATTERN)
        pair.stream.write(b"x" * 40000)
        pair.stream.write(b"last")
        pair.stream.flush()

    sending = gevent.spawn(send)
    expected = b"head " + PATTERN[:60000] + b"small " + PATTERN + b"x" * 40000 + b"last"
    assert pair.receive(len(expected)) == expected
    sending.get(timeout=40)
    assert len(source) == 0
    assert pair.stream.sent == len(expected)


@pytest.mark.parametrize("size", [0, 1, 2047, 2048, 16384, 60000])
def test_a_piece_can_be_sent_as_a_chunk_or_as_the_last(ends, size):
    pair = ends()
    data = PATTERN[:size]
    chunk = b"%x\r\n%s\r\n" % (size, data) if size else b""
    for chunked, expected in ((0, data), (1, chunk), (2, chunk + b"0\r\n\r\n")):
        source = Buffer()
        source.feed(data)
        pair.stream.write(b"head ")
        sending = gevent.spawn(pair.stream.send_from, source, size, chunked)
        assert pair.receive(5 + len(expected)) == b"head " + expected
        sending.get(timeout=40)
    pair.stream.send(b"", 2)
    assert pair.receive(5) == b"0\r\n\r\n"


def test_no_more_is_sent_than_is_buffered(ends):
    pair = ends()
    source = Buffer()
    source.feed(b"abc")
    for count in (-1, 4):
        with pytest.raises(ValueError, match="more than"):
            pair.stream.send_from(source, count)
    assert source.peek() == b"abc"


def test_bytes_under_way_are_not_taken_for_another_stream(ends):
    """A source that is closed while its bytes are being sent: its block must not be read into by somebody else."""
    source, sink, other = ends(), ends(buffers=4096), ends()
    source.far.sendall(PATTERN[:60000])
    while len(source.stream) < 60000:
        source.stream.fill()
    sending = gevent.spawn(sink.stream.send_from, source.stream, 60000)
    settle()
    assert not sending.dead
    source.stream.close()
    other.far.sendall(b"SECRET" * 5000)
    while len(other.stream) < 30000:
        other.stream.fill()
    assert sink.receive(60000) == PATTERN[:60000]
    sending.join(timeout=40)
    other.stream.take(30000)


def test_a_closed_stream_is_collected_without_the_collector():
    gc.disable()
    try:
        before = open_streams()
        pair = Ends()
        assert open_streams() == before + 1
        pair.close()
        assert open_streams() == before
    finally:
        gc.enable()


# --- what comes before TLS ---


def test_a_socket_can_be_looked_into_and_taken_from_before_the_stream_reads(ends):
    pair = ends()
    assert pair.stream.peek_socket(10) is None
    assert pair.stream.take_socket(10) is None
    pair.far.sendall(b"hello")
    pair.stream.wait_readable()
    assert pair.stream.peek_socket(3) == b"hel"
    assert pair.stream.take_socket(2) == b"he"
    assert pair.stream.peek_socket(10) == b"llo"
    assert pair.stream.fill() == 3
    pair.far.shutdown(socket.SHUT_WR)
    pair.stream.wait_readable()
    assert pair.stream.peek_socket(10) == pair.stream.take_socket(10) == b""


# --- TLS ---


@pytest.fixture(scope="module")
def server_context(tmp_path_factory):
    certificate, key = certificates.issue("a.example").write(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@pytest.fixture(params=["through Python", "through OpenSSL"])
def address(request, server_context):
    """For each of the ways in which Edge calls OpenSSL: the address of the context, which decides for one."""
    if request.param == "through Python":
        return 0
    if not OPENSSL.reachable:
        pytest.skip("this Python does not let us")
    use_openssl(OPENSSL.functions())
    return OPENSSL.address(server_context)


@pytest.fixture
def secure(ends, server_context, address):
    """A pair of ends that speak TLS, the far one an `ssl.SSLSocket`."""

    def make(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, **options) -> Ends:
        pair = ends(**options)
        client = certificates.trusting()
        client.maximum_version = version
        results = []

        def connect() -> None:
            results.append(client.wrap_socket(pair.far, server_hostname="a.example", suppress_ragged_eofs=False))

        thread = threading.Thread(target=connect)
        thread.start()
        pair.stream.accept_tls(server_context, address)
        thread.join(40)
        pair.far = results[0]
        return pair

    return make


def in_thread(function, *arguments):
    """Start FUNCTION beside the event loop; give a function that waits for its result."""
    return gevent.get_hub().threadpool.spawn(function, *arguments).get


def read_exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        assert piece, "ended too early"
        data += piece
    return data


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_carries_bytes_both_ways(secure, version):
    pair = secure(version)
    for size in (1, 100, 16383, 16384, 16385, 60000):
        result = in_thread(pair.far.sendall, PATTERN[:size])
        read = b""
        while len(read) < size:
            assert pair.stream.fill(True) > 0
            read += pair.stream.take(len(pair.stream))
        result(timeout=40)
        assert read == PATTERN[:size]
        source = Buffer()
        source.feed(PATTERN[:size])
        result = in_thread(read_exactly, pair.far, 5 + size)
        pair.stream.write(b"head ")
        pair.stream.send_from(source, size)
        assert result(timeout=40) == b"head " + PATTERN[:size]


def test_tls_waits_for_a_slow_reader(secure):
    pair = secure(buffers=8192)
    sending = gevent.spawn(pair.stream.send, PATTERN)
    settle()
    assert not sending.dead
    assert in_thread(read_exactly, pair.far, len(PATTERN))(timeout=40) == PATTERN
    sending.get(timeout=40)


@pytest.mark.parametrize("size", [1, 5000, 16384, 60000])
def test_chunks_go_over_tls_in_order(secure, size):
    pair = secure()
    expected = b"%x\r\n%s\r\n0\r\n\r\n" % (size, PATTERN[:size])
    result = in_thread(read_exactly, pair.far, len(expected))
    pair.stream.send(PATTERN[:size], 2)
    assert result(timeout=40) == expected


def test_tls_reads_and_writes_at_the_same_time(secure):
    pair = secure(buffers=8192)

    def read() -> bytes:
        data = b""
        while len(data) < len(PATTERN):
            pair.stream.fill(True)
            data += pair.stream.take(len(pair.stream))
        return data

    reading, writing = gevent.spawn(read), gevent.spawn(pair.stream.send, PATTERN)
    assert in_thread(swap, pair.far, PATTERN)(timeout=40) == PATTERN
    writing.get(timeout=40)
    assert reading.get(timeout=40) == PATTERN


def test_several_pieces_in_one_record_are_not_waited_for_twice(secure):
    """What OpenSSL holds already makes no socket readable."""
    pair = secure()
    pair.far.sendall(b"x" * 10000)
    pair.stream.fill(True)
    while len(pair.stream) < 10000:
        pair.stream.fill()
    pair.stream.consume(10000)
    pair.far.sendall(b"y")
    assert pair.stream.fill(True) == 1


def test_a_closure_alert_is_the_end_of_the_stream(secure):
    pair = secure()
    pair.far.sendall(b"last")
    result = in_thread(pair.far.unwrap)
    assert pair.stream.fill(True) == 4
    assert pair.stream.fill(True) == 0
    pair.stream.close()
    result(timeout=40)


def test_closing_sends_a_closure_alert_and_aborting_does_not(secure):
    pair = secure()
    pair.stream.close()
    assert pair.far.recv(10) == b""
    pair = secure()
    pair.stream.abort()
    with pytest.raises(OSError):  # noqa: PT011 - a reset or an unexpected end, as the library likes
        pair.far.recv(10)


def stuff(sock) -> int:
    """Write into SOCK, which does not block, until it takes no more; how many bytes."""
    count = 0
    with suppress(BlockingIOError):
        while True:
            count += sock.send(b"x" * 1000)
    return count


def test_a_full_socket_delays_the_handshake_and_what_follows_it(ends, server_context, address):
    """The handshake's bytes arrive once and in order, also those that leave with other bytes."""
    pair = ends(buffers=8192)
    read, written = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = certificates.trusting().wrap_bio(read, written, server_hostname="a.example")

    def step(function):
        """What FUNCTION gives once enough has come for it."""
        while True:
            try:
                return function()
            except ssl.SSLWantReadError:
                read.write(pair.receive_some())
            finally:
                pair.far.sendall(written.read())

    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    pair.far.sendall(written.read())
    stuffed = stuff(pair.stream.socket)
    accepting = gevent.spawn(pair.stream.accept_tls, server_context, address)
    settle()
    assert not accepting.dead
    pair.receive(stuffed)
    step(client.do_handshake)
    accepting.get(timeout=40)
    if not address:
        return  # it has sent its tickets
    stuffed = stuff(pair.stream.socket)
    sending = gevent.spawn(pair.stream.send, b"hello")
    settle()
    assert not sending.dead
    pair.receive(stuffed)
    assert step(lambda: client.read(100)) == b"hello"
    assert client.session.has_ticket
    sending.get(timeout=40)
    stuffed = stuff(pair.stream.socket)
    ending = gevent.spawn(pair.stream.end_with, filled(b"bye"), 3)
    settle()
    assert not ending.dead
    pair.receive(stuffed)
    assert step(lambda: client.read(100)) == b"bye"
    assert step(lambda: client.read(100)) == b""
    ending.get(timeout=40)


def test_tickets_leave_with_the_first_bytes_behind_them(secure, address):
    """A client waits for none of them, and a packet has its price."""
    if not address:
        pytest.skip("Python sends them at once")
    pair = secure()
    assert select.select([pair.far], [], [], 0)[0] == []
    pair.stream.send(b"hello")
    assert pair.far.recv(10) == b"hello"
    assert pair.far.session.has_ticket


def test_tickets_leave_at_the_latest_with_the_end(secure):
    pair = secure()
    pair.stream.close()
    assert pair.far.recv(10) == b""
    assert pair.far.session.has_ticket


@pytest.mark.parametrize("size", [1, 4000, 16384])
def test_the_last_bytes_leave_with_a_closure_alert(secure, size):
    """Also where they are more than what is held back for it."""
    pair = secure()
    pair.stream.end_with(filled(PATTERN[:size]), size)
    assert read_exactly(pair.far, size) == PATTERN[:size]
    assert pair.far.recv(1) == b""
    assert pair.far.session.has_ticket
    pair.far.sendall(b"more")
    assert pair.stream.fill(True) == 4, "the other half is open"
    pair.stream.close()


def test_garbage_in_place_of_a_record_closes_the_stream(secure):
    pair = secure()
    bare = socket.socket(fileno=pair.far.detach())
    bare.sendall(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(StreamClosed):
        pair.stream.fill(True)
    bare.close()


def test_a_handshake_that_is_none_fails(ends, server_context, address):
    pair = ends()
    pair.far.sendall(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(ssl.SSLError, match=r"(?i)http.request"):
        pair.stream.accept_tls(server_context, address)


@pytest.mark.usefixtures("sweeping")
def test_a_handshake_has_a_deadline(ends, server_context, address):
    pair = ends()
    pair.stream.expire_in(0.01)
    with pytest.raises(StreamTimeout):
        pair.stream.accept_tls(server_context, address)


def test_a_peer_may_leave_within_the_handshake(ends, server_context, address):
    pair = ends()
    pair.far.sendall(b"\x16\x03\x01\x02")
    gevent.spawn_later(0.01, pair.far.close)
    with pytest.raises((ssl.SSLError, StreamClosed)):
        pair.stream.accept_tls(server_context, address)


def test_a_stream_closed_within_its_handshake_wakes_it(ends, server_context, address):
    pair = ends()
    gevent.spawn_later(0.01, pair.stream.close)
    with pytest.raises(StreamClosed):
        pair.stream.accept_tls(server_context, address)


def test_a_context_lives_as_long_as_its_connections(secure):
    """OpenSSL refers to memory of the Python object, for instance the names for ALPN."""
    pair = secure()
    gc.collect()
    far = in_thread(pair.far.sendall, b"hello")
    pair.stream.fill(True)
    far(timeout=40)
    assert pair.stream.take(5) == b"hello"

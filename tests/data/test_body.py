"""Bodies: where they end, what is refused, and what is left for the next message."""

from __future__ import annotations

import pytest

from edge.data.http.h1._body import Body
from edge.data.net._buffer import Buffer
from edge.data.net.errors import Incomplete, IncompleteResponse, MessageError
from tests.support.wire import Pieces, read_body, single, torn, whole


def chunked(data: bytes, pieces=whole, *, request: bool = True) -> tuple[bytes, bytes, bytes]:
    """Content, trailers and what is behind the chunked body at the beginning of DATA."""
    source = Pieces(pieces(data))
    body = Body(source, request)
    body.start(-1, True, False)
    content = read_body(body)
    assert body.received == len(content)
    return content, body.trailers, source.rest


GOOD = [
    ("nothing", b"0\r\n\r\n", b"", b""),
    ("one chunk", b"5\r\nhello\r\n0\r\n\r\n", b"hello", b""),
    ("several chunks", b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", b"hello", b""),
    ("hexadecimal sizes", b"a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", b"01234567890123456789a", b""),
    ("leading zeros", b"005\r\nhello\r\n000\r\n\r\n", b"hello", b""),
    ("a chunk that looks like the end", b"7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", b"\r\n0\r\n\r\n", b""),
    ("an extension", b"5;a\r\nhello\r\n0;b=c\r\n\r\n", b"hello", b""),
    ("a quoted extension", b'5;a="x;y\\"\tz\xff";b\r\nhello\r\n0\r\n\r\n', b"hello", b""),
    ("blanks before an extension", b"5 \t ;a\r\nhello\r\n0\t;a\r\n\r\n", b"hello", b""),
    ("blanks behind a semicolon", b"5; \ta\r\nhello\r\n0;\ta\r\n\r\n", b"hello", b""),
    ("blanks about an equals sign", b"5;a \t=\t b\r\nhello\r\n0;a = b\r\n\r\n", b"hello", b""),
    ("blanks between extensions", b"5;a ; b=c\t;\td\r\nhello\r\n0;a=b ;c\r\n\r\n", b"hello", b""),
    ("blanks about a quoted value", b'5 ; a = " ;=\t" ; b\r\nhello\r\n0 ; a\t=\t"\\" " ;b=""\r\n\r\n', b"hello", b""),
    ("blanks in a late chunk", b"3\r\nhel\r\n2 ; a = b\r\nlo\r\n0\r\n\r\n", b"hello", b""),
    ("trailers", b"0\r\nA: b\r\nC: d\r\n\r\n", b"", b"A: b\r\nC: d\r\n\r\n"),
    ("content and trailers", b"1\r\nx\r\n0\r\nA: b\r\n\r\n", b"x", b"A: b\r\n\r\n"),
]


@pytest.mark.parametrize(
    ("data", "content", "trailers"), [pytest.param(*case[1:], id=case[0]) for case in GOOD]
)  # fmt: skip
def test_a_chunked_body_is_decoded_however_it_arrives(data, content, trailers):
    expected = (content, trailers, b"GET /next")
    for request in (True, False):
        assert chunked(data + b"GET /next", request=request) == expected
        assert chunked(data + b"GET /next", single, request=request) == expected
        for seed in range(10):
            pieces = lambda data, seed=seed: torn(data, seed)  # noqa: E731
            assert chunked(data + b"GET /next", pieces, request=request) == expected


PADDED = [
    ("space behind the size", b"5 \r\nhello\r\n0\r\n\r\n"),
    ("tab behind the size", b"5\t\r\nhello\r\n0\r\n\r\n"),
    ("blanks behind the size", b"5  \t \r\nhello\r\n0\r\n\r\n"),
    ("blanks behind each size", b"2   \r\nhe\r\n3   \r\nllo\r\n0   \r\n\r\n"),
    ("space behind the last size", b"5\r\nhello\r\n0 \r\n\r\n"),
]
"""Some servers write so."""


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in PADDED])
def test_sizes_may_be_padded_in_responses_only(data):
    for pieces in (whole, single, *(lambda data, seed=seed: torn(data, seed) for seed in range(5))):
        assert chunked(data + b"HTTP", pieces, request=False) == (b"hello", b"", b"HTTP")
        with pytest.raises(MessageError) as caught:
            chunked(data, pieces)
        assert caught.value.status == 400


DOUBTFUL = [
    ("no size", b"\r\nhello\r\n0\r\n\r\n"),
    ("no size but an extension", b";a\r\nhello\r\n0\r\n\r\n"),
    ("not hexadecimal", b"g\r\nhello\r\n0\r\n\r\n"),
    ("0x", b"0x5\r\nhello\r\n0\r\n\r\n"),
    ("a sign", b"+5\r\nhello\r\n0\r\n\r\n"),
    ("a negative size", b"-5\r\nhello\r\n0\r\n\r\n"),
    ("an underscore", b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n"),
    ("space before the size", b" 5\r\nhello\r\n0\r\n\r\n"),
    ("tab before the size", b"\t5\r\nhello\r\n0\r\n\r\n"),
    ("space before the last size", b"5\r\nhello\r\n 0\r\n\r\n"),
    ("space within the size", b"1 0\r\n0123456789abcdef\r\n0\r\n\r\n"),
    ("tab within the size", b"1\t0\r\n0123456789abcdef\r\n0\r\n\r\n"),
    ("spaces only", b"  \r\n\r\n"),
    ("a name behind blanks", b"5 a\r\nhello\r\n0\r\n\r\n"),
    ("a value behind blanks", b"5 =a\r\nhello\r\n0\r\n\r\n"),
    ("bare LF behind blanks", b"5 \nhello\r\n0\r\n\r\n"),
    ("bare CR behind blanks", b"5 \rhello\r\n0\r\n\r\n"),
    ("NUL behind blanks", b"5 \0\r\nhello\r\n0\r\n\r\n"),
    ("vertical tab before an extension", b"5\x0b;a\r\nhello\r\n0\r\n\r\n"),
    ("form feed behind a semicolon", b"5;\x0ca\r\nhello\r\n0\r\n\r\n"),
    ("a size of 16 digits", b"0000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("an overflowing size", b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("bare LF behind the size", b"5\nhello\r\n0\r\n\r\n"),
    ("bare CR behind the size", b"5\rhello\r\n0\r\n\r\n"),
    ("CR CR LF behind the size", b"5\r\r\nhello\r\n0\r\n\r\n"),
    ("NUL behind the size", b"5\0\r\nhello\r\n0\r\n\r\n"),
    ("LF in an extension", b"5;a\nb\r\nhello\r\n0\r\n\r\n"),
    ("CR in an extension", b"5;a\rb\r\nhello\r\n0\r\n\r\n"),
    ("LF in a quoted extension", b'5;a="\n"\r\nhello\r\n0\r\n\r\n'),
    ("CR LF in a quoted extension", b'5;a="\r\n"\r\nhello\r\n0\r\n\r\n'),
    ("escaped CR in a quoted extension", b'5;a="\\\r\n"\r\nhello\r\n0\r\n\r\n'),
    ("a quoted extension that does not end", b'5;a="b\r\nhello\r\n0\r\n\r\n'),
    ("something behind a quoted extension", b'5;a="b"c\r\nhello\r\n0\r\n\r\n'),
    ("an empty extension", b"5;\r\nhello\r\n0\r\n\r\n"),
    ("two semicolons", b"5;;a\r\nhello\r\n0\r\n\r\n"),
    ("an extension without a name", b"5;=a\r\nhello\r\n0\r\n\r\n"),
    ("an extension without a value", b"5;a=\r\nhello\r\n0\r\n\r\n"),
    ("an extension with two values", b"5;a=b=c\r\nhello\r\n0\r\n\r\n"),
    ("an extension of blanks", b"5; \r\nhello\r\n0\r\n\r\n"),
    ("blanks between semicolons", b"5; ;a\r\nhello\r\n0\r\n\r\n"),
    ("blanks within a name", b"5;a b\r\nhello\r\n0\r\n\r\n"),
    ("blanks within a value", b"5;a=b c\r\nhello\r\n0\r\n\r\n"),
    ("blanks without a value", b"5;a= \r\nhello\r\n0\r\n\r\n"),
    ("two equals signs with blanks", b"5;a = = b\r\nhello\r\n0\r\n\r\n"),
    ("a second value behind blanks", b"5;a=b = c\r\nhello\r\n0\r\n\r\n"),
    ("something behind a quoted extension and blanks", b'5;a="b" c\r\nhello\r\n0\r\n\r\n'),
    ("blanks behind a name", b"5;a \r\nhello\r\n0\r\n\r\n"),
    ("blanks behind a value", b"5;a=b\t\r\nhello\r\n0\r\n\r\n"),
    ("blanks behind a quoted value", b'5;a="b" \r\nhello\r\n0\r\n\r\n'),
    ("bare LF behind blanks in an extension", b"5;a \nhello\r\n0\r\n\r\n"),
    ("bare CR behind blanks in an extension", b"5; \ra\r\nhello\r\n0\r\n\r\n"),
    ("CR LF within blanks in an extension", b"5; \r\n a\r\nhello\r\n0\r\n\r\n"),
    ("NUL in an extension", b"5;a\0\r\nhello\r\n0\r\n\r\n"),
    ("an endless extension", b"5;" + b"a" * 17000),
    ("endless blanks", b"5" + b" " * 17000),
    ("endless blanks in an extension", b"5;" + b"\t" * 17000),
    ("bare LF behind the data", b"5\r\nhello\n0\r\n\r\n"),
    ("bare CR behind the data", b"5\r\nhello\r0\r\n\r\n"),
    ("nothing behind the data", b"5\r\nhello0\r\n\r\n"),
    ("more data than the size", b"5\r\nhello!\r\n0\r\n\r\n"),
    ("less data than the size", b"6\r\nhello\r\n0\r\n\r\n"),
    ("bare LF behind the last chunk", b"0\n\r\n"),
    ("bare LF as the end", b"0\r\n\n"),
    ("bare CR as the end", b"0\r\n\rX"),
    ("bare LF behind a trailer", b"0\r\nA: b\n\r\n"),
    ("bare LF behind the trailers", b"0\r\nA: b\r\n\n"),
    ("large trailers", b"0\r\n" + b"A: b\r\n" * 3000 + b"\r\n"),
    ("an endless trailer", b"0\r\nA: " + b"b" * 20000),
]
BAD = [*PADDED, *DOUBTFUL]
"""What is refused in requests."""


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in DOUBTFUL])
def test_doubtful_coding_is_refused_however_it_arrives(data):
    for pieces in (whole, single, *(lambda data, seed=seed: torn(data, seed) for seed in range(5))):
        with pytest.raises(MessageError) as caught:
            chunked(data, pieces)
        assert caught.value.status == 400
        with pytest.raises(MessageError) as caught:
            chunked(data, pieces, request=False)
        assert caught.value.status == 502


def test_every_beginning_of_a_chunked_body_is_incomplete():
    data = b'5 ; a = "b" ; c\r\nhello\r\n0\r\nA: b\r\n\r\n'
    for end in range(len(data)):
        with pytest.raises(Incomplete):
            chunked(data[:end])


def test_extensions_may_be_as_many_as_the_content_carries():
    signed = b"400;chunk-signature=" + b"0" * 64 + b"\r\n" + b"x" * 1024 + b"\r\n"
    assert len(chunked(signed * 300 + b"0\r\n\r\n")[0]) == 300 * 1024
    with pytest.raises(MessageError):
        chunked((b"1;chunk-signature=" + b"0" * 64 + b"\r\nx\r\n") * 300 + b"0\r\n\r\n")


def extended(size: int, extension: int, count: int) -> bytes:
    """COUNT chunks of SIZE, each with so many bytes of EXTENSION, the semicolon included."""
    return (b"%x;%s\r\n" % (size, b"a" * (extension - 1)) + b"x" * size + b"\r\n") * count + b"0\r\n\r\n"


@pytest.mark.parametrize("request_", [True, False])
@pytest.mark.parametrize(
    ("size", "extension", "count"),
    [(1, 21, 300), (1, 18, 100_000), (1, 21, 5000), (8, 32, 10_000), (1, 4000, 4), (4096, 8000, 100), (9000, 16384, 9)],
)
def test_extensions_may_be_ahead_of_what_the_chunks_carry(request_, size, extension, count):
    """Each chunk carries 16 bytes of them and two for each byte of content; 16 KiB go beyond that."""
    content, _, _ = chunked(extended(size, extension, count), request=request_)
    assert content == b"x" * size * count


@pytest.mark.parametrize("request_", [True, False])
@pytest.mark.parametrize(("size", "extension", "count"), [(1, 21, 6000), (1, 100, 210), (1, 4000, 5), (1, 16385, 1)])
def test_extensions_ahead_by_more_than_16_kib_are_refused(request_, size, extension, count):
    for pieces in (whole, single):
        with pytest.raises(MessageError) as caught:
            chunked(extended(size, extension, count), pieces, request=request_)
        assert caught.value.status == (400 if request_ else 502)


def test_padding_counts_as_extensions_do():
    assert chunked((b"1" + b" " * 18 + b"\r\nx\r\n") * 3000 + b"0\r\n\r\n", request=False)[0] == b"x" * 3000
    with pytest.raises(MessageError):
        chunked((b"1" + b" " * 100 + b"\r\nx\r\n") * 300 + b"0\r\n\r\n", request=False)


def test_the_extensions_of_one_body_do_not_count_for_the_next():
    source = Pieces(whole(extended(1, 4000, 4) * 3))
    body = Body(source)
    for _ in range(3):
        body.start(-1, True, False)
        assert read_body(body) == b"xxxx"


def test_content_ends_in_the_call_that_sees_the_end():
    source = Pieces([b"5\r\nhello\r\n0\r\n\r\nrest"])
    body = Body(source)
    body.start(-1, True, False)
    assert body.fill() == 5
    assert body.done
    assert source.take(5) == b"hello"
    assert body.fill() == 0
    assert source.peek() == b"rest"


def test_a_sized_body_takes_its_bytes_and_no_more():
    for pieces in (whole, single):
        source = Pieces(pieces(b"hello, rest"))
        body = Body(source)
        body.start(5, False, False)
        assert read_body(body) == b"hello"
        assert (body.received, source.rest) == (5, b", rest")


def test_a_message_without_a_body_has_none():
    source = Pieces([b"rest"])
    body = Body(source)
    for arguments in ((-1, False, False), (0, False, False)):
        body.start(*arguments)
        assert body.done
        assert body.whole
        assert body.fill() == 0
        assert body.finish()
    assert source.rest == b"rest"


def test_a_body_can_last_until_the_end_of_the_stream():
    body = Body(Pieces(single(b"hello")), False)
    body.start(-1, False, True)
    assert read_body(body) == b"hello"
    assert body.received == 5


@pytest.mark.parametrize(("request_", "status"), [(True, 400), (False, 502)])
def test_a_sized_body_that_ends_early_is_incomplete(request_, status):
    body = Body(Pieces([b"hell"]), request_)
    body.start(5, False, False)
    assert body.fill() == 4
    body.buffer.consume(4)
    with pytest.raises((Incomplete, IncompleteResponse)) as caught:
        body.fill()
    assert caught.value.status == status
    assert not body.finish()


@pytest.mark.parametrize("data", [b"5\r\nhello\r\n0\r\n\r\n", b"hello"])
def test_a_body_that_was_seen_but_not_taken_is_not_finished(data):
    """What is left of it would be read as the next request."""
    source = Pieces([data + b"GET /next"])
    body = Body(source)
    body.start(-1 if b"\r" in data else 5, b"\r" in data, False)
    assert body.fill() == 5
    assert body.done
    assert not body.finish()
    source.consume(4)
    assert not body.finish()
    source.consume(1)
    assert body.finish()
    assert body.finish()
    assert source.rest == b"GET /next"


def test_the_bodies_of_one_connection_do_not_mix():
    source = Pieces(single(b"5\r\nhello\r\n0\r\nA: b\r\n\r\n" + b"abc" + b"0\r\n\r\n"))
    body = Body(source)
    body.start(-1, True, False)
    assert (read_body(body), body.trailers) == (b"hello", b"A: b\r\n\r\n")
    body.start(3, False, False)
    assert (read_body(body), body.trailers, body.received) == (b"abc", b"", 3)
    body.start(-1, True, False)
    assert (read_body(body), body.trailers, body.received) == (b"", b"", 0)


def test_whole_tells_whether_the_rest_is_there():
    source = Pieces([b"hel", b"lo"])
    body = Body(source)
    source.fill()
    body.start(5, False, False)
    assert not body.whole
    source.fill()
    assert body.whole


def test_a_long_trailer_section_is_collected_in_one_piece():
    section = b"".join(b"A%d: b\r\n" % number for number in range(1000)) + b"\r\n"
    for pieces in (whole, single):
        assert chunked(b"0\r\n" + section + b"GET", pieces) == (b"", section, b"GET")


def test_a_buffer_gives_what_it_was_fed():
    buffer = Buffer()
    buffer.feed(b"hello")
    buffer.feed(b"")
    buffer.feed(bytearray(b", world"))
    assert (len(buffer), buffer.peek(5), buffer.take(7), buffer.peek()) == (12, b"hello", b"hello, ", b"world")
    for count in (-1, 6):
        with pytest.raises(ValueError, match="more than"):
            buffer.consume(count)
    assert buffer.take(100) == b"world"
    assert (len(buffer), buffer.peek(), buffer.fill()) == (0, b"", 0)


def test_a_buffer_moves_its_content_rather_than_refuse_what_fits():
    buffer = Buffer()
    buffer.feed(b"x" * 60000)
    buffer.consume(59990)
    buffer.feed(b"y" * 60000)
    assert buffer.peek() == b"x" * 10 + b"y" * 60000
    with pytest.raises(ValueError, match="full"):
        buffer.feed(b"z" * 10000)
    assert len(buffer) == 60010

"""Heads: what is refused and why, what is understood, what is written."""

from __future__ import annotations

import random

import pytest

from edge.data.http._fields import Limits, Names
from edge.data.http._request_id import seed_request_ids
from edge.data.http.h1._head import Head
from edge.data.http.h1._writing import HeadWriter
from edge.data.net._buffer import Buffer
from edge.data.net.errors import Incomplete, IncompleteResponse, MessageError
from tests.support.wire import (
    REQUEST_LIMITS,
    Pieces,
    outcome_of_request,
    outcome_of_response,
    outgoing,
    read_request,
    read_response,
    single,
    stream_pair,
    torn,
    whole,
    written,
)

HOST = b"Host: a.example\r\n"
CHUNKED = b"Transfer-Encoding: chunked"


def get(*lines: bytes, target: bytes = b"/") -> bytes:
    """A GET with Host and LINES."""
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def host(value: bytes) -> bytes:
    return b"GET / HTTP/1.1\r\nHost: " + value + b"\r\n\r\n"


REFUSED = [
    # --- request line ---
    ("bare LF ends the request line", 400, b"GET / HTTP/1.1\n" + HOST + b"\r\n"),
    ("bare CR ends the request line", 400, b"GET / HTTP/1.1\rX" + HOST + b"\r\n"),
    ("CR within the request line", 400, b"GET /\r HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("NUL in the target", 400, get(target=b"/\0")),
    ("control in the target", 400, get(target=b"/\x01")),
    ("DEL in the target", 400, get(target=b"/\x7f")),
    ("raw UTF-8 in the target", 400, get(target="/ä".encode())),
    ("fragment in the target", 400, get(target=b"/a#b")),
    ("space in the target", 400, get(target=b"/a b")),
    ("tab in the target", 400, get(target=b"/a\tb")),
    ("no target", 400, b"GET  HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("two spaces before the target", 400, b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("two spaces before the version", 400, b"GET /  HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("tab instead of a space", 400, b"GET\t/ HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("space at the end of the request line", 400, b"GET / HTTP/1.1 \r\n" + HOST + b"\r\n"),
    ("space at the beginning of the request line", 400, b" GET / HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("relative target", 400, get(target=b"index.html")),
    ("half a percent-encoding", 400, get(target=b"/a%2")),
    ("percent-encoding that is not hexadecimal", 400, get(target=b"/a%zz/b")),
    ("percent-encoded NUL", 400, get(target=b"/a%00")),
    ("HTTP/0.9", 400, b"GET /\r\n\r\n"),
    ("lower-case protocol", 400, b"GET / http/1.1\r\n" + HOST + b"\r\n"),
    ("no minor version", 400, b"GET / HTTP/1\r\n" + HOST + b"\r\n"),
    ("long version", 400, b"GET / HTTP/1.10\r\n" + HOST + b"\r\n"),
    ("comma in the version", 400, b"GET / HTTP/1,1\r\n" + HOST + b"\r\n"),
    ("letter in the version", 400, b"GET / HTTP/1.x\r\n" + HOST + b"\r\n"),
    ("another protocol", 400, b"GET / ICAP/1.0\r\n" + HOST + b"\r\n"),
    ("HTTP/2 in words", 505, b"GET / HTTP/2.0\r\n" + HOST + b"\r\n"),
    ("HTTP/1.2", 505, b"GET / HTTP/1.2\r\n" + HOST + b"\r\n"),
    ("HTTP/2's preface with a field", 505, b"PRI * HTTP/2.0\r\n" + HOST + b"\r\n"),
    ("lower-case method", 400, b"get / HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("method with a control", 400, b"G\0T / HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("method with a separator", 400, b"G(T / HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("long method", 400, b"A" * 33 + b" / HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("TLS", 400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    ("two empty lines before the request", 400, b"\r\n\r\n" + get()),
    ("bare LF before the request", 400, b"\n" + get()),
    ("bare CR before the request", 400, b"\r" + get()),
    ("CONNECT", 405, b"CONNECT a.example:443 HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("CONNECT with a path", 405, b"CONNECT / HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("TRACE", 405, b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("OPTIONS *", 400, b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("GET *", 400, b"GET * HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("authority form with GET", 400, b"GET a.example:80 HTTP/1.1\r\n" + HOST + b"\r\n"),
    ("absolute form without authority", 400, get(target=b"http:///x")),
    ("absolute form with userinfo", 400, get(target=b"http://user:pass@a.example/")),
    ("absolute form with a bad port", 400, get(target=b"http://a.example:x/")),
    ("absolute form with a quote in the host", 400, get(target=b"http://a'b/")),
    ("absolute form with a backslash", 400, get(target=b"http://a.example\\@b.example/")),
    ("absolute form of another scheme", 400, get(target=b"ftp://a.example/")),
    ("absolute form without Host", 400, b"GET http://a.example/ HTTP/1.1\r\n\r\n"),
    # --- Host ---
    ("no Host", 400, b"GET / HTTP/1.1\r\n\r\n"),
    ("two Hosts", 400, get(b"Host: a.example")),
    ("two Hosts, HTTP/1.0", 400, b"GET / HTTP/1.0\r\n" + HOST + HOST + b"\r\n"),
    ("empty Host", 400, host(b"")),
    ("empty Host, HTTP/1.0", 400, b"GET / HTTP/1.0\r\nHost:\r\n\r\n"),
    ("empty Host beside an absolute target", 400, b"GET http://a/ HTTP/1.1\r\nHost: \r\n\r\n"),
    ("Host of a dot", 400, host(b".")),
    ("Host that begins with a dot", 400, host(b".example")),
    ("Host with an empty label", 400, host(b"a..example")),
    ("Host that ends with two dots", 400, host(b"a.example..")),
    ("Host with a path", 400, host(b"a.example/x")),
    ("Host with userinfo", 400, host(b"u@a.example")),
    ("Host with a comma", 400, host(b"a.example,b.example")),
    ("Host with a space", 400, host(b"a.example b.example")),
    ("Host with a tab", 400, host(b"a\tb")),
    ("Host with obs-text", 400, host(b"a\xff")),
    ("Host with a quote", 400, host(b"a'b")),
    ("Host with a percent", 400, host(b"a%2eb")),
    ("Host with a scheme", 400, host(b"http://a.example")),
    ("port of letters", 400, host(b"a.example:http")),
    ("signed port", 400, host(b"a.example:+80")),
    ("long port", 400, host(b"a.example:000080")),
    ("port above 65535", 400, host(b"a.example:65536")),
    ("two ports", 400, host(b"a.example:80:80")),
    ("port alone", 400, host(b":80")),
    ("IPv6 without brackets", 400, host(b"::1")),
    ("IPv6 without its end", 400, host(b"[::1")),
    ("IPv6 that is none", 400, host(b"[a.example]")),
    ("IPv6 of nothing", 400, host(b"[]")),
    ("IPv6 with a zone", 400, host(b"[fe80::1%25eth0]")),
    ("IPv6 with something behind it", 400, host(b"[::1]x")),
    ("IPvFuture", 400, host(b"[v1.x]")),
    ("Host of 263 bytes", 400, host(b"a" * 263)),
    # --- fields ---
    ("bare LF ends a field", 400, get(b"A: b\nC: d")),
    ("bare CR in a value", 400, get(b"A: b\rC: d")),
    ("CR CR LF", 400, get(b"A: b\r")),
    ("NUL in a value", 400, get(b"A: b\0c")),
    ("control in a value", 400, get(b"A: b\x0bc")),
    ("DEL in a value", 400, get(b"A: b\x7fc")),
    ("NUL in a name", 400, get(b"A\0: b")),
    ("obs-fold", 400, get(b"A: b", b" c")),
    ("obs-fold with a tab", 400, get(b"A: b", b"\tc")),
    ("obs-fold of the first field", 400, b"GET / HTTP/1.1\r\n A: b\r\n" + HOST + b"\r\n"),
    ("space before the colon", 400, get(b"A : b")),
    ("tab before the colon", 400, get(b"A\t: b")),
    ("space before the colon of Content-Length", 400, get(b"Content-Length : 0")),
    ("no name", 400, get(b": b")),
    ("no colon", 400, get(b"A")),
    ("obs-text in a name", 400, get(b"\xc4: b")),
    ("separator in a name", 400, get(b"A(b): c")),
    ("line of a bare CR", 400, get(b"\rA: b")),
    ("129 fields", 431, get(*[b"A: b"] * 128)),
    # --- framing ---
    ("Content-Length and Transfer-Encoding", 400, get(b"Content-Length: 3", CHUNKED) + b"0\r\n\r\n"),
    ("Transfer-Encoding and Content-Length", 400, get(CHUNKED, b"Content-Length: 3") + b"0\r\n\r\n"),
    ("two Content-Lengths", 400, get(b"Content-Length: 3", b"Content-Length: 4") + b"abcd"),
    ("two equal Content-Lengths", 400, get(b"Content-Length: 3", b"Content-Length: 3") + b"abc"),
    ("list of Content-Lengths", 400, get(b"Content-Length: 3, 3") + b"abc"),
    ("signed Content-Length", 400, get(b"Content-Length: +3") + b"abc"),
    ("negative Content-Length", 400, get(b"Content-Length: -3") + b"abc"),
    ("hexadecimal Content-Length", 400, get(b"Content-Length: 0x3") + b"abc"),
    ("Content-Length with a fraction", 400, get(b"Content-Length: 3.0") + b"abc"),
    ("Content-Length with a space within", 400, get(b"Content-Length: 1 1") + b"abc"),
    ("Content-Length with an underscore", 400, get(b"Content-Length: 1_0") + b"0123456789"),
    ("Content-Length in other digits", 400, get("Content-Length: \uff13".encode()) + b"abc"),
    ("empty Content-Length", 400, get(b"Content-Length:") + b"abc"),
    ("overflowing Content-Length", 400, get(b"Content-Length: 18446744073709551617") + b"a"),
    ("Content-Length of 19 digits", 400, get(b"Content-Length: 1000000000000000000") + b"a"),
    ("Transfer-Encoding gzip", 400, get(b"Transfer-Encoding: gzip") + b"0\r\n\r\n"),
    ("Transfer-Encoding gzip, chunked", 400, get(b"Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n"),
    ("Transfer-Encoding chunked, gzip", 400, get(b"Transfer-Encoding: chunked, gzip") + b"0\r\n\r\n"),
    ("Transfer-Encoding chunked, chunked", 400, get(b"Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n"),
    ("Transfer-Encoding twice", 400, get(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked") + b"0\r\n\r\n"),
    ("Transfer-Encoding identity", 400, get(b"Transfer-Encoding: identity") + b"0\r\n\r\n"),
    ("Transfer-Encoding xchunked", 400, get(b"Transfer-Encoding: xchunked") + b"0\r\n\r\n"),
    ("Transfer-Encoding chunked with a parameter", 400, get(b"Transfer-Encoding: chunked;q=1") + b"0\r\n\r\n"),
    ("quoted Transfer-Encoding", 400, get(b'Transfer-Encoding: "chunked"') + b"0\r\n\r\n"),
    ("empty Transfer-Encoding", 400, get(b"Transfer-Encoding:") + b"0\r\n\r\n"),
    ("Transfer-Encoding with a vertical tab", 400, get(b"Transfer-Encoding: \x0bchunked") + b"0\r\n\r\n"),
    ("Transfer-Encoding in HTTP/1.0", 400, b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("unknown expectation", 417, get(b"Expect: 200-ok")),
    ("unknown expectation beside the known", 417, get(b"Expect: 100-continue, 200-ok")),
    ("unknown expectation in a second line", 417, get(b"Expect: 100-continue", b"Expect: 200-ok")),
    ("unknown expectation behind an empty line", 417, get(b"Expect:", b"Expect: 200-ok")),
    ("unknown expectation behind empty members", 417, get(b"Expect: ,, 200-ok")),
    ("two expectations without a comma", 417, get(b"Expect: 100-continue 100-continue")),
    ("an expectation with a parameter", 417, get(b"Expect: 100-continue;a=b")),
    ("an expectation with a value", 417, get(b"Expect: 100-continue=a")),
    ("a quoted expectation", 417, get(b'Expect: "100-continue"')),
    ("a list in quotes", 417, get(b'Expect: a=",100-continue,"')),
    ("half an expectation", 417, get(b"Expect: 100-contin, ue")),
    ("65 connection options", 400, get(b"Connection: " + b"a," * 65)),
    # --- limits ---
    ("long request line", 414, get(target=b"/" + b"a" * 8179)),
    ("endless request line", 414, b"GET /" + b"a" * 9000),
    ("large head", 431, get(*[b"A: " + b"b" * 4000] * 9)),
    ("endless field", 431, b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 33000),
    # --- ends ---
    ("end within the request line", 400, b"GET / HT"),
    ("end within a field", 400, get()[:-5]),
    ("end before the empty line", 400, get()[:-2]),
    ("end within the empty line", 400, get()[:-1]),
    ("end within a sized body", 400, get(b"Content-Length: 3") + b"ab"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "data"), [pytest.param(*case[1:], id=case[0]) for case in REFUSED])
def test_a_doubtful_request_is_refused_however_it_arrives(status, data):
    assert outcome_of_request(whole(data)) == status
    assert outcome_of_request(single(data)) == status
    for seed in range(5):
        assert outcome_of_request(torn(data, seed)) == status


UNDERSTOOD = [
    # what, data, (method, target, host, version), keep_alive
    ("the least", b"GET / HTTP/1.1\r\nHost:a\r\n\r\n", (b"GET", b"/", b"a", 11), True),
    ("an empty line before", b"\r\n" + get(), (b"GET", b"/", b"a.example", 11), True),
    ("HTTP/1.0", b"GET / HTTP/1.0\r\n\r\n", (b"GET", b"/", b"", 10), False),
    ("HTTP/1.0 that stays", b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", (b"GET", b"/", b"", 10), True),
    (
        "close before keep-alive",
        b"GET / HTTP/1.0\r\nConnection: close, keep-alive\r\n\r\n",
        (b"GET", b"/", b"", 10),
        False,
    ),
    ("close", get(b"Connection: close"), (b"GET", b"/", b"a.example", 11), False),
    ("CLOSE in a list", get(b"Connection: x , CLOSE"), (b"GET", b"/", b"a.example", 11), False),
    ("an unknown method", b"FOO-1_2 / HTTP/1.1\r\nHost: a\r\n\r\n", (b"FOO-1_2", b"/", b"a", 11), True),
    ("a query", get(target=b"/a?b=%zz|{}\"<>^`\\"), (b"GET", b"/a?b=%zz|{}\"<>^`\\", b"a.example", 11), True),
    ("percent-encoding", get(target=b"/%41%2f%C3%A4"), (b"GET", b"/%41%2f%C3%A4", b"a.example", 11), True),
    ("absolute form", get(target=b"http://B.example:8080/x?y"), (b"GET", b"/x?y", b"B.example:8080", 11), True),
    ("absolute form, https", get(target=b"HTTPS://b/x"), (b"GET", b"/x", b"b", 11), True),
    ("absolute form, only a query", get(target=b"http://b?y"), (b"GET", b"/?y", b"b", 11), True),
    ("absolute form, only a host", get(target=b"http://b"), (b"GET", b"/", b"b", 11), True),
    ("absolute form, IPv6", get(target=b"http://[::1]:80/"), (b"GET", b"/", b"[::1]:80", 11), True),
    ("absolute form, HTTP/1.0", b"GET http://b/ HTTP/1.0\r\n\r\n", (b"GET", b"/", b"b", 10), False),
    ("a port", host(b"a.example:8080"), (b"GET", b"/", b"a.example:8080", 11), True),
    ("an empty port", host(b"a.example:"), (b"GET", b"/", b"a.example:", 11), True),
    ("an IPv4 address", host(b"192.0.2.1"), (b"GET", b"/", b"192.0.2.1", 11), True),
    ("an IPv6 address", host(b"[2001:db8::1]"), (b"GET", b"/", b"[2001:db8::1]", 11), True),
    ("an IPv4 address within IPv6", host(b"[::ffff:192.0.2.1]:80"), (b"GET", b"/", b"[::ffff:192.0.2.1]:80", 11), True),
    ("whitespace round the Host", host(b" \ta.example\t "), (b"GET", b"/", b"a.example", 11), True),
    ("the longest request line", get(target=b"/" + b"a" * 8178), (b"GET", b"/" + b"a" * 8178, b"a.example", 11), True),
]  # fmt: skip


@pytest.mark.parametrize(("data", "start", "keep_alive"), [pytest.param(*c[1:], id=c[0]) for c in UNDERSTOOD])
def test_a_good_request_is_understood_however_it_arrives(data, start, keep_alive):
    message = read_request(whole(data + b"rest"))
    assert message.start == start
    assert message.connection == (keep_alive, False, False)
    assert message.rest == b"rest"
    assert read_request(single(data + b"rest")) == message
    for seed in range(5):
        assert read_request(torn(data + b"rest", seed)) == message


def test_fields_keep_their_bytes_and_their_order():
    lines = (b"a-b!#$%&'*+-.^_`|~09: c", b"A:", b"A:\t d\xff\te \t", b"x:y:z")
    assert read_request(whole(get(*lines))).fields == (
        (b"Host", b"a.example"),
        (b"a-b!#$%&'*+-.^_`|~09", b"c"),
        (b"A", b""),
        (b"A", b"d\xff\te"),
        (b"x", b"y:z"),
    )


def test_every_byte_of_a_value_is_looked_at():
    """Wherever it stands: several are looked at together."""
    allowed = {9, *range(32, 127), *range(128, 256)}
    head, limits = Head(), Limits()
    for at in range(1, 26):
        for byte in range(256):
            value = b"x" * at + bytes([byte]) + b"y" * (26 - at)
            source = Pieces([get(b"A: " + value)])
            if byte in allowed:
                assert head.read_request(source, limits)
                assert head.get(b"a") == value
            else:
                with pytest.raises(MessageError):
                    head.read_request(source, limits)


def test_every_byte_of_a_name_is_looked_at():
    """Wherever it stands: several are looked at together."""
    allowed = set(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    head, limits = Head(), Limits(underscores=True)
    for at in range(18):
        for byte in set(range(256)) - {58}:  # behind a colon the value begins
            name = b"x" * at + bytes([byte]) + b"-" * (18 - at)
            source = Pieces([get(name + b": 1")])
            if byte in allowed:
                assert head.read_request(source, limits)
                assert head.items()[1] == (name, b"1")
            else:
                with pytest.raises(MessageError):
                    head.read_request(source, limits)


@pytest.mark.parametrize(
    ("lines", "framing", "body"),
    [
        ((b"Content-Length: 5",), (5, False), b"hello"),
        ((b"content-length:\t005 ",), (5, False), b"hello"),
        ((b"Content-Length: 0",), (0, False), b""),
        ((), (-1, False), b""),
        ((b"Transfer-Encoding: Chunked",), (-1, True), b"5\r\nhello\r\n0\r\n\r\n"),
    ],
)
def test_a_body_is_framed_by_one_field_or_there_is_none(lines, framing, body):
    message = read_request(single(get(*lines) + body + b"GET"))
    assert message.framing == framing
    assert message.body == (b"hello" if body else b"")
    assert message.rest == b"GET"


def test_a_head_of_the_largest_size_fits_wherever_it_lies_in_the_buffer():
    size = 60 * 1024
    head, limits = Head(), Limits(head=size)
    start = get()[:-2]
    large = start + b"A: " + b"b" * (size - len(start) - 7) + b"\r\n\r\n"
    assert len(large) == size
    for before in (0, 1, 5000, 8192):
        filler = b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"c" * before + b"\r\n\r\n"
        source = Pieces([filler + large[:100], *(large[at : at + 1000] for at in range(100, len(large), 1000))])
        assert head.read_request(source, limits)
        assert head.read_request(source, limits)
        assert head.size == size
        assert not head.read_request(source, limits)
    with pytest.raises(MessageError) as caught:
        head.read_request(Pieces(whole(large[:-4] + b"b\r\n\r\n")), limits)
    assert caught.value.status == 431


@pytest.mark.parametrize(
    "wrong", [{"head": 61441}, {"head": 0}, {"line": 0}, {"fields": 0}, {"timeout": 0}, {"timeout": -1}]
)
def test_limits_that_cannot_be_kept_are_refused(wrong):
    with pytest.raises(ValueError, match="head"):
        Limits(**wrong)


def test_nothing_more_is_the_end_and_no_fault():
    assert read_request([]) is None
    assert read_request([b"\r\n"]) is None
    with pytest.raises(Incomplete):
        read_request([b"\r"])


def test_pipelined_requests_are_read_one_after_another_by_one_head():
    source = Pieces(torn(get() + get(b"X: 1", target=b"/2") + b"\r\n" + host(b"c"), 3))
    head, limits = Head(), Limits()
    seen = []
    while head.read_request(source, limits):
        seen.append((head.target, head.host, head.get(b"x")))
    assert seen == [(b"/", b"a.example", None), (b"/2", b"a.example", b"1"), (b"/", b"c", None)]


def test_what_was_said_about_one_request_is_forgotten_for_the_next():
    head, limits = Head(), Limits()
    everything = (
        b"GET http://b/ HTTP/1.1\r\n" + HOST + b"Connection: close, upgrade\r\nUpgrade: x\r\nX-Request-ID: 1\r\n\r\n"
    )
    chunked = get(b"Transfer-Encoding: chunked", b"Expect: 100-continue")
    assert head.read_request(Pieces([everything]), limits)
    assert (head.host, head.keep_alive, head.upgrade, head.id) == (b"b", False, True, b"1")
    assert head.read_request(Pieces([chunked]), limits)
    assert (head.host, head.keep_alive, head.upgrade, head.id) == (b"a.example", True, False, b"")
    assert (head.chunked, head.expect_continue) == (True, True)
    assert head.read_request(Pieces([get(b"Content-Length: 7")]), limits)
    assert (head.length, head.chunked, head.expect_continue) == (7, False, False)
    assert head.read_request(Pieces([b"GET / HTTP/1.0\r\n\r\n"]), limits)
    assert (head.host, head.length) == (b"", -1)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([b"Expect:"], False),
        ([b"Expect: \t "], False),
        ([b"Expect: ,"], False),
        ([b"Expect: ,\t, ,"], False),
        ([b"Expect:", b"Expect: ,"], False),
        ([b"Expect: 100-continue"], True),
        ([b"Expect: 100-Continue"], True),
        ([b"Expect: 100-continue, 100-continue"], True),
        ([b"Expect: 100-continue,100-CONTINUE"], True),
        ([b"Expect: , 100-continue\t,,"], True),
        ([b"Expect: 100-continue", b"Expect: 100-continue"], True),
        ([b"Expect:", b"Expect: 100-continue", b"Expect:"], True),
    ],
)
def test_expectations_are_a_list(lines, expected):
    """RFC 9110, sections 10.1.1 and 5.6.1.2."""
    for pieces in (whole, single):
        head = Head()
        assert head.read_request(Pieces(pieces(get(*lines))), Limits())
        assert head.expect_continue is expected
    old = b"GET / HTTP/1.0\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"
    assert head.read_request(Pieces([old]), Limits())
    assert not head.expect_continue


# --- upgrades ---

UPGRADES = [
    ("WebSocket", get(b"Connection: Upgrade", b"Upgrade: websocket"), True),
    ("among other options", get(b"Connection: keep-alive, upgrade", b"Upgrade: tcp"), True),
    ("no Upgrade", get(b"Connection: upgrade"), False),
    ("no option", get(b"Upgrade: websocket"), False),
    ("an empty Upgrade", get(b"Connection: upgrade", b"Upgrade:"), False),
    ("an empty Upgrade and one that is not", get(b"Connection: upgrade", b"Upgrade:", b"Upgrade: websocket"), False),
    ("HTTP/1.0", b"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", False),
    ("h2c", get(b"Connection: upgrade, http2-settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"), False),
    ("H2C in a list", get(b"Connection: upgrade", b"Upgrade: websocket, H2C"), False),
    ("a sized body", get(b"Connection: upgrade", b"Upgrade: websocket", b"Content-Length: 3") + b"abc", False),
    ("a chunked body", get(b"Connection: upgrade", b"Upgrade: x", b"Transfer-Encoding: chunked") + b"0\r\n\r\n", False),
    ("an empty body", get(b"Connection: upgrade", b"Upgrade: websocket", b"Content-Length: 0"), True),
]  # fmt: skip


@pytest.mark.parametrize(("data", "upgrade"), [pytest.param(*case[1:], id=case[0]) for case in UPGRADES])
def test_only_an_upgrade_that_has_one_meaning_is_passed_on(data, upgrade):
    assert read_request(whole(data)).connection[2] is upgrade
    sent = to_endpoint(data)
    assert (b"\r\nConnection: upgrade\r\nUpgrade: " in sent) is upgrade
    assert sent.lower().count(b"upgrade") == (2 if upgrade else 0)
    assert b"HTTP2" not in sent


# --- what an endpoint gets ---


def to_endpoint(data: bytes, limits: Limits | None = None, added: bytes = b"X-Real-IP: 192.0.2.1\r\n") -> bytes:
    """The request of DATA as it is written to an endpoint."""
    head = Head()
    assert head.read_request(Pieces([data]), limits or Limits())
    with stream_pair() as (stream, far):
        HeadWriter(stream).request(outgoing(head, added, head.id or b"0" * 32))
        return written(stream, far)


def lines_to_endpoint(*lines: bytes, limits: Limits | None = None) -> list[bytes]:
    """Of what is written for a GET with LINES, the fields that are not always there."""
    always = (b"GET ", b"Host:", b"X-Request-ID:", b"X-Forwarded-Host:", b"X-Real-IP:")
    return [line for line in to_endpoint(get(*lines), limits).split(b"\r\n") if line and not line.startswith(always)]


def test_a_request_is_written_with_framing_of_its_own():
    data = (
        b"POST http://b.example/x?y HTTP/1.1\r\nHost: a.example\r\nA: 1\r\nContent-Length: 0003\r\n"
        b"Connection: keep-alive, close\r\nB:  2 \r\nKeep-Alive: timeout=5\r\nC: 3\r\n\r\nabc"
    )
    assert to_endpoint(data) == (
        b"POST /x?y HTTP/1.1\r\nHost: b.example\r\nX-Request-ID: 00000000000000000000000000000000\r\n"
        b"X-Forwarded-Host: b.example\r\nX-Real-IP: 192.0.2.1\r\nA: 1\r\nB:  2 \r\nC: 3\r\nContent-Length: 3\r\n\r\n"
    )
    chunked = to_endpoint(get(b"Transfer-Encoding:  CHUNKED "))
    assert chunked.endswith(b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert chunked.count(b"hunked") == 1


def test_a_request_without_a_host_to_pass_on_says_nothing_of_one():
    head = Head()
    assert head.read_request(Pieces([b"GET / HTTP/1.0\r\n\r\n"]), Limits())
    with stream_pair() as (stream, far):
        HeadWriter(stream).request(outgoing(head, b"", b"7"))
        assert written(stream, far) == b"GET / HTTP/1.1\r\nHost: \r\nX-Request-ID: 7\r\n\r\n"


def test_what_is_passed_on_can_be_had_as_text():
    """For a request of Edge's own on behalf of the client's."""
    head = Head()
    lines = [b"A: 1", b"Connection: x, c", b"C: 3", b"Content-Length: 0", b"X-Forwarded-For: 1", b"B:  2 ", b"D: 4"]
    assert head.read_request(Pieces([get(*lines)]), Limits())
    assert head.passed() == b"A: 1\r\nB:  2 \r\nD: 4\r\n"
    head.hide(b"b")
    assert head.passed() == b"A: 1\r\nD: 4\r\n"


def test_fields_of_several_names_are_hidden_together():
    head = Head()
    lines = [b"A: 1", b"Access-Control-Allow-Origin: x", b"access-control-allow-origin: y", b"B" * 70 + b": 2", b"C: 3"]
    assert head.read_request(Pieces([get(*lines)]), Limits())
    head.hide_all(Names((b"access-control-allow-origin", b"b" * 70, b"d", b"b" * 71)))
    assert head.passed() == b"A: 1\r\nC: 3\r\n"
    head.hide_all(Names(()))
    assert head.passed() == b"A: 1\r\nC: 3\r\n"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ((b"Origin: https://a",), True),
        ((b"X: 1", b"ORIGIN:  https://a "), True),
        ((b"Origin: https://A",), False),
        ((b"Origin: https://ab",), False),
        ((b"Origin: https://a", b"Origin: https://a"), False),
        ((b"Origin: https://b", b"Origin: https://a"), False),
        ((b"Origins: https://a",), False),
        ((), False),
    ],
)
def test_whether_a_field_has_a_value_and_is_the_only_one_of_its_name(lines, says):
    head = Head()
    assert head.read_request(Pieces([get(*lines)]), Limits())
    assert head.says(b"origin", b"https://a") is says


NAMES = (
    *b"a Aa X-One x-one X-Onf Y-One X-Ones X-One-Two X-One-Twi X-On Content-Type Content-Length Content-Lengti".split(),
    *b"content-length Connection Connections X-Forwarded-For X-Forwarded-Fo X-Forwarded-Fox X-Forwarded-Host".split(),
    *b"X-Forwarded-Post X_Forwarded_For Transfer-Encoding X-Real-IP X_One X(One Te TE Tf Date Dates Expect".split(),
    *(b"X-One ", b" X-One", b"X-One\t", b""),
)
VALUES = (b"", b" 7", b"  a, X-One", b" close", b"\t100-continue ", b" chunked", b" a:b", b" \x01")


def test_what_a_head_had_before_changes_nothing() -> None:
    """One head reads many, as on a connection; names that resemble those in the same place are told from them."""
    chance, used = random.Random(7), Head()

    def read(head: Head, data: bytes) -> object:
        try:
            head.read_request(Pieces(whole(data)), REQUEST_LIMITS)
        except MessageError as error:
            return error.status, str(error)
        framing = (head.length, head.chunked, head.content_length, head.keep_alive, head.expect_continue, head.id)
        return head.items(), head.passed(), framing

    answers = set()
    for _ in range(4000):
        usual = [name for name in NAMES if chance.random() < 0.15][:5] or [b"X-One"]
        if chance.random() < 0.5:
            usual = [b"X-One", b"Content-Type", chance.choice(NAMES), b"X-Forwarded-For"]
        data = get(*(name + b":" + chance.choice(VALUES) for name in usual))
        expected = read(Head(), data)
        assert read(used, data) == expected, data
        answers.add(str(expected))
    assert len(answers) > 500


def test_a_host_that_comes_again_is_the_same_object_and_others_are_not_taken_for_it():
    first, second = Head(), Head()
    for size in range(1, 30):
        name = b"a" * size
        for head, other in ((first, second), (second, first)):
            assert head.read_request(Pieces([host(name)]), Limits())
            assert head.host == name
            assert other.read_request(Pieces([host(name)]), Limits())
            assert other.host is head.host
            for at in range(size):
                changed = name[:at] + b"b" + name[at + 1 :]
                assert other.read_request(Pieces([host(changed)]), Limits())
                assert other.host == changed
    for _ in range(2):
        with pytest.raises(MessageError):
            first.read_request(Pieces([host(b"a..b")]), Limits())


DROPPED = [
    ("hop by hop", [b"Connection: x", b"Keep-Alive: 1", b"TE: trailers", b"Proxy-Connection: x", b"Upgrade: x"]),
    ("for proxies", [b"Proxy-Authorization: x", b"Proxy-Authenticate: x", b"Proxy-Authentication-Info: x"]),
    ("httpoxy", [b"Proxy: http://evil"]),
    ("HTTP/2's", [b"HTTP2-Settings: x"]),
    ("written by Edge", [b"X-Real-IP: 1", b"X-Forwarded-Port: 1", b"X-Forwarded-Proto: x", b"X-Scheme: x"]),
    ("written by Edge, in another case", [b"x-forwarded-scheme: x", b"X-ORIGINAL-FORWARDED-FOR: x"]),
    ("underscores", [b"a_b: 1", b"_: 2", b"Content_Length: 3", b"X_Forwarded_For: x"]),
    ("named by Connection", [b"Connection: a, b\t,c", b"A: 1", b"b: 2", b"C: 3"]),
    ("named by a later Connection", [b"A: 1", b"Connection: close", b"connection: A"]),
    ("named by Connection twice", [b"A: 1", b"a: 2", b"Connection: a,a,,a"]),
]


@pytest.mark.parametrize("lines", [pytest.param(lines, id=name) for name, lines in DROPPED])
def test_what_is_not_for_the_endpoint_is_dropped(lines):
    assert lines_to_endpoint(b"Kept: 1", *lines, b"Kept: 2") == [b"Kept: 1", b"Kept: 2"]


def test_connection_cannot_take_away_what_edge_says():
    options = b"Connection: host, content-length, transfer-encoding, x-real-ip, x-forwarded-for, x-forwarded-host, "
    options += b"x-request-id, date, connection, x-original-forwarded-for"
    sent = to_endpoint(
        get(b"Content-Length: 0", options, b"X-Request-ID: 7", b"X-Forwarded-For: 1", b"Date: today", b"A: b")
    )
    for line in (b"Host: a.example", b"Content-Length: 0", b"X-Real-IP: 192.0.2.1", b"X-Request-ID: 7", b"Date: today"):
        assert b"\r\n" + line + b"\r\n" in sent
    assert b"\r\nX-Original-Forwarded-For: 1\r\n" in sent


def test_underscores_can_be_allowed_but_not_to_pass_for_what_edge_writes():
    sent = lines_to_endpoint(
        b"a_b: 1", b"Content_Length: 3", b"x_forwarded-for: x", b"Transfer_Encoding: chunked", b"PROXY_: 1", b"c_d: 2",
        limits=Limits(underscores=True),
    )  # fmt: skip
    assert sent == [b"a_b: 1", b"PROXY_: 1", b"c_d: 2"]


def test_what_a_client_claims_is_passed_on_under_another_name():
    assert lines_to_endpoint(b"X-Forwarded-For: 1", b"x-forwarded-for:  2 ", b"X-Forwarded-Host: h") == [
        b"X-Original-Forwarded-For: 1, 2",
        b"X-Original-Forwarded-Host: h",
    ]


def test_a_request_keeps_the_id_that_it_came_with_and_gets_one_otherwise():
    assert b"\r\nX-Request-ID: mine\r\n" in to_endpoint(get(b"X-Request-Id: mine", b"X-Request-Id: other"))
    assert b"other" not in to_endpoint(get(b"X-Request-Id: mine", b"X-Request-Id: other"))
    assert b"\r\nX-Request-ID: " + b"0" * 32 + b"\r\n" in to_endpoint(get(b"X-Request-Id:"))


def test_request_ids_are_32_digits_and_differ():
    head = Head()
    ids = {head.identify() for _ in range(1000)}
    seed_request_ids()
    ids |= {head.identify() for _ in range(1000)}
    assert len(ids) == 2000
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in ids)


# --- responses ---

OK = b"HTTP/1.1 200 OK\r\n"

REFUSED_RESPONSES = [
    ("HTTP/0.9", b"<html>hello</html>\r\n"),
    ("not HTTP", b"SSH-2.0-OpenSSH_9.2\r\n"),
    ("HTTP/2", b"HTTP/2 200 OK\r\n\r\n"),
    ("HTTP/1.2", b"HTTP/1.2 200 OK\r\n\r\n"),
    ("lower-case protocol", b"http/1.1 200 OK\r\n\r\n"),
    ("ICY", b"ICY 200 OK\r\n\r\n"),
    ("status of two digits", b"HTTP/1.1 20 OK\r\n\r\n"),
    ("status of four digits", b"HTTP/1.1 2000 OK\r\n\r\n"),
    ("status below 100", b"HTTP/1.1 099 OK\r\n\r\n"),
    ("status of letters", b"HTTP/1.1 abc OK\r\n\r\n"),
    ("no status", b"HTTP/1.1\r\n\r\n"),
    ("no space before the reason", b"HTTP/1.1 200OK\r\n\r\n"),
    ("tab before the status", b"HTTP/1.1\t200 OK\r\n\r\n"),
    ("two spaces before the status", b"HTTP/1.1  200 OK\r\n\r\n"),
    ("control in the reason", b"HTTP/1.1 200 O\0K\r\n\r\n"),
    ("bare LF ends the status line", b"HTTP/1.1 200 OK\n\r\n"),
    ("bare CR ends the status line", b"HTTP/1.1 200 OK\rXContent-Length: 5\r\n\r\n"),
    ("empty line before the response", b"\r\n" + OK + b"\r\n"),
    ("bare LF ends a field", OK + b"A: b\n\r\n"),
    ("bare CR in a value", OK + b"A: b\rSet-Cookie: x\r\n\r\n"),
    ("NUL in a value", OK + b"A: b\0\r\n\r\n"),
    ("obs-fold", OK + b"A: b\r\n c\r\n\r\n"),
    ("space before the colon", OK + b"Content-Length : 5\r\n\r\n"),
    ("no colon", OK + b"A\r\n\r\n"),
    ("both framings", OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("two Content-Lengths", OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
    ("two equal Content-Lengths", OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
    ("signed Content-Length", OK + b"Content-Length: -5\r\n\r\nhello"),
    ("Transfer-Encoding gzip", OK + b"Transfer-Encoding: gzip\r\n\r\n"),
    ("Transfer-Encoding gzip, chunked", OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n"),
    ("Transfer-Encoding twice", OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ("Transfer-Encoding in HTTP/1.0", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("a malformed field in an interim response", b"HTTP/1.1 103 x\r\nContent-Length : 5\r\n\r\n"),
    ("a control in the length of an interim response", b"HTTP/1.1 103 x\r\nContent-Length: \0\r\n\r\n"),
    ("101 to nothing", b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    ("101 to h2c", b"HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"),
    ("101 without the option", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
    ("large head", OK + (b"A: " + b"b" * 4000 + b"\r\n") * 9 + b"\r\n"),
    ("endless head", OK + b"A: " + b"b" * 40000),
    ("too many fields", OK + b"A: b\r\n" * 1025 + b"\r\n"),
    ("end within the head", OK + b"A: b\r\n"),
    ("end within the body", OK + b"Content-Length: 5\r\n\r\nhell"),
    ("end within a chunk", OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhell"),
    ("end before the last chunk", OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    ("end within the trailers", OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n"),
    ("bad chunk", OK + b"Transfer-Encoding: chunked\r\n\r\nx\r\nhello\r\n0\r\n\r\n"),
    ("nothing", b""),
]  # fmt: skip


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in REFUSED_RESPONSES])
def test_a_doubtful_response_is_a_bad_gateway_however_it_arrives(data):
    assert outcome_of_response(whole(data)) == 502
    assert outcome_of_response(single(data)) == 502
    for seed in range(5):
        assert outcome_of_response(torn(data, seed)) == 502


def test_another_protocol_is_noticed_by_its_first_bytes_and_another_version_by_its_first_line():
    class Silent(Pieces):
        def fill(self, wait=False):
            return super().fill(wait) or pytest.fail("waited for more")

    for data in (b"S", b"HTTP/2", b"HTTQ", b"\x15"):
        with pytest.raises(MessageError):
            Head().read_response(Silent([data]), Limits())
    for data in (b"\x16", b"\0", b"{", b"GET /\r\n", b"GET / HTTP/2.0\r\n", b"CONNECT a:1 HTTP/1.1\r\n"):
        with pytest.raises(MessageError):
            Head().read_request(Silent([data]), Limits())


@pytest.mark.parametrize(
    ("data", "start", "keep_alive", "body"),
    [
        (OK + b"Content-Length: 5\r\n\r\nhello", (200, b"OK", 11), True, b"hello"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", (200, b"OK", 11), True, b"hello"),
        (OK + b"Connection: close\r\n\r\nhello, world", (200, b"OK", 11), False, b"hello, world"),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", (200, b"OK", 10), False, b"hello"),
        (b"HTTP/1.0 200 \r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nh", (200, b"", 10), True, b"h"),
        (b"HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n", (404, b"", 11), True, b""),
        (b"HTTP/1.1 999 N\xf6\tno\r\nContent-Length: 0\r\n\r\n", (999, b"N\xf6\tno", 11), True, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", (304, b"Not Modified", 11), True, b""),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", (204, b"No Content", 11), True, b""),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", (204, b"No Content", 11), False, b""),
        (b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", (204, b"No Content", 11), False, b""),
        (b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n", (103, b"Early Hints", 11), True, b""),
    ],
)
def test_a_good_response_is_understood_however_it_arrives(data, start, keep_alive, body):
    message = read_response(whole(data))
    assert message.start == start
    assert message.connection[0] is keep_alive
    assert message.body == body
    assert read_response(single(data)) == message


def test_what_follows_a_response_is_left_alone():
    message = read_response(whole(OK + b"Content-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n\r\n"))
    assert message.rest == b"HTTP/1.1 200 OK\r\n\r\n"
    assert read_response(whole(OK + b"Content-Length: 2\r\n\r\nhi"), bodiless=True).rest == b"hi"


def test_silence_is_told_from_half_an_answer():
    head = Head()
    with pytest.raises(IncompleteResponse):
        head.read_response(Pieces([]), Limits())
    assert head.size == 0
    with pytest.raises(IncompleteResponse):
        head.read_response(Pieces([b"H"]), Limits())
    assert head.size > 0


def to_client(data: bytes, *arguments: object, **options: object) -> bytes:
    """The response of DATA as it is written to a client."""
    head = Head()
    head.read_response(Pieces([data]), Limits(underscores=True))
    with stream_pair() as (stream, far):
        HeadWriter(stream).response(head, *arguments, **options)
        return written(stream, far)


def test_a_response_is_written_with_framing_of_its_own():
    data = (
        b"HTTP/1.0 200 Fine\r\nA_b: 1\r\nContent-Length: 3\r\nConnection: keep-alive, x-y\r\nX-Y: 1\r\nB: 2\r\n"
        b"Keep-Alive: 1\r\nProxy-Authenticate: x\r\nUpgrade: h2c\r\nTE: x\r\nTrailer: C\r\n\r\nabc"
    )
    kept = b"A_b: 1\r\nB: 2\r\nTrailer: C\r\n"
    start = b"HTTP/1.1 200 Fine\r\n"
    assert to_client(data, b"", 3, False, True) == start + kept + b"Content-Length: 3\r\n\r\n"
    assert to_client(data, b"D: 3\r\n", -1, True, True) == start + kept + b"D: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert to_client(data, b"", -1, False, False) == start + kept + b"Connection: close\r\n\r\n"
    assert to_client(data, b"", 3, False, True, old_client=True) == (
        start + kept + b"Content-Length: 3\r\nConnection: keep-alive\r\n\r\n"
    )


def test_a_switch_of_protocols_is_passed_on_without_framing():
    data = b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"
    assert to_client(data, b"", -1, False, True) == (
        b"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    )


FRAMINGS = [
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding:\r\n",
    b"transfer-encoding: chunked\r\nTransfer-Encoding: \xff\r\n",
    b"Content-Length: 0\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 5, 6\r\n",
    b"Content-Length: -1\r\n",
    b"Content-Length: 99999999999999999999999\r\n",
    b"Content-Length:\r\n",
    b"Content-Length: 5\r\nContent-Length: 6\r\n",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
]


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("status", [100, 101, 102, 103, 150, 199])
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
def test_an_interim_response_ends_with_its_head_whatever_frames_it(framing, status, version):
    """RFC 9112, section 6.3, rule 1."""
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\n" if status == 101 else b""
    data = b"HTTP/%s %d x\r\n%sA: b\r\n%s\r\n" % (version, status, framing, upgrade)
    for pieces in (whole, single):
        source, head = Pieces(pieces(data + b"HELLO")), Head()
        head.read_response(source, Limits(underscores=True))
        assert (head.status, head.length, head.chunked) == (status, -1, False)
        assert head.upgrade is (status == 101)
        assert source.rest == b"HELLO"
    upgrade = upgrade.replace(b": Upgrade", b": upgrade")
    assert to_client(data, b"", -1, False, True) == b"HTTP/1.1 %d x\r\nA: b\r\n%s\r\n" % (status, upgrade)


def test_the_framing_of_an_interim_response_is_not_that_of_the_next():
    head, source = (
        Head(),
        Pieces([b"HTTP/1.1 103 x\r\nContent-Length: 9\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nhi"]),
    )
    head.read_response(source, Limits())
    head.read_response(source, Limits())
    assert (head.status, head.length, source.rest) == (200, 2, b"hi")


def test_a_demand_to_upgrade_keeps_what_it_demands():
    data = b"HTTP/1.1 426 Upgrade Required\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 0\r\n\r\n"
    assert b"Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 0\r\n" in to_client(data, b"", 0, False, True)


@pytest.mark.parametrize(
    ("lines", "missing"),
    [(b"", 3), (b"Date: x\r\n", 2), (b"Server: x\r\n", 1), (b"Connection: date\r\nDate: x\r\n", 2)],
)
def test_what_a_response_lacks_is_told(lines, missing):
    head = Head()
    head.read_response(Pieces([OK + lines + b"\r\n"]), Limits())
    assert head.missing() == missing


# --- trailers ---


def trailers(section: bytes, limits: Limits | None = None) -> bytes:
    """SECTION as it is written."""
    head = Head()
    head.read_trailers(section, limits or Limits())
    with stream_pair() as (stream, far):
        HeadWriter(stream).trailers(head)
        return written(stream, far)


def test_trailers_are_passed_on_without_what_frames_routes_or_authenticates():
    names = (
        b"Content-Length", b"transfer-encoding", b"Host", b"Connection", b"Upgrade", b"Expect", b"TE", b"Trailer",
        b"Authorization", b"Cookie", b"Set-Cookie", b"Content-Type", b"Content-Encoding", b"Content-Range", b"Range",
        b"Cache-Control", b"Date", b"Location", b"If-None-Match", b"X-Forwarded-For", b"X-Real-IP", b"X-Request-ID",
        b"Proxy", b"Forwarded", b"under_score", b"Strict-Transport-Security", b"Server", b"WWW-Authenticate",
    )  # fmt: skip
    lines = b"".join(name + b": x\r\n" for name in names)
    assert trailers(b"A: 1\r\n" + lines + b"Grpc-Status: 0\r\n\r\n") == b"A: 1\r\nGrpc-Status: 0\r\n\r\n"
    assert trailers(b"\r\n") == b"\r\n"


@pytest.mark.parametrize(
    "section",
    [b"", b"A: b\r\n", b"A\r\n\r\n", b"A : b\r\n\r\n", b"A: b\r\n c\r\n\r\n", b"A: \0\r\n\r\n", b"A: b\rC: d\r\n\r\n"],
)
def test_malformed_trailers_are_refused(section):
    with pytest.raises(MessageError) as caught:
        trailers(section)
    assert caught.value.status == 400


def test_too_many_trailers_are_refused():
    with pytest.raises(MessageError):
        trailers(b"A: b\r\n" * 5 + b"\r\n", Limits(fields=4))


def test_a_new_head_is_empty_rather_than_undefined():
    head = Head()
    assert (head.method, head.target, head.host, head.reason) == (b"", b"", b"", b"")
    assert (head.items(), head.get(b"host"), head.id, head.length) == ([], None, b"", -1)
    with stream_pair() as (stream, _):
        HeadWriter(stream).request(outgoing(head))
        HeadWriter(stream).response(head, b"", -1, False, True)
        stream.discard_output()
    assert not head.read_request(Buffer(), Limits())

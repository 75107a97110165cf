"""llhttp and h11 read every message that Edge accepts in the same way, as it came and as Edge writes it.

Messages are made from good parts and spoiled in the ways that have parted parsers before; the oracles are not asked
about what Edge refuses.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support import oracles
from tests.support.wire import outcome_of_request, outcome_of_response, read_request, whole

EXAMPLES = int(os.environ.get("EDGE_TEST_EXAMPLES", "0"))
"""How many to look at, new ones each time; 0: a few, always the same."""
MANY = settings(
    max_examples=EXAMPLES or 150,
    derandomize=not EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# --- generators: good parts ---

TOKENS = st.sampled_from([b"A", b"x-y", b"Accept", b"Cookie", b"X_z", b"a.b!#$%&'*+^`|~9", b"Content-Type", b"Date"])
VALUES = st.sampled_from([b"", b"1", b"a, b", b"x: y", b'"quo;ted"', b"\xc3\xa4\xff", b"tab\tbed", b"chunked", b"100"])
HEADS = st.sampled_from([
    b"Connection: close", b"Connection: keep-alive", b"Connection: Upgrade", b"Connection: A, x-y",
    b"Upgrade: websocket", b"Upgrade: h2c", b"Keep-Alive: 5", b"TE: trailers", b"Expect: 100-continue", b"Trailer: A",
    b"Proxy: x", b"Proxy-Connection: keep-alive", b"X-Request-ID: 1", b"X-Forwarded-For: 192.0.2.1",
    b"Content-Length: 3", b"Content-Length: 0", b"Content-Length: 3, 3", b"Content-Length: +3",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding:chunked ",
    b"Transfer-Encoding: x", b"Host: b", b"Host:",
])  # fmt: skip
FIELDS = st.one_of(HEADS, st.builds(lambda name, value: name + b": " + value, TOKENS, VALUES))
METHODS = st.sampled_from(
    [b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"CONNECT", b"M-SEARCH"]
)
TARGETS = st.sampled_from([
    b"/", b"/a?b=c", b"/%41%2f", b"//x", b"/../y", b"*", b"http://b/x", b"https://[::1]:8/", b"/|\"<>{}\\^`", b"b:80",
])  # fmt: skip
HOSTS = st.sampled_from([b"Host: a.example", b"Host: a.example:80", b"host:[::1]:80", b"HOST: \ta", b"Host:"])
VERSIONS = st.sampled_from([b"HTTP/1.1"] * 6 + [b"HTTP/1.0"])
CONTENTS = st.sampled_from(
    [b"", b"a", b"hello", b"0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: evil\r\n\r\n", bytes(range(256))]
)
EXTENSIONS = st.sampled_from(
    [b""] * 8 + [b";a", b";a=b", b';a="b;c"', b";", b";a\r", b" ;a", b"; a = b", b" ", b";a ;b"]
)
SECTIONS = st.sampled_from(
    [b""] * 4 + [b"A: b\r\n", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: x\r\n"]
)

# --- generators: what parts parsers ---

SPOILERS = [
    b"\r", b"\n", b"\r\n", b"\r\r\n", b"\n\n", b"\0", b" ", b"\t", b"\x0b", b"\x0c", b"\x7f", b"\x80", b"\xff", b":",
    b",", b";", b"=", b'"', b"+", b"-", b"0", b"1", b"x", b"_", b"#", b"%", b"@", b"/", b"\\", b"chunked", b"\r\n ",
    b"\r\n\r\n", b"0\r\n\r\n", b"Content-Length: 1\r\n", b"Transfer-Encoding: chunked\r\n", b"\r\nHost: evil",
    b"HTTP/1.1", b" HTTP/1.1",
]  # fmt: skip


@st.composite
def spoiled(draw: st.DrawFn, messages: st.SearchStrategy[bytes]) -> bytes:
    """One of MESSAGES after up to three small changes."""
    data = bytearray(draw(messages))
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 3]))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["insert", "insert", "replace", "delete", "double", "case"]))
        if kind == "insert":
            data[at:at] = draw(st.sampled_from(SPOILERS))
        elif kind == "replace":
            data[at : at + 1] = draw(st.sampled_from(SPOILERS))
        elif kind == "delete":
            del data[at : at + draw(st.integers(1, 3))]
        elif kind == "double":
            end = at + draw(st.integers(1, 30))
            data[at:at] = data[at:end]
        else:
            data[at : at + 10] = data[at : at + 10].swapcase()
    return bytes(data)


@st.composite
def framed(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A framing field and a body that goes with it."""
    content = draw(CONTENTS)
    kind = draw(st.sampled_from(["none", "sized", "chunked", "chunked"]))
    if kind == "none":
        return b"", b""
    if kind == "sized":
        return b"Content-Length: %d\r\n" % len(content), content
    cut = draw(st.integers(0, len(content)))
    chunks = [
        b"%x%s\r\n%s\r\n" % (len(part), draw(EXTENSIONS), part) for part in (content[:cut], content[cut:]) if part
    ]
    return b"Transfer-Encoding: chunked\r\n", b"".join(chunks) + b"0%s\r\n%s\r\n" % (draw(EXTENSIONS), draw(SECTIONS))


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A request that is good, or nearly."""
    framing, body = draw(framed())
    lines = [draw(HOSTS) + b"\r\n", framing, *(line + b"\r\n" for line in draw(st.lists(FIELDS, max_size=4)))]
    fields = b"".join(draw(st.permutations(lines)))
    return draw(METHODS) + b" " + draw(TARGETS) + b" " + draw(VERSIONS) + b"\r\n" + fields + b"\r\n" + body


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """A response that is good, or nearly."""
    framing, body = draw(framed())
    lines = [framing, *(line + b"\r\n" for line in draw(st.lists(FIELDS, max_size=4)))]
    status = draw(
        st.sampled_from([b"200 OK"] * 6 + [b"404 ", b"500", b"204 No Content", b"304 x", b"103 Hints", b"101 x"])
    )
    return draw(VERSIONS) + b" " + status + b"\r\n" + b"".join(draw(st.permutations(lines))) + b"\r\n" + body


# --- requests ---


@MANY
@given(spoiled(requests()))
@example(b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n")
@example(b"GET / HTTP/1.1\rX\r\nHost: a\r\n\r\n")
@example(b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
def test_llhttp_reads_an_accepted_request_as_edge_does(data):
    oracles.request_as_it_came(data)


@MANY
@given(spoiled(requests()))
def test_an_accepted_request_reaches_the_endpoint_with_one_meaning(data):
    oracles.request_as_written(data)


@MANY
@given(spoiled(requests()), st.integers(0, 2**32))
def test_a_request_means_the_same_however_it_arrives(data, seed):
    oracles.request_in_pieces(data, seed)


@MANY
@given(spoiled(requests()), spoiled(requests()))
def test_what_follows_an_accepted_request_is_the_next_one(first, second):
    found = oracles.understood(first)
    if found is None or found[4]:
        return
    assert read_request(whole(first + second)).rest == second


# --- responses ---


@MANY
@given(spoiled(responses()))
@example(b"HTTP/1.1 200 OK\rX\r\nA: b\r\n\r\n")
@example(b"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
@example(b"HTTP/1.1 103 Hints\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello")
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2  \r\nhi\r\n0 ; a = b\r\n\r\n")
def test_llhttp_reads_an_accepted_response_as_edge_does(data):
    oracles.response_as_it_came(data)


@MANY
@given(spoiled(responses()), st.sampled_from([(-1, True), (-1, False), (7, False)]), st.booleans())
def test_an_accepted_response_reaches_the_client_with_one_meaning(data, framing, keep_alive):
    oracles.response_as_written(data, framing, keep_alive=keep_alive)


@MANY
@given(spoiled(responses()), st.integers(0, 2**32))
def test_a_response_means_the_same_however_it_arrives(data, seed):
    oracles.response_in_pieces(data, seed)


@pytest.mark.parametrize("strategy", [requests(), responses()], ids=["requests", "responses"])
def test_the_generators_make_what_is_worth_looking_at(strategy):
    """Neither all good nor all bad, or the tests above would say nothing."""
    outcomes = []

    @settings(max_examples=150, deadline=None, database=None)
    @given(spoiled(strategy))
    def look(data):
        outcome = outcome_of_response(whole(data)) if data[:4].upper() == b"HTTP" else outcome_of_request(whole(data))
        outcomes.append(isinstance(outcome, int))

    look()
    assert 0.1 < sum(outcomes) / len(outcomes) < 0.9

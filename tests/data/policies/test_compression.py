"""Responses are compressed for clients that take it (use-gzip, enable-brotli of ingress-nginx; and Zstandard)."""

from __future__ import annotations

import threading
import zlib

import brotli
import gevent
import pytest
import zstandard

from edge.data.handling import encoded
from edge.data.http.accepting import preferred
from edge.data.http.codings import Encoder
from edge.table.policies import Compression, CustomHeaders, ResponseBuffering, ResponseRate, Snippet
from edge.table.policies.compression import Coding
from edge.table.policies.snippet import HideField
from tests.support.backends import Peer, Script, read_head
from tests.support.clients import head
from tests.support.play import Answer, Cut, Endpoint, Request, Scene
from tests.support.stage import Stage

TYPES = ("text/html", "text/plain", "application/json")
GZIP = Coding("gzip", 1, 256, TYPES)
BROTLI = Coding("br", 4, 20, TYPES)
ZSTD = Coding("zstd", 3, 20, TYPES)
POLICY = Compression("test", (ZSTD, BROTLI, GZIP))
CODINGS = pytest.mark.parametrize("coding", [GZIP, BROTLI, ZSTD], ids=lambda one: one.name)
HTML = ("Content-Type", "text/html; charset=utf-8")
OLD = pytest.mark.http1("a question of HTTP/1.0")
TEXT = b"".join(b"line %d of a page that repeats itself, as pages do\n" % number for number in range(40))


DECODERS = {
    "gzip": lambda: zlib.decompressobj(31).decompress,
    "br": lambda: brotli.Decompressor().process,
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj().decompress,
}


def decoded(name: str | None, content: bytes) -> bytes:
    return DECODERS[name]()(content) if name is not None else content


def asking(accept: str | None = "gzip", method: str = "GET", **rest) -> Request:
    return Request(method, fields=(("Accept-Encoding", accept),) if accept is not None else (), **rest)


def answering(content: bytes = TEXT, *fields: tuple[str, str], **rest) -> list[Endpoint]:
    return [Endpoint(Answer(content=content, fields=fields or (HTML,), **rest))]


# --- what is compressed -----------------------------------------------------------------------------------------------


@CODINGS
@pytest.mark.parametrize("size", [300, 4000, 70_000, 1 << 20])
@pytest.mark.parametrize("sized", [True, False], ids=["sized", "chunked"])
def test_the_client_gets_the_same_content_in_fewer_bytes(play, coding: Coding, size: int, sized: bool) -> None:
    content = (TEXT * (size // len(TEXT) + 1))[:size]
    trailers = () if sized else (("X-Sum", "abc"),)
    answer = answering(content, HTML, sized=sized, trailers=trailers)
    played = play(asking(coding.name), Compression("test", (coding,)), endpoints=answer)
    assert (played.status, played.whole) == (200, True)
    assert played.received.field("content-encoding") == coding.name
    assert played.received.length is None
    assert len(played.content) < size
    assert decoded(coding.name, played.content) == content
    assert played.received.trailers == ([] if sized else [("x-sum", "abc")])
    assert (played.outcome.content_sent, played.outcome.upstream_content) == (len(played.content), size)


@CODINGS
def test_content_that_does_not_get_smaller_arrives_all_the_same(play, coding: Coding) -> None:
    content = bytes(number * number * 7919 % 251 ^ number % 13 for number in range(200_000))
    played = play(asking(coding.name), Compression("test", (coding,)), endpoints=answering(content))
    assert decoded(coding.name, played.content) == content


@pytest.mark.parametrize("level", [10, 11])
def test_the_highest_levels_do_too(play, level: int) -> None:
    policy = Compression("test", (Coding("br", level, 0, TYPES),))
    assert decoded("br", play(asking("br"), policy, endpoints=answering()).content) == TEXT


def test_a_response_that_may_be_compressed_varies(play) -> None:
    assert play(asking(None), POLICY, endpoints=answering()).received.field("vary") == "Accept-Encoding"
    assert play(asking(), POLICY, endpoints=answering()).received.field("vary") == "Accept-Encoding"


@pytest.mark.parametrize("vary", ["Accept-Encoding", "Origin, accept-encoding", "*"])
def test_that_is_not_said_twice(play, vary: str) -> None:
    assert play(asking(), POLICY, endpoints=answering(TEXT, HTML, ("Vary", vary))).received.field("vary") == vary


@pytest.mark.parametrize(("etag", "becomes"), [('"abc"', 'W/"abc"'), ('W/"abc"', 'W/"abc"'), ("abc", None)])
def test_its_etag_becomes_a_weak_one(play, etag: str, becomes: str | None) -> None:
    answer = answering(TEXT, HTML, ("ETag", etag), ("Accept-Ranges", "bytes"))
    received = play(asking(), POLICY, endpoints=answer).received
    assert (received.field("etag"), received.field("accept-ranges")) == (becomes, None)


def test_hidden_fields_stay_hidden(play) -> None:
    answer = answering(TEXT, HTML, ("ETag", '"abc"'), ("Vary", "Accept-Encoding, Cookie"))
    hiding = Snippet("test", (HideField("etag"), HideField("Vary")))
    received = play(asking(), POLICY, hiding, endpoints=answer).received
    assert (received.field("etag"), received.field("vary")) == (None, "Accept-Encoding")


def test_without_compression_both_stay(play) -> None:
    answer = answering(TEXT, HTML, ("ETag", '"abc"'), ("Accept-Ranges", "bytes"))
    received = play(asking("identity"), POLICY, endpoints=answer).received
    assert (received.field("etag"), received.field("accept-ranges")) == ('"abc"', "bytes")


@pytest.mark.parametrize("status", [200, 403, 404])
def test_errors_of_an_application_are_compressed_as_in_nginx(play, status: int) -> None:
    assert play(asking(), POLICY, endpoints=answering(status=status)).received.field("content-encoding") == "gzip"


def test_further_policies_act_as_before(play) -> None:
    further = (CustomHeaders("test", (("X-A", "b"),)), ResponseRate("test", 1 << 30, 0))
    played = play(asking(), POLICY, *further, endpoints=answering())
    assert (played.received.field("x-a"), decoded("gzip", played.content)) == ("b", TEXT)


@pytest.mark.parametrize("size", [4000, 3 << 20])
def test_so_does_reading_ahead(play, size: int) -> None:
    content = (TEXT * (size // len(TEXT) + 1))[:size]
    played = play(asking(), POLICY, ResponseBuffering("test", on=True), endpoints=answering(content))
    assert decoded("gzip", played.content) == content
    assert played.outcome.upstream_content == size


def test_the_connection_is_used_again(scene) -> None:
    endpoint = answering(TEXT * 20)[0]
    one: Scene = scene(POLICY, endpoints=[endpoint])
    for accept in ("gzip", "br", "zstd", "identity", "gzip"):
        name = None if accept == "identity" else accept
        assert decoded(name, one.play(asking(accept)).content) == TEXT * 20
    assert endpoint.connections == 1


# --- what is not ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "rest"),
    [
        ((("Content-Type", "image/png"),), {}),
        ((("X-No", "type"),), {}),
        ((HTML, ("Content-Encoding", "br")), {}),
        ((HTML, ("Cache-Control", "private, no-transform")), {}),
        ((HTML,), {"status": 206}),
        ((HTML,), {"status": 500}),
        ((HTML,), {"content": b"x" * 255}),
        ((HTML,), {"content": b""}),
    ],
    ids=["type", "no type", "encoded", "no-transform", "part", "status", "short", "empty"],
)
def test_other_responses_stay_as_they_are(play, fields, rest) -> None:
    rest = {"content": TEXT, **rest}
    played = play(asking(), Compression("test", (GZIP,)), endpoints=[Endpoint(Answer(fields=fields, **rest))])
    assert played.content == rest["content"]
    assert played.received.length == len(rest["content"])
    assert played.received.field("vary") is None


@pytest.mark.parametrize("status", [204, 304])
def test_nor_do_those_without_content(play, status: int) -> None:
    played = play(asking(), POLICY, endpoints=answering(b"", HTML, status=status))
    assert (played.content, played.received.field("content-encoding")) == (b"", None)


def test_nor_does_head_which_says_that_get_varies(play) -> None:
    received = play(asking(method="HEAD"), POLICY, endpoints=answering()).received
    assert (received.content, received.field("content-encoding")) == (b"", None)
    assert received.field("vary") == "Accept-Encoding"


@OLD
def test_a_client_of_http_1_0_gets_nothing_compressed(play) -> None:
    assert play(asking(version="1.0"), POLICY, endpoints=answering()).content == TEXT


def test_a_type_is_a_type_whatever_its_case_and_parameters(play) -> None:
    answer = answering(TEXT, ("Content-Type", "Application/JSON;charset=UTF-8"))
    assert play(asking(), POLICY, endpoints=answer).received.field("content-encoding") == "gzip"


def test_a_coding_can_be_for_all_types(play) -> None:
    policy = Compression("test", (Coding("gzip", 1, 0, ("*",)),))
    answer = answering(TEXT, ("Content-Type", "x/y"))
    assert play(asking(), policy, endpoints=answer).received.field("content-encoding") == "gzip"


def test_clients_that_are_known_not_to_decode_it_do_not_get_it(play) -> None:
    policy = Compression("test", (Coding("gzip", 1, 0, TYPES, (r"MSIE [4-6]\.",)),))
    for agent, expected in (("Mozilla/4.0 (compatible; MSIE 6.0)", None), ("curl/8", "gzip")):
        request = Request(fields=(("Accept-Encoding", "gzip"), ("User-Agent", agent)))
        assert play(request, policy, endpoints=answering()).received.field("content-encoding") == expected


# --- what the client wants --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP;Q=0.5", "gzip"),
        ("zstd;q=0.5, br;q=0.8, gzip;q=0.8", "br"),
        ("br;q=0, *", "zstd"),
        ("zstd;q=0, *;q=0.1", "br"),
        ("*;q=0", ""),
        ("gzip;q=0", ""),
        ("gzip;q=0.5, identity", ""),
        ("gzip;q=0.5, identity;q=0.4", "gzip"),
        ("gzip, identity", "gzip"),
        ("deflate", ""),
        ("", ""),
        ("gzip;q=2, br;q=x", ""),
    ],
)
def test_the_coding_is_the_one_that_the_client_likes_best(accept: str, coding: str) -> None:
    assert preferred(accept.encode(), ("zstd", "br", "gzip")) == coding


def test_it_is_asked_for_each_request(scene) -> None:
    one: Scene = scene(POLICY, endpoints=answering())
    found = [one.play(asking(accept)).received.field("content-encoding") for accept in ("br", None, "gzip;q=0", "gzip")]
    assert found == ["br", None, None, "gzip"]


# --- on the way -------------------------------------------------------------------------------------------------------


@CODINGS
def test_a_response_that_breaks_off_is_seen_to_do_so(play, coding: Coding) -> None:
    answer = answering(TEXT * 100, HTML, cut=Cut.CONTENT)
    played = play(asking(coding.name), Compression("test", (coding,)), endpoints=answer)
    assert not played.whole


def test_other_requests_are_served_while_a_large_piece_is_encoded(scene, monkeypatch) -> None:
    go_on = threading.Event()

    def encode(piece: bytes) -> bytes:
        assert go_on.wait(40)
        return piece

    slow = Encoder(encode, lambda: b"", lambda: b"", inline=0)
    monkeypatch.setattr(encoded, "encoder", lambda *_: slow)
    one, other = scene(POLICY, endpoints=answering()), scene()
    playing = gevent.spawn(one.play, asking())
    for _ in range(5):
        assert other.play(Request()).status == 200
    assert not playing.ready()
    go_on.set()
    assert playing.get().content == TEXT


EVENTS = [b"data: %d\n\n" % number for number in range(5)]


@CODINGS
def test_what_comes_slowly_is_not_held_back(stage: Stage, coding: Coding) -> None:
    """Server-sent events: the client has each one before the next is sent."""
    seen = threading.Semaphore(0)

    def application(peer: Peer) -> None:
        read_head(peer)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for event in EVENTS:
            peer.send(b"%x\r\n%b\r\n" % (len(event), event))
            assert seen.acquire(timeout=40)
        peer.send(b"0\r\n\r\n")

    policy = Compression("test", (Coding(coding.name, 9, 0, ("text/event-stream",)),))
    with Script(application) as server, stage.connect() as client:
        host = stage.serve(server, policies=(policy,))
        client.send(head(host=host, fields=[("Accept-Encoding", coding.name)]))
        assert client.head().get("content-encoding") == coding.name
        decode, events = DECODERS[coding.name](), b""
        for event in EVENTS:
            while not events.endswith(event):
                events += decode(client.chunk())
            seen.release()
        assert events == b"".join(EVENTS)

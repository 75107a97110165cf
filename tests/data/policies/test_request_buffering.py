"""Request bodies are read before an endpoint is asked (proxy-request-buffering and client-body-buffer-size)."""

from __future__ import annotations

import errno
import gc
import os
from collections.abc import Callable
from typing import Any

import gevent
import pytest

from edge.data.net import spool
from edge.data.routing.plan import WHOLE_CONTENT
from edge.table.policies import BodyLimit, OldHttp, RequestBuffering, SourceRanges
from tests.support.play import SILENT, Answer, Endpoint, Request, Scene

ANY_SIZE = BodyLimit("test", 0)
STREAMED = RequestBuffering("test", 0)
SIZES = [1, WHOLE_CONTENT, WHOLE_CONTENT + 1, 300_000, 5 << 20]
"""In one piece with the head, in memory, in a file."""
FRAMED = pytest.mark.parametrize("sized", [True, False], ids=["sized", "chunked"])


def body(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


def post(size: int, **rest: Any) -> Request:
    return Request("POST", "/upload", content=body(size), **rest)


# --- on ---------------------------------------------------------------------------------------------------------------


@FRAMED
@pytest.mark.parametrize("size", SIZES)
def test_the_endpoint_gets_all_of_it_with_its_length(play, size: int, sized: bool) -> None:
    (asked,) = play(post(size, sized=sized), ANY_SIZE).asked
    assert asked.content == body(size)
    assert asked.whole
    assert asked.values("content-length") == [str(size)]
    assert asked.values("transfer-encoding") == []


def test_a_body_of_no_bytes_in_chunks_has_a_length_too(play) -> None:
    (asked,) = play(Request("POST", sized=False)).asked
    assert (asked.content, asked.values("content-length")) == (b"", ["0"])


@FRAMED
@pytest.mark.parametrize("stops", [0, 10, 100_000])
def test_an_endpoint_is_not_asked_before_all_of_it_has_come(scene, stops: int, sized: bool) -> None:
    one: Scene = scene(client_body_timeout=0.2)
    played = one.play(post(200_000, sized=sized, stops=stops, silent=True))
    assert (played.status, played.asked) == (408, [])


@FRAMED
def test_a_client_that_leaves_within_it_asks_nobody(scene, sized: bool) -> None:
    one: Scene = scene()
    played = one.play(post(200_000, sized=sized, stops=100_000))
    assert played.asked == []
    assert played.outcome.status in (400, 499)


def test_a_client_that_leaves_afterwards_ends_the_request(scene) -> None:
    one: Scene = scene(endpoints=[Endpoint(SILENT)])
    assert one.play(post(200_000, leaves=True)).outcome.status == 499


def test_trailers_are_passed_on_in_chunks(play) -> None:
    for size in (4, 100_000):
        (asked,) = play(post(size, sized=False, trailers=(("X-Sum", "abc"),))).asked
        assert (asked.content, asked.trailers) == (body(size), [("x-sum", "abc")])


@pytest.mark.http1("HTTP/2 resets the stream")
def test_malformed_trailers_are_refused_before_an_endpoint_is_asked(play) -> None:
    played = play(post(4, sized=False, trailers=(("X Sum", "abc"),)))
    assert (played.status, played.asked) == (400, [])


def test_the_client_is_asked_for_it_where_it_waits_for_that(play) -> None:
    request = post(100_000, fields=(("Expect", "100-continue"),))
    assert len(play(request).asked[0].content) == 100_000


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_gate_that_answers_leaves_it_unread(scene, size: int) -> None:
    one: Scene = scene(SourceRanges("test", ("0.0.0.0/0",)), client_body_timeout=30.0)
    played = one.play(post(size, fields=(("Expect", "100-continue"),), stops=0, silent=True))
    assert (played.status, played.asked, played.received.expected) == (403, [], False)


def test_without_an_endpoint_it_is_not_read_either(scene) -> None:
    assert scene(endpoints=[]).play(post(100_000, stops=0, silent=True)).status == 503


def test_an_endpoint_that_answers_before_it_has_read_everything_is_heard(play) -> None:
    endpoints = [Endpoint(Answer(403, b"no", early=True))]
    played = play(post(5 << 20), ANY_SIZE, endpoints=endpoints)
    assert (played.status, played.content) == (403, b"no")


@FRAMED
def test_http_1_0_gets_it_with_its_length(play, sized: bool) -> None:
    """Also where bodies go to the endpoint as they come: HTTP/1.0 has no chunks."""
    for policies in ((OldHttp("test"),), (OldHttp("test"), STREAMED)):
        (asked,) = play(post(100_000, sized=sized, trailers=(("X-Sum", "a"),) if not sized else ()), *policies).asked
        assert (len(asked.content), asked.values("content-length")) == (100_000, ["100000"])


# --- off --------------------------------------------------------------------------------------------------------------


@FRAMED
@pytest.mark.parametrize("size", SIZES)
def test_off_passes_it_on_as_it_came(play, size: int, sized: bool) -> None:
    (asked,) = play(post(size, sized=sized), STREAMED, ANY_SIZE).asked
    assert asked.content == body(size)
    assert asked.values("content-length") == ([str(size)] if sized else [])


@FRAMED
@pytest.mark.parametrize("stops", [1, 10, 100_000])
def test_off_passes_on_the_first_byte_at_once(scene, stops: int, sized: bool) -> None:
    one: Scene = scene(STREAMED, client_body_timeout=0.5)
    played = one.play(post(200_000, sized=sized, stops=stops, silent=True))
    assert played.status == 408
    (asked,) = played.asked
    assert not asked.whole
    assert asked.content == body(stops)


def test_up_to_a_size_only(play) -> None:
    policy = RequestBuffering("test", 100_000)
    request = post(100_000, stops=10, silent=True)
    assert play(request, policy, client_body_timeout=0.2).asked == []
    request = post(100_001, stops=10, silent=True)
    assert len(play(request, policy, client_body_timeout=0.2).asked) == 1
    request = post(10, sized=False, stops=5, silent=True)
    assert len(play(request, policy, client_body_timeout=0.2).asked) == 1, "its length is not known"


# --- files ------------------------------------------------------------------------------------------------------------


def test_a_body_that_fits_into_memory_needs_no_file(scene, monkeypatch) -> None:
    monkeypatch.setattr(spool.Spools, "file", _full_disk)
    one: Scene = scene(RequestBuffering("test", memory=200_000))
    assert one.play(post(200_000)).status == 200
    assert one.play(post(200_001)).status == 500


def _full_disk(_: spool.Spools) -> None:
    raise spool.SpoolError(500, "no space left on device")


def test_files_have_no_names_and_are_closed(scene, tmp_path) -> None:
    folder = tmp_path / "bodies"
    folder.mkdir()
    one: Scene = scene(temp_dir=str(folder), endpoints=[Endpoint(Answer(after=0.2))])
    playing = gevent.spawn(one.play, post(500_000))
    while not len(one.spools):
        gevent.sleep(0.01)
    assert list(folder.iterdir()) == []
    assert playing.get().status == 200
    gc.collect()
    assert len(one.spools) == 0


FAULTS: dict[str, Callable[[Any], None]] = {
    "the directory is missing": lambda patch: patch.setattr(spool.tempfile, "TemporaryFile", _fails(errno.ENOENT)),
    "the disk is full": lambda patch: patch.setattr(spool.os, "pwrite", _fails(errno.ENOSPC)),
    "it cannot be read": lambda patch: (
        patch.setattr(spool.os, "preadv", _fails(errno.EAGAIN)),
        patch.setattr(spool.os, "pread", _fails(errno.EIO)),
    ),
}


def _fails(code: int) -> Callable[..., None]:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_of_the_disk_is_500_for_that_request_and_harms_no_other(scene, fault, caplog) -> None:
    one: Scene = scene()
    with pytest.MonkeyPatch.context() as patch:
        fault(patch)
        played = one.play(post(500_000))
        assert (played.status, played.outcome.status, played.received.whole) == (500, 500, True)
        assert one.play(post(1000)).status == 200
        assert "temporary files in" in caplog.text
    assert one.play(post(500_000)).status == 200


def test_the_number_of_files_is_bounded(scene, monkeypatch) -> None:
    one: Scene = scene()
    monkeypatch.setattr(one.spools, "_most", 1)
    other = spool.Spool(one.spools, 0)
    other.append(b"1")
    assert one.play(post(500_000)).status == 503
    assert one.play(post(1000)).status == 200
    del other
    assert one.play(post(500_000)).status == 200


def test_what_is_not_in_the_cache_of_the_kernel_is_read_by_a_thread(scene, monkeypatch) -> None:
    monkeypatch.setattr(spool.os, "preadv", _fails(errno.EAGAIN))
    (asked,) = scene().play(post(500_000)).asked
    assert asked.content == body(500_000)

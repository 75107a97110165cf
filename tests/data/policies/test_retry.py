"""When another endpoint is asked (proxy-next-upstream, -tries and -timeout of ingress-nginx)."""

from __future__ import annotations

import pytest

from edge.table.counters import WorkerWord
from edge.table.policies import BodyLimit, Deadline, RequestBuffering, Retry, Timeouts
from tests.support.play import HANGS_UP, NO_HTTP, RESETS, SILENT, Answer, Cut, Endpoint, Request

WELL = Answer(content=b"well")
QUICK = Timeouts("test", read=0.3)


def until_well(play, script: Answer, *policies, request: Request | None = None, connect: int = 0):
    """A request to two endpoints, of which the one that is asked first follows SCRIPT."""
    shared = Endpoint(script, connect=connect)
    played = play(request or Request(), QUICK, *policies, endpoints=[shared, shared])
    return played.status, max(len(played.asked), shared.attempts)


FAILURES = {
    "hangs up": (HANGS_UP, 502),
    "resets": (RESETS, 502),
    "breaks within the head": (Answer(cut=Cut.HEAD), 502),
    "is silent": (SILENT, 504),
}


@pytest.mark.parametrize(("script", "status"), FAILURES.values(), ids=FAILURES)
def test_after_an_error_or_a_timeout_another_is_asked_by_default(play, script: Answer, status: int) -> None:
    assert until_well(play, script, Retry("test", tries=2)) == (status, 2)


@pytest.mark.parametrize(("script", "status"), FAILURES.values(), ids=FAILURES)
def test_it_may_be_the_one_that_answers(scene, script: Answer, status: int) -> None:
    one = scene(QUICK, endpoints=[Endpoint(script, WELL), Endpoint(WELL)])
    played = [one.play(Request()) for _ in range(2)]
    assert [each.content for each in played] == [b"well", b"well"]
    assert sorted(len(each.asked) for each in played) == [1, 2]
    again = next(each for each in played if len(each.asked) == 2)
    assert [earlier[2] for earlier in again.outcome.earlier or []] == [status]
    assert one.count(WorkerWord.RETRIES) == 1


@pytest.mark.parametrize("status", [502, 504])
def test_a_connection_that_cannot_be_made_is_an_error_or_a_timeout(play, status: int) -> None:
    assert until_well(play, WELL, Retry("test", tries=2), connect=status) == (status, 2)
    off = Retry("test", on_error=status != 502, on_timeout=status != 504)
    assert until_well(play, WELL, off, connect=status) == (status, 1)


def test_each_condition_can_be_switched_off(play) -> None:
    assert until_well(play, HANGS_UP, Retry("test", on_error=False)) == (502, 1)
    assert until_well(play, SILENT, Retry("test", on_timeout=False)) == (504, 1)


def test_what_is_no_http_is_not_tried_again_unless_asked_for(play) -> None:
    assert until_well(play, NO_HTTP) == (502, 1)
    assert until_well(play, NO_HTTP, Retry("test", tries=2, on_invalid=True)) == (502, 2)


@pytest.mark.parametrize("status", [403, 404, 429, 500, 502, 503, 504])
def test_a_status_is_not_tried_again_unless_asked_for(play, status: int) -> None:
    assert until_well(play, Answer(status)) == (status, 1)
    assert until_well(play, Answer(status), Retry("test", tries=2, on_statuses=(status,))) == (status, 2)
    assert until_well(play, Answer(status), Retry("test", tries=2, on_statuses=(499,))) == (status, 1)


def test_the_last_response_with_such_a_status_is_passed_on(play) -> None:
    endpoints = [Endpoint(Answer(503, b"sorry", (("X-Why", "load"),))) for _ in range(2)]
    played = play(Request(), Retry("test", on_statuses=(503,)), endpoints=endpoints)
    assert (played.status, played.content, played.field("x-why")) == (503, b"sorry", "load")
    assert len(played.asked) == 2


def test_there_are_three_tries_by_default(play) -> None:
    played = play(Request(), endpoints=[Endpoint(HANGS_UP) for _ in range(5)])
    assert (played.status, len(played.asked)) == (502, 3)


@pytest.mark.parametrize(("tries", "asked"), [(1, 1), (2, 2), (4, 4), (9, 5), (0, 5)])
def test_their_number_can_be_set_and_0_is_as_many_as_there_are_endpoints(play, tries: int, asked: int) -> None:
    played = play(Request(), Retry("test", tries), QUICK, endpoints=[Endpoint(SILENT) for _ in range(5)])
    assert (played.status, len(played.asked)) == (504, asked)


def test_no_endpoint_is_asked_twice_while_there_is_another(play) -> None:
    endpoints = [Endpoint(HANGS_UP) for _ in range(3)]
    assert play(Request(), endpoints=endpoints).status == 502
    assert [len(endpoint.asked) for endpoint in endpoints] == [1, 1, 1]


def test_the_only_endpoint_gets_another_chance_when_it_broke_the_connection(play) -> None:
    assert play(Request(), endpoints=[Endpoint(HANGS_UP, WELL)]).content == b"well"


def test_it_gets_none_when_it_was_silent(play) -> None:
    assert play(Request(), QUICK, endpoints=[Endpoint(SILENT, WELL)]).status == 504


def test_no_try_begins_after_the_time_for_tries(play) -> None:
    endpoints = [Endpoint(Answer(cut=Cut.BEFORE, after=0.05)) for _ in range(3)]
    assert len(play(Request(), Retry("test", timeout=0.01), endpoints=endpoints).asked) == 1
    endpoints = [Endpoint(HANGS_UP) for _ in range(3)]
    assert len(play(Request(), Retry("test", timeout=1000.0), endpoints=endpoints).asked) == 3


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_idempotent_requests_are_sent_again_with_their_content(play, method: str) -> None:
    request = Request(method, content=b"" if method in ("GET", "HEAD") else b"same")
    played = play(request, endpoints=[Endpoint(HANGS_UP), Endpoint(HANGS_UP)])
    assert [(asked.method, asked.content) for asked in played.asked[:2]] == [(method, request.content)] * 2


@pytest.mark.parametrize("method", ["POST", "PATCH", "LOCK", "UNKNOWN"])
def test_others_are_not_once_they_have_been_sent(play, method: str) -> None:
    request = Request(method, content=b"pay 5")
    for script in (HANGS_UP, SILENT):
        assert until_well(play, script, request=request)[1] == 1
    assert until_well(play, Answer(503), Retry("test", on_statuses=(503,)), request=request)[1] == 1


@pytest.mark.parametrize("method", ["POST", "PATCH", "LOCK", "UNKNOWN"])
def test_others_are_where_nothing_has_been_sent(play, method: str) -> None:
    assert until_well(play, WELL, Retry("test", 2), request=Request(method, content=b"5"), connect=502) == (502, 2)


def test_non_idempotent_has_them_sent_again(play) -> None:
    request = Request("POST", content=b"pay 5")
    assert until_well(play, HANGS_UP, Retry("test", 2, non_idempotent=True), request=request) == (502, 2)


@pytest.mark.parametrize("sized", [True, False], ids=["sized", "chunked"])
@pytest.mark.parametrize("size", [40, 100_000])
def test_a_body_that_goes_to_the_endpoint_as_it_comes_is_sent_once(play, size: int, sized: bool) -> None:
    request = Request("PUT", content=bytes(size), sized=sized)
    assert until_well(play, HANGS_UP, RequestBuffering("test", 0), request=request) == (502, 1)
    assert until_well(play, WELL, RequestBuffering("test", 0), Retry("test", 2), request=request, connect=502) == (
        502,
        2,
    )


@pytest.mark.parametrize("sized", [True, False], ids=["sized", "chunked"])
@pytest.mark.parametrize("size", [40, 100_000, 5 << 20])
def test_a_body_that_has_been_read_first_is_sent_again_whatever_its_size(scene, size: int, sized: bool) -> None:
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    request = Request("POST", content=content, sized=sized)
    policies = (Retry("test", 2, non_idempotent=True, on_statuses=(503,)), BodyLimit("test", 0))
    for script in (HANGS_UP, RESETS, Answer(503)):
        endpoint = Endpoint(script, WELL)
        played = scene(*policies, endpoints=[endpoint, endpoint]).play(request)
        assert (played.status, played.content, len(played.asked)) == (200, b"well", 2)
        assert played.asked[1].content == content
        assert played.asked[1].values("content-length") == [str(size)]


COUNTED = Retry("test", 4, same_endpoint=True, counts_all=True, when_broken=503)


@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
@pytest.mark.parametrize("script", [HANGS_UP, RESETS], ids=["hangs up", "resets"])
def test_where_all_attempts_count_there_are_no_more_of_them(scene, script: Answer, kept: bool) -> None:
    """A request that is sent again because a kept connection had ended counts, too."""
    for broken, status in ((3, 200), (4, 503)):
        one = scene(COUNTED, endpoints=[Endpoint(*[Answer()] * kept, *[script] * broken, WELL)])
        if kept:
            assert one.play(Request()).status == 200
        played = one.play(Request())
        assert (played.status, len(played.asked), one.count(WorkerWord.RETRIES)) == (status, 4, 3)
        assert [earlier[2] for earlier in played.outcome.earlier or []] == [502] * 3


def test_a_kept_connection_that_has_ended_does_not_use_up_the_only_attempt(scene) -> None:
    one = scene(Retry("test", 1, counts_all=True), endpoints=[Endpoint(Answer(), HANGS_UP, WELL)])
    assert [one.play(Request()).content for _ in range(2)] == [b"hello", b"well"]


def test_the_status_for_broken_connections_is_not_that_of_other_failures(play) -> None:
    for script, status in ((HANGS_UP, 503), (SILENT, 504), (NO_HTTP, 502), (Answer(500), 500)):
        assert until_well(play, script, Retry("test", 2, when_broken=503))[0] == status
    assert until_well(play, WELL, Retry("test", 2, when_broken=503), connect=502) == (503, 2)
    assert until_well(play, WELL, Retry("test", 2, when_broken=503), connect=504) == (504, 2)


def test_there_is_a_pause_before_another_attempt(play) -> None:
    endpoints = [Endpoint(HANGS_UP, WELL)]
    played = play(Request(), Retry("test", 2, same_endpoint=True, backoff=0.1), endpoints=endpoints)
    assert played.content == b"well"
    assert played.outcome.duration >= 0.1


def test_none_begins_that_the_deadline_would_end_before_its_pause_is_over(play) -> None:
    retry = Retry("test", 2, on_statuses=(500,), same_endpoint=True, backoff=3600)
    for script in (Answer(500), HANGS_UP):
        played = play(Request(), Deadline("test", request=60), retry, endpoints=[Endpoint(script, WELL)])
        assert (played.status, len(played.asked)) == (504 if script.status == 500 else 502, 1)


def test_a_response_that_has_begun_is_never_begun_again(play) -> None:
    broken = Answer(content=b"0123456789", cut=Cut.CONTENT)
    played = play(Request(), endpoints=[Endpoint(broken), Endpoint(broken)])
    assert (played.whole, len(played.asked)) == (False, 1)


def test_want_of_descriptors_is_not_helped_by_another_endpoint(play) -> None:
    assert until_well(play, WELL, connect=503) == (503, 1)

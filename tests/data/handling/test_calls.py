"""Asking a backend: connections that are kept, attempts, their budget, and what is left behind: nothing."""

from __future__ import annotations

import pytest

from edge.data.handling.calls import MOST_INTERIM
from edge.data.upstream.budget import CONSTANT, SECONDS
from edge.data.upstream.target import BREAKS
from edge.table.counters import WorkerWord
from edge.table.policies import RequestBuffering, Retry
from tests.support.play import HANGS_UP, NO_HTTP, RESETS, Answer, Cut, Endpoint, Request, Scene

# --- connections ------------------------------------------------------------------------------------------------------


def test_a_connection_is_used_again(scene) -> None:
    endpoint = Endpoint()
    one: Scene = scene(endpoints=[endpoint])
    requests = [Request(), Request("POST", content=b"x"), Request("HEAD"), Request("PUT", content=b"y", sized=False)]
    played = [one.play(request) for request in requests]
    assert [each.status for each in played] == [200] * 4
    assert (endpoint.connections, one.idle()) == (1, 1)
    assert [each.timeouts[0] for each in played] == [5.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("sized", [True, False])
@pytest.mark.parametrize("status", [200, 204, 304])
def test_it_does_not_matter_how_the_response_is_framed(scene, status: int, sized: bool) -> None:
    endpoint = Endpoint(Answer(status, sized=sized))
    one: Scene = scene(endpoints=[endpoint])
    assert [one.play(Request()).status for _ in range(3)] == [status] * 3
    assert endpoint.connections == 1


def test_a_kept_connection_that_breaks_says_nothing_about_the_endpoint(scene) -> None:
    endpoint = Endpoint(Answer(), HANGS_UP, Answer(content=b"again"))
    one: Scene = scene(Retry("test", tries=1), endpoints=[endpoint])
    assert one.play(Request()).status == 200
    played = one.play(Request())
    assert (played.content, played.outcome.earlier, endpoint.connections) == (b"again", None, 2)
    assert one.count(WorkerWord.RETRIES) == 0


def test_so_does_a_kept_connection_that_is_given_up_with_408(scene) -> None:
    endpoint = Endpoint(Answer(), Answer(408), Answer(content=b"again"))
    one: Scene = scene(endpoints=[endpoint])
    assert [one.play(Request()).content for _ in range(2)] == [b"hello", b"again"]


def test_a_408_on_a_new_connection_is_the_endpoints_answer(scene) -> None:
    one: Scene = scene(endpoints=[Endpoint(Answer(408, b"slow"), Answer())])
    assert [one.play(Request()).status for _ in range(2)] == [408, 200]


def test_what_may_do_harm_twice_is_not_sent_again_on_a_new_connection(scene) -> None:
    one: Scene = scene(endpoints=[Endpoint(Answer(), RESETS)])
    assert one.play(Request()).status == 200
    assert one.play(Request("POST", content=b"pay 5")).status == 502


@pytest.mark.parametrize(
    "script",
    [HANGS_UP, RESETS, NO_HTTP, Answer(cut=Cut.HEAD), Answer(content=b"0123456789", cut=Cut.CONTENT)],
    ids=["hangs up", "resets", "no HTTP", "within the head", "within the content"],
)
def test_a_broken_connection_is_not_kept(scene, script: Answer) -> None:
    one: Scene = scene(Retry("test", tries=1), endpoints=[Endpoint(script)])
    one.play(Request())
    assert (one.idle(), one.in_use()) == (0, 0)


def test_an_early_answer_ends_the_connection_where_the_request_is_not_finished(scene) -> None:
    request = Request("POST", content=bytes(100_000), stops=70_000, silent=True)
    endpoints = [Endpoint(Answer(403, early=True))]
    one: Scene = scene(RequestBuffering("test", 0), endpoints=endpoints, client_body_timeout=1.0)
    assert one.play(request).status == 403
    assert one.idle() == 0


# --- interim responses ------------------------------------------------------------------------------------------------


def test_their_number_is_bounded(play) -> None:
    most = Answer(interim=(103,) * MOST_INTERIM)
    assert play(Request(), endpoints=[Endpoint(most)]).status == 200
    more = Answer(interim=(103,) * (MOST_INTERIM + 1))
    played = play(Request(), Retry("test", tries=1), endpoints=[Endpoint(more)])
    assert (played.status, len(played.received.interim)) == (502, MOST_INTERIM)


# --- endpoints that are left out --------------------------------------------------------------------------------------


def test_an_endpoint_that_refuses_connections_is_left_out(scene) -> None:
    refusing, well = Endpoint(connect=502), Endpoint()
    one: Scene = scene(endpoints=[refusing, well])
    assert {one.play(Request()).status for _ in range(10)} == {200}
    assert refusing.attempts == 1
    assert (one.count(WorkerWord.UPSTREAM_CONNECT_FAILURES), one.count(WorkerWord.EJECTIONS)) == (1, 1)


def test_so_is_one_that_breaks_new_connections_in_a_row(scene) -> None:
    breaking, well = Endpoint(HANGS_UP), Endpoint()
    one: Scene = scene(endpoints=[breaking, well])
    assert {one.play(Request()).status for _ in range(4 * BREAKS)} == {200}
    assert len(breaking.asked) == BREAKS
    assert one.count(WorkerWord.EJECTIONS) == 1


def test_want_of_descriptors_is_not_the_endpoints_fault(scene) -> None:
    one: Scene = scene(endpoints=[Endpoint(connect=503)])
    assert one.play(Request()).status == 503
    assert (one.count(WorkerWord.UPSTREAM_CONNECT_FAILURES), one.count(WorkerWord.EJECTIONS)) == (0, 0)


# --- the budget -------------------------------------------------------------------------------------------------------


def test_further_attempts_end_with_the_budget(scene) -> None:
    granted = int(CONSTANT * SECONDS)
    one: Scene = scene(Retry("test", tries=2, on_statuses=(503,)), endpoints=[Endpoint(Answer(503)) for _ in range(2)])
    for _ in range(granted - 1):
        assert one.budget.take()
    assert [len(one.play(Request()).asked) for _ in range(3)] == [2, 1, 1]
    assert one.count(WorkerWord.RETRIES) == 1


def test_each_request_earns_a_share_of_an_attempt(scene) -> None:
    one: Scene = scene()
    for _ in range(3):
        one.play(Request())
    assert one.budget.requests == 3


def test_an_attempt_that_is_given_up_is_kept_for_the_log(play) -> None:
    played = play(Request(), Retry("test", tries=2), endpoints=[Endpoint(HANGS_UP), Endpoint(RESETS)])
    assert played.outcome.earlier is not None
    ((endpoint, seconds, status, *_),) = played.outcome.earlier
    assert {endpoint, played.outcome.endpoint} == {"10.0.0.1:80", "10.0.0.2:80"}
    assert (status, played.outcome.upstream_status) == (502, 502)
    assert seconds >= 0

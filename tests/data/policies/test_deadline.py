"""How long a request may take as a whole (Gateway API, HTTPRouteTimeouts)."""

from __future__ import annotations

from edge.table.policies import Deadline, Retry
from tests.support.play import SILENT, Answer, Endpoint, Request

WELL = Answer(content=b"well")


def test_without_limits_or_within_them_nothing_is_different(play) -> None:
    for limits in (Deadline("test"), Deadline("test", 60, 30)):
        played = play(Request(), limits, endpoints=[Endpoint(WELL)])
        assert (played.status, played.content) == (200, b"well")


def test_a_request_that_takes_too_long_is_answered_504(play) -> None:
    played = play(Request(), Deadline("test", request=0.2), endpoints=[Endpoint(SILENT), Endpoint(SILENT)])
    assert (played.status, len(played.asked)) == (504, 1), "there is no time left for another endpoint"


def test_an_attempt_that_takes_too_long_may_be_repeated(play) -> None:
    limits = Deadline("test", request=60, attempt=0.1)
    assert play(Request(), limits, Retry("test", on_timeout=False), endpoints=[Endpoint(SILENT)]).status == 504
    shared = Endpoint(SILENT, WELL)
    played = play(Request(), limits, Retry("test", tries=2, same_endpoint=True), endpoints=[shared])
    assert (played.status, len(played.asked)) == (200, 2)


def test_a_short_limit_is_kept_to_the_moment(scene) -> None:
    """Not to the next look at all deadlines, which an endpoint that answers a little too late would forestall."""
    limits, retry = Deadline("test", request=60, attempt=0.05), Retry("test", on_timeout=False)
    one = scene(limits, retry, endpoints=[Endpoint(WELL, SILENT, SILENT)])
    one.without_sweeps()
    assert [one.play(Request()).status for _ in range(3)] == [200, 504, 504], "the second one by a kept connection"


def test_a_request_whose_time_ends_between_attempts_is_answered_504(play) -> None:
    """Although there is a response, which another attempt was to replace."""
    retry = Retry("test", on_statuses=(500,), same_endpoint=True)
    played = play(Request(), Deadline("test", request=0.009), retry, endpoints=[Endpoint(Answer(500), Answer(500))])
    assert played.status == 504

"""A response with a head above the limit is 502 (proxy-buffer-size)."""

from __future__ import annotations

import pytest

from edge.settings import LARGEST_HEAD
from edge.table.policies import ResponseHead, Retry
from tests.support.play import Answer, Endpoint, Request

STATUS_LINE = len("HTTP/1.1 200 Status")
"""By so much a head may be shorter over HTTP/2, which has none."""


def answer(size: int) -> Answer:
    """One with a head of SIZE bytes, as it goes over the wire."""
    frame = len("HTTP/1.1 200 Status\r\nX-Fill: \r\nContent-Length: 5\r\n\r\n")
    return Answer(fields=(("X-Fill", "a" * (size - frame)),))


@pytest.mark.parametrize("limit", [200, 4096, 50_000])
def test_a_head_above_the_limit_is_502(play, limit: int) -> None:
    policy = ResponseHead("test", limit)
    assert play(Request(), policy, endpoints=[Endpoint(answer(limit))]).status == 200
    played = play(Request(), policy, endpoints=[Endpoint(answer(limit + 1 + STATUS_LINE))])
    assert (played.status, played.outcome.upstream_status) == (502, 502)


def test_without_it_the_limit_of_the_process_holds(play) -> None:
    assert play(Request(), endpoints=[Endpoint(answer(32768))]).status == 200
    assert play(Request(), endpoints=[Endpoint(answer(32769 + STATUS_LINE))]).status == 502
    played = play(Request(), endpoints=[Endpoint(answer(5000))], max_response_header_size=4096)
    assert played.status == 502


def test_it_may_be_above_that_of_the_process(play) -> None:
    policy = ResponseHead("test", LARGEST_HEAD)
    assert play(Request(), policy, endpoints=[Endpoint(answer(50_000))]).status == 200


def test_another_endpoint_is_asked_where_invalid_responses_are_tried_again(play) -> None:
    endpoint = Endpoint(answer(5000), answer(500))
    policies = (ResponseHead("test", 4096), Retry("test", 2, on_invalid=True))
    played = play(Request(), *policies, endpoints=[endpoint, endpoint])
    assert (played.status, len(played.asked)) == (200, 2)


def test_the_content_is_not_limited(play) -> None:
    played = play(Request(), ResponseHead("test", 200), endpoints=[Endpoint(Answer(content=bytes(100_000)))])
    assert (played.status, len(played.content)) == (200, 100_000)

"""Requests of Edge's own to other backends: what is sent, what is read of the response, and what is left behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edge.data.exchange.subrequest import Answer as Response
from edge.data.exchange.subrequest import UnansweredError, outgoing
from edge.data.upstream.terms import Terms
from edge.table.policies import Retry, Timeouts
from edge.table.records import Transport
from tests.support.play import HANGS_UP, NO_HTTP, RESETS, SILENT, Answer, Cut, Endpoint, Scene

Ask = Callable[..., Response]
MOST = 1000


@pytest.fixture
def ask(scene: Callable[..., Scene]) -> Ask:
    """Sends a subrequest to endpoints."""

    def once(*endpoints: Endpoint, retry: Retry | None = None, content: bytes | None = None, **rest: Any) -> Response:
        one = scene(services={"web": [Endpoint()], "other": list(endpoints)})
        once.scene = one  # type: ignore[attr-defined]
        terms = Terms(Timeouts("test", connect=1.0, send=2.0, read=3.0), retry or Retry("test"))
        send = one.planner._asks([])("demo/other:80", Transport(), terms, MOST)
        given = {"method": b"GET", "target": b"/", "host": b"other.example", "fields": b"", "request_id": b"7", **rest}
        try:
            return send(outgoing(**given, content=content), content or b"", None)
        finally:
            assert (one.in_use(), one.in_flight()) == (0, 0)

    return once


def test_it_has_the_fields_that_it_is_given_and_no_others(ask: Ask) -> None:
    endpoint = Endpoint()
    ask(endpoint, target=b"/check?a=b", fields=b"X-User: alice\r\nCookie: a=b\r\n")
    (asked,) = endpoint.asked
    assert (asked.method, asked.target) == ("GET", "/check?a=b")
    fields = [("host", "other.example"), ("x-request-id", "7"), ("x-user", "alice"), ("cookie", "a=b")]
    assert [(name.lower(), value) for name, value in asked.fields] == fields


def test_it_may_have_content(ask: Ask) -> None:
    endpoint = Endpoint()
    ask(endpoint, method=b"POST", content=b"question")
    (asked,) = endpoint.asked
    assert (asked.method, asked.content, asked.values("content-length")) == ("POST", b"question", ["8"])


def test_the_response_is_given_as_a_whole(ask: Ask) -> None:
    answer = ask(Endpoint(Answer(401, b"who are you?", (("X-A", "1"), ("X-B", "2"), ("x-a", "3")))))
    assert (answer.status, answer.content, answer.whole) == (401, b"who are you?", True)
    assert (answer.get(b"x-a"), answer.values(b"x-a"), answer.get(b"x-c")) == (b"1, 3", [b"1", b"3"], None)


@pytest.mark.parametrize("sized", [True, False])
@pytest.mark.parametrize(("method", "status"), [(b"GET", 200), (b"HEAD", 200), (b"GET", 204), (b"GET", 304)])
def test_its_connection_is_kept(ask: Ask, method: bytes, status: int, sized: bool) -> None:
    ask(Endpoint(Answer(status, sized=sized)), method=method)
    assert ask.scene.idle() == 1  # type: ignore[attr-defined]


def test_content_above_the_limit_is_cut_off_and_its_connection_closed(ask: Ask) -> None:
    answer = ask(Endpoint(Answer(content=b"x" * (MOST + 1))))
    assert (answer.content, answer.whole) == (b"x" * MOST, False)
    assert ask.scene.idle() == 0  # type: ignore[attr-defined]


def test_interim_responses_are_dropped(ask: Ask) -> None:
    assert ask(Endpoint(Answer(204, interim=(100, 103)))).status == 204


def test_another_endpoint_is_asked_where_one_fails(ask: Ask) -> None:
    assert ask(Endpoint(RESETS), Endpoint(RESETS), Endpoint(Answer(204))).status == 204


@pytest.mark.parametrize(
    "script",
    [HANGS_UP, RESETS, NO_HTTP, SILENT, Answer(101), Answer(cut=Cut.HEAD), Answer(content=b"01", cut=Cut.CONTENT)],
    ids=["hangs up", "resets", "no HTTP", "silent", "switches", "within the head", "within the content"],
)
def test_without_a_whole_response_there_is_none(ask: Ask, script: Answer) -> None:
    with pytest.raises(UnansweredError):
        ask(Endpoint(script), retry=Retry("test", tries=1))
    assert ask.scene.idle() == 0  # type: ignore[attr-defined]


def test_nor_without_a_connection_or_an_endpoint(ask: Ask) -> None:
    with pytest.raises(UnansweredError, match="10\\.0\\.0\\.2"):
        ask(Endpoint(connect=504))
    with pytest.raises(UnansweredError, match="no endpoint"):
        ask()


def test_the_terms_are_its_own(ask: Ask) -> None:
    ask(Endpoint())
    assert ask.scene._connect_timeout == 1.0  # type: ignore[attr-defined]
    assert ask.scene.timeouts == (2.0, 3.0)  # type: ignore[attr-defined]


def test_nothing_of_it_is_counted_as_a_request_of_the_route(ask: Ask) -> None:
    ask(Endpoint())
    assert ask.scene.counted() == {}  # type: ignore[attr-defined]

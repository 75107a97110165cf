"""How long an endpoint may be silent (proxy-connect-timeout, proxy-send-timeout, proxy-read-timeout)."""

from __future__ import annotations

from edge.table.policies import Retry, Timeouts
from tests.support.play import SILENT, Answer, Cut, Endpoint, Request

ONCE = Retry("test", tries=1)


def test_the_defaults_are_those_of_ingress_nginx(play) -> None:
    assert play(Request()).timeouts == (5.0, 60.0, 60.0)


def test_each_of_them_can_be_set(play) -> None:
    assert play(Request(), Timeouts("test", 0.25, 1.5, 2.5)).timeouts == (0.25, 1.5, 2.5)


def test_no_connection_in_time_is_504(play) -> None:
    played = play(Request(), ONCE, endpoints=[Endpoint(connect=504)])
    assert (played.status, played.outcome.upstream_status) == (504, 504)


def test_a_refused_connection_is_502(play) -> None:
    assert play(Request(), ONCE, endpoints=[Endpoint(connect=502)]).status == 502


def test_no_response_in_time_is_504(play) -> None:
    played = play(Request(), Timeouts("test", read=0.3), ONCE, endpoints=[Endpoint(SILENT)])
    assert (played.status, played.whole, played.outcome.upstream_status) == (504, True, 504)


def test_the_other_endpoint_is_asked_where_that_does_no_harm(play) -> None:
    played = play(Request(), Timeouts("test", read=0.3), endpoints=[Endpoint(SILENT), Endpoint(SILENT)])
    assert (played.status, len(played.asked)) == (504, 2)


def test_silence_within_the_head_counts(play) -> None:
    endpoint = Endpoint(Answer(cut=Cut.HEAD, silent=True))
    assert play(Request(), Timeouts("test", read=0.3), ONCE, endpoints=[endpoint]).status == 504


def test_silence_within_the_content_breaks_the_response_off(play) -> None:
    endpoint = Endpoint(Answer(content=b"0123456789", cut=Cut.CONTENT, silent=True))
    played = play(Request(), Timeouts("test", read=0.3), endpoints=[endpoint])
    assert (played.status, played.whole, played.content) == (200, False, b"01234")


def test_an_endpoint_that_answers_in_time_is_waited_for(play) -> None:
    assert play(Request(), Timeouts("test", read=20.0), endpoints=[Endpoint(Answer(after=0.05))]).status == 200


def test_a_request_that_has_been_sent_leaves_the_endpoint_its_time(play) -> None:
    """Of a streamed body too: the time runs from its end on."""
    request = Request("POST", content=bytes(100_000), sized=False)
    played = play(request, Timeouts("test", read=0.3), ONCE, endpoints=[Endpoint(SILENT)])
    assert (played.status, len(played.asked[0].content)) == (504, 100_000)

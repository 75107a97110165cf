"""Fields of the response are removed, set and added (Gateway API, HTTPHeaderFilter)."""

from __future__ import annotations

import pytest

from edge.table.policies import ResponseHeaders
from tests.support.play import HANGS_UP, Answer, Endpoint, Request, backend, route
from tests.support.play.script import values

SENT = (("X-A", "1"), ("x-a", "2"), ("X-B", "3"))


def played(play, *policies, **rest):
    return play(Request(), *policies, endpoints=[Endpoint(Answer(fields=SENT, **rest))])


def test_fields_are_removed_whatever_their_case(play) -> None:
    got = played(play, ResponseHeaders("test", remove=("x-a", "x-none")))
    assert (got.field("x-a"), got.field("x-b")) == (None, "3")


def test_a_field_that_is_set_takes_the_place_of_all_that_came(play) -> None:
    got = played(play, ResponseHeaders("test", set=(("X-A", "new"), ("X-New", "also"))))
    assert (got.field("x-a"), got.field("x-new"), got.field("x-b")) == ("new", "also", "3")


def test_a_field_that_is_added_joins_what_came(play) -> None:
    got = played(play, ResponseHeaders("test", add=(("X-A", "new"), ("X-New", "also"))))
    assert (got.field("x-a") or "").replace(" ", "") == "1,2,new"
    assert (got.field("x-new"), got.field("x-b")) == ("also", "3")


def test_several_cookies_stay_apart(play) -> None:
    """Set-Cookie is the one field that cannot be joined (RFC 9110, section 5.3)."""
    endpoint = Endpoint(Answer(fields=(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))))
    got = play(Request(), ResponseHeaders("test", add=(("Set-Cookie", "c=3"),)), endpoints=[endpoint])
    assert values(got.received.fields, "set-cookie") == ["a=1", "b=2", "c=3"]


@pytest.mark.parametrize("status", [200, 204, 304, 404, 500])
def test_the_status_does_not_matter(play, status: int) -> None:
    endpoints = [Endpoint(Answer(status, fields=SENT))]
    got = play(Request(), ResponseHeaders("test", set=(("X-A", "new"),)), endpoints=endpoints)
    assert (got.status, got.field("x-a")) == (status, "new")


def test_answers_that_edge_makes_itself_stay_as_they_are(play) -> None:
    policy = ResponseHeaders("test", set=(("X-A", "new"),))
    got = play(Request(), policy, endpoints=[Endpoint(HANGS_UP)])
    assert (got.status, got.field("x-a")) == (502, None)


def test_interim_responses_stay_as_they_are(play) -> None:
    got = played(play, ResponseHeaders("test", remove=("x-interim",)), interim=(103,))
    assert values(got.received.interim[0][1], "x-interim") == ["103"]


def test_the_request_stays_as_it_is(play) -> None:
    (asked,) = played(play, ResponseHeaders("test", set=(("X-A", "new"),))).asked
    assert asked.values("x-a") == []


def test_the_policy_of_a_backend_acts_beside_that_of_the_route(play) -> None:
    to = (backend(policies=(ResponseHeaders("test", set=(("X-Backend", "web"),), remove=("x-b",)),)),)
    routes = (route("/", ResponseHeaders("test", set=(("X-Route", "app"),), remove=("x-a",)), to=to),)
    got = play(Request(), routes=routes, services={"web": [Endpoint(Answer(fields=SENT))]})
    assert (got.field("x-route"), got.field("x-backend")) == ("app", "web")
    assert (got.field("x-a"), got.field("x-b")) == (None, None)


def test_the_route_replaces_what_a_backend_has_set(play) -> None:
    to = (backend(policies=(ResponseHeaders("test", set=(("X-A", "backend"),)),)),)
    got = play(Request(), routes=(route("/", ResponseHeaders("test", set=(("X-A", "route"),)), to=to),))
    assert values(got.received.fields, "x-a") == ["route"]

"""Fields of the request are removed, set and added (Gateway API, HTTPHeaderFilter)."""

from __future__ import annotations

import pytest

from edge.table.policies import RequestHeaders
from tests.support.play import HANGS_UP, Endpoint, Request, backend, route

SENT = (("X-A", "1"), ("x-a", "2"), ("X-B", "3"))


def asked(play, policy: RequestHeaders, fields=SENT, **rest):
    (one,) = play(Request(fields=fields, **rest), policy).asked
    return one


def test_fields_are_removed_whatever_their_case(play) -> None:
    one = asked(play, RequestHeaders("test", remove=("x-a", "x-none")))
    assert (one.values("x-a"), one.values("x-b")) == ([], ["3"])


def test_a_field_that_is_set_takes_the_place_of_all_that_came(play) -> None:
    one = asked(play, RequestHeaders("test", set=(("X-A", "new"), ("X-New", "also"))))
    assert (one.values("x-a"), one.values("x-new"), one.values("x-b")) == (["new"], ["also"], ["3"])


def test_a_field_that_is_added_joins_what_came(play) -> None:
    one = asked(play, RequestHeaders("test", add=(("X-A", "new"), ("X-New", "also"))))
    assert ",".join(one.values("x-a")).replace(" ", "") == "1,2,new"
    assert (one.values("x-new"), one.values("x-b")) == (["also"], ["3"])


def test_all_three_act_together(play) -> None:
    policy = RequestHeaders("test", set=(("X-A", "new"),), add=(("X-B", "4"),), remove=("x-c",))
    one = asked(play, policy, (*SENT, ("X-C", "5")))
    assert (one.values("x-a"), one.values("x-b"), one.values("x-c")) == (["new"], ["3", "4"], [])


@pytest.mark.parametrize("request_", [Request("HEAD"), Request(version="1.0"), Request("POST", content=b"x")])
def test_the_kind_of_request_does_not_matter(play, request_: Request) -> None:
    (one,) = play(request_, RequestHeaders("test", set=(("X-A", "new"),))).asked
    assert one.values("x-a") == ["new"]


def test_the_response_stays_as_it_is(play) -> None:
    assert play(Request(), RequestHeaders("test", set=(("X-A", "new"),))).field("x-a") is None


def test_a_further_attempt_gets_them_once(play) -> None:
    policy = RequestHeaders("test", add=(("X-B", "4"),), set=(("X-A", "new"),))
    played = play(Request(fields=SENT), policy, endpoints=[Endpoint(HANGS_UP), Endpoint(HANGS_UP)])
    assert len(played.asked) == 3
    for one in played.asked:
        assert (one.values("x-b"), one.values("x-a")) == (["3", "4"], ["new"])


def test_the_next_request_begins_afresh(scene) -> None:
    one = scene(RequestHeaders("test", add=(("X-B", "4"),)))
    for _ in range(2):
        (got,) = one.play(Request(fields=SENT)).asked
        assert got.values("x-b") == ["3", "4"]


def test_the_policy_of_a_backend_acts_behind_that_of_the_route(play) -> None:
    to = (backend(policies=(RequestHeaders("test", set=(("X-Backend", "web"),), remove=("x-b",)),)),)
    routes = (route("/", RequestHeaders("test", set=(("X-Route", "app"),), remove=("x-a",)), to=to),)
    (one,) = play(Request(fields=SENT), routes=routes).asked
    assert (one.values("x-route"), one.values("x-backend")) == (["app"], ["web"])
    assert (one.values("x-a"), one.values("x-b")) == ([], [])


# --- fields that Edge writes itself -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Host", "X-Request-ID", "X-Forwarded-Host", "X-Real-IP", "X-Forwarded-Proto"])
def test_a_field_that_is_set_replaces_what_edge_says(play, name: str) -> None:
    one = asked(play, RequestHeaders("test", set=((name, "new"),)), ((name, "mine"),) if name != "Host" else ())
    assert one.values(name.lower()) == ["new"]


def test_there_is_one_host_whatever_is_added(play) -> None:
    assert asked(play, RequestHeaders("test", add=(("host", "new"),))).values("host") == ["new"]


def test_what_edge_says_about_the_client_can_be_removed(play) -> None:
    one = asked(play, RequestHeaders("test", remove=("x-forwarded-for", "x-real-ip")))
    assert (one.values("x-forwarded-for"), one.values("x-real-ip")) == ([], [])
    assert one.values("x-forwarded-proto") == ["http"]


def test_an_addition_to_what_edge_says_does_not_bring_back_what_the_client_says(play) -> None:
    one = asked(play, RequestHeaders("test", add=(("X-Forwarded-For", "10.9.9.9"),)), (("X-Forwarded-For", "8.8.8.8"),))
    assert one.values("x-forwarded-for") == ["192.0.2.1", "10.9.9.9"]


def test_a_backend_replaces_what_the_route_has_set(play) -> None:
    to = (backend(policies=(RequestHeaders("test", set=(("X-A", "backend"),)),)),)
    (one,) = play(Request(), routes=(route("/", RequestHeaders("test", set=(("X-A", "route"),)), to=to),)).asked
    assert one.values("x-a") == ["backend"]

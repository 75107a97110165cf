"""Responses over TLS carry Strict-Transport-Security (RFC 6797; `hsts` of ingress-nginx)."""

from __future__ import annotations

import pytest

from edge.table.policies import BodyLimit, Closed, Hsts, Redirect, ResponseHeaders
from tests.support.play import HANGS_UP, Answer, Endpoint, Request, backend, route

VALUE = "max-age=31536000; includeSubDomains"
POLICY = Hsts("test", VALUE)
FIELD = "strict-transport-security"


def test_a_response_over_tls_has_the_field(play) -> None:
    assert play(Request(), POLICY, secure=True).field(FIELD) == VALUE


def test_a_response_over_plain_http_has_not(play) -> None:
    """RFC 6797, section 7.2."""
    assert play(Request(), POLICY).field(FIELD) is None


def test_the_endpoints_own_field_is_replaced(play) -> None:
    endpoint = Endpoint(Answer(fields=(("Strict-Transport-Security", "max-age=0"), ("X-Other", "stays"))))
    played = play(Request(), POLICY, secure=True, endpoints=[endpoint])
    assert played.field(FIELD) == VALUE
    assert played.field("x-other") == "stays"


@pytest.mark.parametrize(("secure", "policies"), [(False, (POLICY,)), (True, ()), (False, ())])
def test_without_it_the_endpoints_own_field_is_passed_on(play, secure: bool, policies: tuple[Hsts, ...]) -> None:
    endpoint = Endpoint(Answer(fields=(("Strict-Transport-Security", "max-age=7"),)))
    assert play(Request(), *policies, secure=secure, endpoints=[endpoint]).field(FIELD) == "max-age=7"


@pytest.mark.parametrize("status", [200, 204, 304, 404, 500])
def test_the_status_does_not_matter(play, status: int) -> None:
    played = play(Request(), POLICY, secure=True, endpoints=[Endpoint(Answer(status))])
    assert (played.status, played.field(FIELD)) == (status, VALUE)


OWN = {
    "a redirect": (302, (Redirect("test", host="other.example"),), [Endpoint()]),
    "too large a body": (413, (BodyLimit("test", 1),), [Endpoint()]),
    "a closed route": (503, (Closed("test", "why"),), [Endpoint()]),
    "no endpoint": (503, (), []),
    "a broken endpoint": (502, (), [Endpoint(HANGS_UP)]),
    "a refusing endpoint": (502, (), [Endpoint(connect=502)]),
}


@pytest.mark.parametrize(("status", "policies", "endpoints"), OWN.values(), ids=OWN)
def test_answers_that_edge_makes_itself_have_it_too(play, status, policies, endpoints) -> None:
    played = play(Request("POST", content=b"12"), POLICY, *policies, secure=True, endpoints=endpoints)
    assert (played.status, played.field(FIELD)) == (status, VALUE)


def test_so_has_the_answer_of_a_route_without_backends(play) -> None:
    assert play(Request(), routes=(route("/", POLICY, to=()),), secure=True).field(FIELD) == VALUE
    unavailable = (backend(),)
    assert (
        play(Request(), routes=(route("/", POLICY, to=unavailable),), services={"web": []}, secure=True).status == 503
    )


def test_head_and_http_1_0_get_it(play) -> None:
    assert play(Request("HEAD"), POLICY, secure=True).field(FIELD) == VALUE
    assert play(Request(version="1.0"), POLICY, secure=True).field(FIELD) == VALUE


def test_an_interim_response_has_not(play) -> None:
    played = play(Request(), POLICY, secure=True, endpoints=[Endpoint(Answer(interim=(103,)))])
    assert [status for status, _ in played.received.interim] == [103]
    assert FIELD not in dict(played.received.interim[0][1])
    assert played.field(FIELD) == VALUE


def test_other_edits_of_the_response_leave_it(play) -> None:
    edit = ResponseHeaders("test", remove=(FIELD,), set=(("X-A", "1"),))
    played = play(Request(), POLICY, edit, secure=True)
    assert (played.field(FIELD), played.field("x-a")) == (VALUE, "1")


def test_a_value_that_the_route_sets_itself_takes_its_place(play) -> None:
    """On what an endpoint answers; Edge's own answers have Edge's."""
    edit = ResponseHeaders("test", set=(("Strict-Transport-Security", "max-age=7"),))
    endpoint = Endpoint(Answer(fields=(("Strict-Transport-Security", "max-age=0"),)))
    got = play(Request(), POLICY, edit, secure=True, endpoints=[endpoint])
    assert [value for name, value in got.received.fields if name == FIELD] == ["max-age=7"]
    assert play(Request(), POLICY, edit, secure=True, endpoints=[]).field(FIELD) == VALUE
    assert play(Request(), POLICY, edit, endpoints=[]).field(FIELD) is None

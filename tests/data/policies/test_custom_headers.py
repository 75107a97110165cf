"""Fields of every response (ingress-nginx, custom-headers)."""

from __future__ import annotations

import pytest

from edge.table.policies import BodyLimit, Closed, Cors, CustomHeaders, Hsts, Redirect, ResponseHeaders
from tests.support.play import HANGS_UP, Answer, Endpoint, Request
from tests.support.play.script import values

POLICY = CustomHeaders("test", (("X-Frame-Options", "DENY"), ("X-Price", "$5")))
FRAMES, STS = "x-frame-options", "strict-transport-security"


def test_a_response_of_an_endpoint_has_them(play) -> None:
    got = play(Request(), POLICY)
    assert (got.field(FRAMES), got.field("x-price")) == ("DENY", "$5")


def test_they_take_the_place_of_the_endpoints_own(play) -> None:
    endpoint = Endpoint(Answer(fields=(("x-frame-options", "SAMEORIGIN"), ("X-Frame-Options", "no"), ("X-B", "stays"))))
    got = play(Request(), POLICY, endpoints=[endpoint])
    assert values(got.received.fields, FRAMES) == ["DENY"]
    assert got.field("x-b") == "stays"


@pytest.mark.parametrize("status", [200, 204, 304, 404, 500])
def test_the_status_does_not_matter(play, status: int) -> None:
    got = play(Request(), POLICY, endpoints=[Endpoint(Answer(status))])
    assert (got.status, got.field(FRAMES)) == (status, "DENY")


OWN = {
    "a redirect": (302, (Redirect("test", host="other.example"),), [Endpoint()]),
    "too large a body": (413, (BodyLimit("test", 1),), [Endpoint()]),
    "a closed route": (503, (Closed("test", "why"),), [Endpoint()]),
    "no endpoint": (503, (), []),
    "a broken endpoint": (502, (), [Endpoint(HANGS_UP)]),
}


@pytest.mark.parametrize(("status", "policies", "endpoints"), OWN.values(), ids=OWN)
def test_answers_that_edge_makes_itself_have_them_too(play, status, policies, endpoints) -> None:
    got = play(Request("POST", content=b"12"), POLICY, *policies, endpoints=endpoints)
    assert (got.status, got.field(FRAMES)) == (status, "DENY")


def test_interim_responses_have_not(play) -> None:
    got = play(Request(), POLICY, endpoints=[Endpoint(Answer(interim=(103,)))])
    assert FRAMES not in dict(got.received.interim[0][1])


def test_the_type_of_the_content_is_one_of_them(play) -> None:
    """Edge's own answers have one in any case."""
    policy = CustomHeaders("test", (("Content-Type", "text/html"),))
    endpoint = Endpoint(Answer(fields=(("Content-Type", "text/css"),)))
    for got in (play(Request(), policy, endpoints=[endpoint]), play(Request(), policy, endpoints=[])):
        assert values(got.received.fields, "content-type") == ["text/html"]


# --- beside other policies --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoints", [[Endpoint()], []], ids=["an endpoint's answer", "Edge's own"])
def test_a_value_for_hsts_goes_before_the_process_wide_one(play, endpoints) -> None:
    policy = CustomHeaders("test", (("Strict-Transport-Security", "max-age=7"),))
    got = play(Request(), policy, Hsts("test", "max-age=9"), secure=True, endpoints=endpoints)
    assert values(got.received.fields, STS) == ["max-age=7"]


ORIGIN = (("Origin", "https://a.example"),)


@pytest.mark.parametrize("origins", [("*",), ("https://a.example",)])
def test_the_fields_of_cors_are_its_own(play, origins: tuple[str, ...]) -> None:
    cors = Cors("test", origins, "GET", "X-A", True, "", 60)
    policy = CustomHeaders("test", (("Access-Control-Max-Age", "1"), ("X-A", "2")))
    got = play(Request(fields=ORIGIN), cors, policy)
    assert (values(got.received.fields, "access-control-max-age"), got.field("x-a")) == (["60"], "2")


def test_a_preflight_has_them(play) -> None:
    cors = Cors("test", ("*",), "GET", "X-A", True, "", 60)
    got = play(Request("OPTIONS", fields=ORIGIN), cors, POLICY)
    assert (got.status, got.field(FRAMES)) == (204, "DENY")


def test_what_the_route_sets_itself_is_sent_once(play) -> None:
    other = ResponseHeaders("test", set=(("X-Frame-Options", "ALLOW"),))
    assert values(play(Request(), POLICY, other).received.fields, FRAMES) == ["ALLOW"]

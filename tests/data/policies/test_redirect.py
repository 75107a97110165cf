"""Every request of a route is answered with a redirect (Gateway API, HTTPRequestRedirectFilter)."""

from __future__ import annotations

import pytest

from edge.table.policies import BodyLimit, Redirect
from edge.table.policies.path_change import PathChange
from tests.support.play import Endpoint, Request
from tests.support.play.scene import backend, route


def location(play, policy: Redirect, target: str = "/a", host: str = "app.example", *, secure: bool = False) -> str:
    return play(Request("GET", target, host), policy, secure=secure).field("location")


def test_the_status_is_302_and_no_endpoint_is_asked(play) -> None:
    played = play(Request(), Redirect("test", host="other.example"))
    assert (played.status, played.asked) == (302, [])


def test_of_a_backend_it_answers_the_requests_that_go_there(scene) -> None:
    moved = Redirect("test", path=PathChange("/new", "/old"))
    shares = {"web": 1, "moved": 1}
    to = tuple(
        backend(name, weight=weight, policies=(moved,) if name == "moved" else ()) for name, weight in shares.items()
    )
    one = scene(routes=(route(to=to),), services={name: [Endpoint()] for name in shares})
    played = [one.play(Request("GET", "/old/a")) for _ in range(40)]
    assert {each.status for each in played} == {200, 302}
    for each in played:
        assert (len(each.asked), each.field("location")) == (
            (1, None) if each.status == 200 else (0, "http://app.example/new/a")
        )
    assert {service for service, _ in one.counted()} == {"web", "moved"}


def test_of_a_backend_it_needs_no_endpoint_but_the_gates_of_the_route_come_first(scene) -> None:
    to = (backend(policies=(Redirect("test", host="other.example"),)),)
    assert scene(routes=(route(to=to),), endpoints=[]).play(Request()).status == 302
    limited = scene(routes=(route("/", BodyLimit("test", 1), to=to),), endpoints=[])
    assert limited.play(Request("PUT", content=b"12")).status == 413


@pytest.mark.parametrize("status", [301, 303, 307, 308])
def test_another_status_may_be_asked_for(play, status: int) -> None:
    assert play(Request(), Redirect("test", status, host="other.example")).status == status


def test_what_is_not_given_stays_as_the_client_asked_for_it(play) -> None:
    assert location(play, Redirect("test", host="other.example"), "/a?b=c") == "http://other.example/a?b=c"
    assert location(play, Redirect("test", host="other.example"), secure=True) == "https://other.example/a"
    assert location(play, Redirect("test", scheme="https")) == "https://app.example/a"


@pytest.mark.parametrize(
    ("scheme", "port", "secure", "authority"),
    [
        ("", 8080, False, "http://app.example:8080"),
        ("", 80, False, "http://app.example"),
        ("", 443, False, "http://app.example:443"),
        ("", 443, True, "https://app.example"),
        ("https", 0, False, "https://app.example"),
        ("https", 443, False, "https://app.example"),
        ("https", 8443, False, "https://app.example:8443"),
        ("http", 0, True, "http://app.example"),
        ("", 0, True, "https://app.example"),
    ],
)
def test_a_default_port_is_not_written(play, scheme: str, port: int, secure: bool, authority: str) -> None:
    assert location(play, Redirect("test", scheme=scheme, port=port), secure=secure) == f"{authority}/a"


def test_the_port_of_the_host_field_is_not_the_listeners(play) -> None:
    assert location(play, Redirect("test"), host="app.example:30080") == "http://app.example/a"


def test_an_address_keeps_its_brackets(play) -> None:
    assert location(play, Redirect("test", port=8080), host="[2001:db8::1]") == "http://[2001:db8::1]:8080/a"


@pytest.mark.parametrize(
    ("change", "target", "changed"),
    [
        (PathChange("/new"), "/old/deep?q=1", "/new?q=1"),
        (PathChange("/new", "/old"), "/old", "/new"),
        (PathChange("/new", "/old"), "/old/", "/new/"),
        (PathChange("/new", "/old"), "/old/deep?q=1", "/new/deep?q=1"),
        (PathChange("/new/", "/old"), "/old/deep", "/new/deep"),
        (PathChange("/", "/old"), "/old/deep", "/deep"),
        (PathChange("/", "/old"), "/old", "/"),
        (PathChange("/new", "/"), "/deep", "/new/deep"),
        (PathChange("/new", "/old"), "/%6Fld/%2F?%20", "/new/%2F?%20"),
    ],
)
def test_the_path_can_be_replaced_as_a_whole_or_by_its_prefix(play, change, target: str, changed: str) -> None:
    assert location(play, Redirect("test", path=change), target) == f"http://app.example{changed}"


def test_head_gets_the_fields_without_the_text(play) -> None:
    played = play(Request("HEAD", "/a"), Redirect("test", host="other.example"))
    assert (played.field("location"), played.content) == ("http://other.example/a", b"")


def test_without_a_host_there_is_nowhere_to_redirect_to_unless_the_policy_names_it(play) -> None:
    missing = Request("GET", "/a", None, version="1.0")
    assert play(missing, Redirect("test", scheme="https")).status == 400
    assert play(missing, Redirect("test", host="other.example")).field("location") == "http://other.example/a"


def test_a_body_that_is_too_large_comes_before_it(play) -> None:
    large = Request("POST", content=b"12345")
    assert play(large, BodyLimit("test", 1), Redirect("test", host="other.example")).status == 413

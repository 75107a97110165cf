"""One name of a site is redirected to the other (ingress-nginx, from-to-www-redirect)."""

from __future__ import annotations

import pytest

from edge.table.policies import WwwRedirect
from tests.support.play import Request

POLICY = WwwRedirect("test", "app.example")


def location(play, target: str, *, secure: bool = False) -> str:
    return play(Request("GET", target, "www.app.example"), POLICY, secure=secure).field("location")


def test_the_status_is_308_and_no_endpoint_is_asked(play) -> None:
    played = play(Request(), POLICY)
    assert (played.status, played.asked) == (308, [])
    assert play(Request(), WwwRedirect("test", "app.example", 301)).status == 301


@pytest.mark.parametrize(
    ("target", "kept"),
    [("/", ""), ("/a", "/a"), ("/a/", "/a"), ("/a/?b=c", "/a/?b=c"), ("/a?b=c/", "/a?b=c"), ("/%2F/", "/%2F")],
)
def test_the_target_stays_but_for_a_slash_at_its_end(play, target: str, kept: str) -> None:
    assert location(play, target).partition("app.example")[2].partition(":")[2].lstrip("0123456789") == kept


@pytest.mark.parametrize("secure", [False, True])
def test_scheme_and_port_stay_and_the_port_is_always_named(play, secure: bool) -> None:
    scheme, port = ("https", 443) if secure else ("http", 80)
    assert location(play, "/a", secure=secure) == f"{scheme}://app.example:{port}/a"


def test_a_body_of_any_size_is_redirected(play) -> None:
    assert play(Request("POST", content=bytes(2 << 20)), POLICY).status == 308

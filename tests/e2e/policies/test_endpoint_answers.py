"""proxy-cookie-domain, proxy-cookie-path, proxy-redirect-from and -to: what endpoints say about themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.backends import Peer, Script, read_head
from tests.support.ingresses import Annotated

CORS = {"enable_cors": "true"}


@pytest.fixture(scope="module")
def script(edge: Annotated) -> Iterator[dict[str, bytes]]:
    """The endpoint of the Service `own` sends the `fields`."""
    said = {"fields": b""}

    def play(peer: Peer) -> None:
        while True:
            read_head(peer)
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + said["fields"] + b"\r\n")

    with Script(play) as server:
        edge.service("own", server)
        yield said


def passed(edge: Annotated, script: dict[str, bytes], name: str, *values: str, **annotations: Any) -> list[str]:
    """What a client gets of the fields NAME with VALUES that the endpoint sends."""
    script["fields"] = "".join(f"{name}: {value}\r\n" for value in values).encode()
    return edge.get(edge.ingress("@ Prefix / own", **annotations)).all(name)


# --- cookies ---------------------------------------------------------------------------------------------------------

DOMAIN = {"proxy_cookie_domain": "inner.example outer.example"}
PATH = {"proxy_cookie_path": "/inner/ /"}


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ("a=1; Domain=inner.example; Path=/", "a=1; Domain=outer.example; Path=/"),
        ("a=1; domain=INNER.example", "a=1; domain=outer.example"),
        ("a=1; Domain=.inner.example", "a=1; Domain=.outer.example"),
        ("a=1; Domain=x.inner.example", "a=1; Domain=x.inner.example"),
        ("Domain=inner.example; Secure", "Domain=inner.example; Secure"),
        ("a=1", "a=1"),
    ],
)
def test_a_domain_is_replaced_as_a_whole(edge: Annotated, script: dict[str, bytes], cookie: str, expected: str) -> None:
    assert passed(edge, script, "Set-Cookie", cookie, **DOMAIN) == [expected]


def test_a_leading_dot_has_no_meaning_in_the_annotation(edge: Annotated, script: dict[str, bytes]) -> None:
    found = passed(edge, script, "Set-Cookie", "a=1; Domain=inner.example", proxy_cookie_domain=".inner.example .b.c")
    assert found == ["a=1; Domain=b.c"]


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ("a=1; Path=/inner/x; HttpOnly", "a=1; Path=/x; HttpOnly"),
        ("a=1; path=/inner/", "a=1; path=/"),
        ("a=1; Path=/inner", "a=1; Path=/inner"),
        ("a=1; Path=/Inner/", "a=1; Path=/Inner/"),
        ("a=1; Path", "a=1; Path"),
    ],
)
def test_the_beginning_of_a_path_is_replaced(
    edge: Annotated, script: dict[str, bytes], cookie: str, expected: str
) -> None:
    assert passed(edge, script, "Set-Cookie", cookie, **PATH) == [expected]


def test_each_cookie_is_changed_for_itself(edge: Annotated, script: dict[str, bytes]) -> None:
    cookies = ("a=1; Domain=inner.example; Path=/inner/", "b=2; Expires=Wed, 09 Jun 2027 10:18:14 GMT; Path=/inner/b")
    expected = ["a=1; Domain=outer.example; Path=/", "b=2; Expires=Wed, 09 Jun 2027 10:18:14 GMT; Path=/b"]
    assert passed(edge, script, "Set-Cookie", *cookies, **DOMAIN, **PATH) == expected


def test_off_changes_nothing(edge: Annotated, script: dict[str, bytes]) -> None:
    cookie = "a=1; Domain=off; Path=/off"
    assert passed(edge, script, "Set-Cookie", cookie, proxy_cookie_domain="off", proxy_cookie_path="off") == [cookie]
    assert edge.reasons() == []


@pytest.mark.parametrize("value", ["one", "a b c", "~a b", "$a b"])
def test_what_is_no_pair_is_reported_and_ignored(edge: Annotated, script: dict[str, bytes], value: str) -> None:
    cookie = "a=1; Domain=a; Path=/a"
    found = passed(edge, script, "Set-Cookie", cookie, proxy_cookie_domain=value, proxy_cookie_path=value)
    assert found == [cookie]
    assert edge.reasons() == ["InvalidAnnotation", "InvalidAnnotation"]


# --- redirects -------------------------------------------------------------------------------------------------------

MOVED = {"proxy_redirect_from": "http://inner.example/app/", "proxy_redirect_to": "https://outer.example/"}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Location", "http://inner.example/app/x?y=z", "https://outer.example/x?y=z"),
        ("Location", "http://inner.example/other", "http://inner.example/other"),
        ("Location", "/app/x", "/app/x"),
        ("Refresh", "5; url=http://inner.example/app/x", "5; url=https://outer.example/x"),
        ("Refresh", "5; URL=http://inner.example/app/x", "5; URL=https://outer.example/x"),
        ("Refresh", "5", "5"),
        ("Content-Location", "http://inner.example/app/x", "http://inner.example/app/x"),
    ],
)
def test_the_beginning_of_the_url_is_replaced(
    edge: Annotated, script: dict[str, bytes], name: str, value: str, expected: str
) -> None:
    assert passed(edge, script, name, value, **MOVED) == [expected]


@pytest.mark.parametrize(
    "annotations",
    [
        {"proxy_redirect_from": "off"},
        {"proxy_redirect_from": "default"},
        {"proxy_redirect_from": "off", "proxy_redirect_to": "/x"},
        {"proxy_redirect_from": "/a"},
        {"proxy_redirect_to": "/b"},
    ],
)
def test_one_alone_and_off_and_default_change_nothing(
    edge: Annotated, script: dict[str, bytes], annotations: dict[str, str]
) -> None:
    assert passed(edge, script, "Location", "/a", **annotations) == ["/a"]
    assert edge.reasons() == []


def test_redirects_of_edge_itself_stay_as_they_are(edge: Annotated) -> None:
    host = edge.ingress(
        permanent_redirect="/a", relative_redirects="true", proxy_redirect_from="/a", proxy_redirect_to="/"
    )
    assert edge.get(host).get("Location") == "/a"


def test_with_cors_a_client_gets_all_of_it(edge: Annotated, script: dict[str, bytes]) -> None:
    found = passed(edge, script, "Location", "http://inner.example/app/x", **MOVED, **CORS)
    assert found == ["https://outer.example/x"]
    assert edge.get(edge.ingress("@ Prefix / own", **CORS)).get("Access-Control-Allow-Origin") == "*"

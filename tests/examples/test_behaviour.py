"""What ingress-nginx's documentation says of its examples holds for ours, over a socket: one Edge serves them all."""

from __future__ import annotations

import base64
import contextlib
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.examples.test_reports import SNIPPETS
from tests.support import examples
from tests.support.backends import Backend
from tests.support.certificates import trusting_all
from tests.support.clients import Client, Response
from tests.support.edge import Edge, write

NAMES = ("web", "stable", "next", "one", "two", "three", "error-pages", "registry")
ELSEWHERE = ("auth-external", "auth-external-fields", "auth-oauth", "auth-snippet", "mirror", "streams", "tls-any-host")
"""Files that name servers outside of the test, open ports of their own, or take the requests of all hosts."""
KEYS = {
    **SNIPPETS,
    "global-allowed-response-headers": "Content-Type",
    "proxy-set-headers": "ingress/more-fields",
    "add-headers": "ingress/more-fields",
}
ALICE = ("Authorization", f"Basic {base64.b64encode(b'alice:123456').decode()}")


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    folder = tmp_path_factory.mktemp("examples")
    with contextlib.ExitStack() as stack:
        ports = {name: stack.enter_context(Backend(name)).port for name in NAMES}
        cluster = examples.together(*ELSEWHERE)
        write(folder, "cluster.yaml", *cluster, *examples.rest_of(cluster, KEYS, ports | {"": ports["web"]}))
        yield stack.enter_context(Edge(folder, *examples.FLAGS))


def get(edge: Edge, name: str, target: str = "/", *fields: tuple[str, str]) -> Response:
    """The answer for TARGET of the host NAME."""
    return edge.get(target, host=f"{name}.shop.example", fields=fields)


def taker(edge: Edge, name: str, target: str) -> tuple[str | None, str]:
    """The application that answers, and the target that it got."""
    response = get(edge, name, target)
    return response.get("x-backend"), response.json()["target"]


# --- who gets a request -----------------------------------------------------------------------------------------------


def test_half_of_the_requests_are_the_canarys(edge: Edge) -> None:
    answers = Counter(get(edge, "app").get("x-backend") for _ in range(60))
    assert answers.keys() == {"stable", "next"}


def test_a_default_class_serves_what_names_none(edge: Edge) -> None:
    assert get(edge, "default-class", "/menu").status == 200
    assert get(edge, "default-class", "/menu/x").status == 404
    assert get(edge, "by-annotation").status == 200
    assert get(edge, "elsewhere").status == 404


def test_a_host_with_one_expression_has_expressions_alone(edge: Edge) -> None:
    assert taker(edge, "menu", "/dish/day") == ("one", "/dish/day")
    assert taker(edge, "menu", "/dish/day/soup") == ("three", "/soup")


def test_the_longer_expression_goes_before_and_case_does_not_count(edge: Edge) -> None:
    assert taker(edge, "letters", "/dish/day/soup") == ("two", "/dish/day/soup")
    assert taker(edge, "below", "/DISH/x") == ("one", "/DISH/x")
    assert get(edge, "below", "/other").status == 404


@pytest.mark.parametrize(
    ("target", "passed"), [("/books", "/"), ("/books/", "/"), ("/books/new", "/new"), ("/books/a/b?c", "/a/b?c")]
)
def test_a_part_of_the_path_is_not_passed_on(edge: Edge, target: str, passed: str) -> None:
    assert taker(edge, "shelf", target) == ("web", passed)


def test_sticky_sessions(edge: Edge) -> None:
    side = get(edge, "sticky").get("set-cookie") or ""
    assert side.startswith("side=")
    assert "Max-Age=3600" in side
    assert (get(edge, "sticky-strict").get("set-cookie") or "").endswith("SameSite=Strict")
    old = ("User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 12_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1")
    assert "SameSite=None" in (get(edge, "sticky-framed").get("set-cookie") or "")
    assert "SameSite" not in (get(edge, "sticky-framed", "/", old).get("set-cookie") or "")


# --- who may come in --------------------------------------------------------------------------------------------------


def test_a_password_is_asked_for(edge: Edge) -> None:
    refused = get(edge, "staff")
    assert (refused.status, refused.get("www-authenticate")) == (401, 'Basic realm="Staff - who are you"')
    assert get(edge, "staff", "/", ALICE).status == 200


def test_an_address_or_a_password_is_enough(edge: Edge) -> None:
    assert get(edge, "either").status == 401
    assert get(edge, "either", "/", ALICE).status == 200


def test_clients_without_a_certificate_are_sent_to_a_page(edge: Edge) -> None:
    host = "partners.shop.example"
    with Client(edge.https, tls=trusting_all(), server_name=host) as client:
        response = client.request("/", host=host)
    assert (response.status, response.get("location")) == (302, "http://www.shop.example/no-certificate")


# --- answers ----------------------------------------------------------------------------------------------------------


def test_the_first_page_is_elsewhere(edge: Edge) -> None:
    response = get(edge, "start")
    assert (response.status, response.get("location")) == (302, "http://start.shop.example/welcome")


def test_errors_are_answered_by_another_backend(edge: Edge) -> None:
    response = get(edge, "errors", "/status/404")
    assert response.get("x-backend") == "error-pages"
    assert dict(response.json()["headers"])["X-Code"] == "404"


def test_fields_of_responses(edge: Edge) -> None:
    assert get(edge, "json", "/bytes/10").get("content-type") == "application/json"
    response = get(edge, "fields")
    asked = dict(response.json()["headers"])
    for fields in (asked, dict(response.fields)):
        assert fields["X-Using-Edge"] == "true"
        assert float(fields["X-Request-Start"].removeprefix("t=")) > 0


def test_snippets(edge: Edge) -> None:
    response = get(edge, "snippet")
    assert response.get("request-id") == dict(response.json()["headers"])["X-Request-ID"]
    phone = get(edge, "phones", "/", ("User-Agent", "Some Phone"))
    assert (phone.status, phone.get("location")) == (301, "https://m.shop.example")
    assert get(edge, "phones").status == 200


def test_bodies_of_any_size_reach_the_registry(edge: Edge) -> None:
    body = b"x" * (2 << 20)
    with Client(edge.http) as client:
        assert client.request("/", method="POST", host="registry-inside.shop.example", body=body).status == 200
    with Client(edge.http) as client:
        assert client.request("/", method="POST", host="sticky.shop.example", body=body).status == 413


def test_tls_by_the_name_of_the_host(edge: Edge) -> None:
    for name in ("front", "back"):
        host = f"{name}.shop.example"
        assert get(edge, name).get("location") == f"https://{host}"
        with Client(edge.https, tls=trusting_all(), server_name=host) as client:
            assert client.request("/", host=host).status == 200

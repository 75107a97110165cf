"""A path that ends in a slash: requests that lack it are redirected, as by nginx."""

from __future__ import annotations

import pytest

from tests.support.certificates import trusting_all
from tests.support.ingresses import Annotated
from tests.support.site import ingress


def location(edge: Annotated, host: str, target: str, **rest: object) -> tuple[int, str | None]:
    response = edge.get(host, target, **rest)
    return response.status, response.get("Location")


@pytest.mark.parametrize("kind", ["Prefix", "ImplementationSpecific"])
def test_a_request_without_the_slash_is_redirected(edge: Annotated, kind: str) -> None:
    host = edge.ingress(f"@ {kind} /foo/ web")
    assert location(edge, host, "/foo") == (301, f"http://{host}/foo/")
    assert location(edge, host, "/foo?a=b", method="POST") == (301, f"http://{host}/foo/?a=b")
    assert location(edge, f"{host}:8443", "/%66oo") == (301, f"http://{host}/foo/")
    assert [edge.get(host, path).status for path in ("/foo/", "/foo/x", "/foobar", "/fo")] == [200, 200, 404, 404]
    with edge.connect(tls=trusting_all(), server_name=host) as client:
        assert client.request("/foo", host=host).get("Location") == f"https://{host}/foo/"


def test_an_exact_path_takes_itself_alone(edge: Annotated) -> None:
    """By the Kubernetes API (and its conformance tests) `/foo` is another path; nginx would redirect."""
    host = edge.ingress("@ Exact /foo/ web")
    assert [edge.get(host, path).status for path in ("/foo/", "/foo")] == [200, 404]


@pytest.mark.parametrize("rule", ["Exact /foo", "ImplementationSpecific /foo"])
def test_a_route_for_that_very_path_goes_before_it(edge: Annotated, rule: str) -> None:
    host = edge.ingress("@ Prefix /foo/ web")
    assert edge.get(host, "/foo").status == 301
    edge.ingress(f"@ {rule} web", host=host)
    assert edge.get(host, "/foo").status == 200


def test_it_goes_before_shorter_paths(edge: Annotated) -> None:
    host = edge.ingress("@ Prefix / web\n@ ImplementationSpecific /fo web\n@ Prefix /foo/ web")
    assert [edge.get(host, path).status for path in ("/foo", "/fo", "/foo/")] == [301, 200, 200]


def test_a_prefix_without_slash_does_not_redirect(edge: Annotated) -> None:
    host = edge.ingress("@ Prefix /foo web\n@ Prefix / web")
    assert [edge.get(host, path).status for path in ("/foo", "/foo/", "/")] == [200] * 3


def test_how_the_location_is_written(edge: Annotated) -> None:
    host = edge.ingress("@ Prefix /foo/ web", relative_redirects="true")
    assert location(edge, host, "/foo?a") == (301, "/foo/?a")
    host = edge.ingress("@ Prefix /foo/ web", use_port_in_redirects="true")
    status, target = location(edge, host, "/foo")
    assert (status, target) == (301, f"http://{host}:{edge.edge.http}/foo/")
    host = edge.ingress("@ Prefix /a$b/ web")
    assert location(edge, host, "/a$b") == (301, f"http://{host}/a%24b/")


def test_it_comes_before_all_that_is_asked_of_a_request(edge: Annotated) -> None:
    """It says nothing but that there is such a path; at the other one all of it is asked."""
    host = edge.ingress("@ Prefix /foo/ web", denylist_source_range="0.0.0.0/0", force_ssl_redirect="true")
    assert location(edge, host, "/foo") == (301, f"http://{host}/foo/")
    assert edge.get(host, "/foo/").status == 308


def test_a_closed_route_does_not_redirect(edge: Annotated) -> None:
    host = edge.ingress("@ Prefix /foo/ web", denylist_source_range="nothing")
    assert edge.get(host, "/foo").status == 503


def test_where_paths_are_regular_expressions_there_is_none(edge: Annotated) -> None:
    host = edge.ingress("@ Prefix /foo/ web")
    edge.ingress("@ ImplementationSpecific /bar web", host=host, use_regex="true")
    assert [edge.get(host, path).status for path in ("/foo", "/foo/")] == [404, 200]


def test_its_answer_has_the_fields_of_the_host(edge: Annotated) -> None:
    host = edge.ingress("@ Prefix /other web")
    edge.put(ingress(f"slash-{host.partition('.')[0]}", f"{host} Prefix /foo/ web", tls=[{"hosts": [host]}]))
    with edge.connect(tls=trusting_all(), server_name=host) as client:
        answer = client.request("/foo", host=host)
        assert (answer.status, answer.get("Strict-Transport-Security")) == (301, "max-age=31536000; includeSubDomains")
    assert edge.get(host, "/foo").status == 301, "the redirect to https comes after it"

"""app-root, permanent-redirect, temporal-redirect: a Location in place of an endpoint's answer."""

from __future__ import annotations

import pytest

from tests.support.certificates import trusting_all
from tests.support.ingresses import Annotated


def location(edge: Annotated, host: str, target: str = "/", **rest: object) -> tuple[int, str | None]:
    response = edge.get(host, target, **rest)
    return response.status, response.get("Location")


# --- app-root -------------------------------------------------------------------------------------------------------


def test_the_root_alone_is_redirected(edge: Annotated) -> None:
    host = edge.ingress(app_root="/app?tab=1")
    assert location(edge, host) == location(edge, host, "/?a=b") == (302, f"http://{host}/app?tab=1")
    assert location(edge, host, "//") == (302, f"http://{host}/app?tab=1"), "it counts as /"
    assert edge.get(host, "/app").status == 200
    with edge.connect(tls=trusting_all(), server_name=host) as client:
        assert client.request("/", host=host).get("Location") == f"https://{host}/app?tab=1"


def test_it_acts_on_the_whole_host(edge: Annotated) -> None:
    """Also where its Ingress has no path `/`, and where another one has that very path; the port stays."""
    host = edge.ingress("@ Prefix /app web", app_root="/app")
    assert location(edge, host)[0] == 302
    assert edge.get(host, "/other").status == 404
    edge.ingress("@ Exact / web\n@ Prefix / web", host=host)
    assert location(edge, host)[0] == 302
    assert location(edge, f"{host}:8443") == (302, f"http://{host}:8443/app")
    assert edge.get(host, "/other").status == 200


def test_it_does_not_touch_what_the_default_backend_takes(edge: Annotated) -> None:
    host = edge.ingress("@ Prefix /app web\nany default web", app_root="/app")
    assert (edge.get(host, "/").status, edge.get(host, "/other").status) == (302, 200)


def test_the_root_goes_before_a_redirect_to_https(edge: Annotated) -> None:
    host = edge.ingress(app_root="/app", force_ssl_redirect="true")
    assert location(edge, host) == (302, f"http://{host}/app")
    assert location(edge, host, "/app") == (308, f"https://{host}/app")


def test_the_root_is_redirected_however_large_the_request_is(edge: Annotated) -> None:
    host = edge.ingress(app_root="/app", proxy_body_size="1")
    response = edge.get(host, "/", method="POST", body=b"12")
    assert (response.status, response.get("Location")) == (302, f"http://{host}/app")
    assert edge.get(host, "/app", method="POST", body=b"12").status == 413


@pytest.mark.parametrize("value", ["https://other.example/", "app", "/a b", "/$uri", '/"'])
def test_it_is_a_path(edge: Annotated, value: str) -> None:
    host = edge.ingress(app_root=value)
    assert edge.reasons() == ["InvalidAnnotation"]
    assert edge.get(host, "/").status == 200


# --- permanent-redirect and temporal-redirect -----------------------------------------------------------------------

URL = "https://other.example/new?x=1"


@pytest.mark.parametrize(
    ("annotations", "status"),
    [
        ({"permanent_redirect": URL}, 301),
        ({"permanent_redirect": URL, "permanent_redirect_code": "308"}, 308),
        ({"permanent_redirect": URL, "permanent_redirect_code": "200"}, 301),
        ({"permanent_redirect": URL, "permanent_redirect_code": "309"}, 301),
        ({"temporal_redirect": URL}, 302),
        ({"temporal_redirect": URL, "temporal_redirect_code": "303"}, 303),
        ({"temporal_redirect": URL, "temporal_redirect_code": "308"}, 302),
        ({"temporal_redirect": URL, "permanent_redirect": "https://third.example/"}, 302),
        ({"permanent_redirect": URL, "permanent_redirect_code": "300"}, 300),
    ],
)
def test_every_path_is_redirected_to_that_url(edge: Annotated, annotations: dict[str, str], status: int) -> None:
    host = edge.ingress(**annotations)
    assert location(edge, host, "/a/b?c=d") == location(edge, host, method="POST") == (status, URL)


def test_another_status_is_reported(edge: Annotated) -> None:
    edge.ingress(permanent_redirect=URL, permanent_redirect_code="200")
    assert edge.reasons() == ["InvalidAnnotation"]


def test_only_paths_of_its_ingress_are_redirected(edge: Annotated) -> None:
    host = edge.ingress("@ Prefix /old web", permanent_redirect=URL)
    edge.ingress("@ Prefix / web", host=host)
    assert (edge.get(host, "/old/x").status, edge.get(host, "/x").status) == (301, 200)


def test_it_goes_before_a_redirect_to_https(edge: Annotated) -> None:
    host = edge.ingress(permanent_redirect=URL, force_ssl_redirect="true")
    assert location(edge, host) == (301, URL)


def test_a_url_may_have_variables_of_the_request(edge: Annotated) -> None:
    host = edge.ingress(permanent_redirect="$scheme://new.$host$request_uri")
    assert location(edge, f"{host}:81", "/a%20b?c=d") == (301, f"http://new.{host}/a%20b?c=d")
    host = edge.ingress(temporal_redirect="https://a.example$uri$is_args$args#$http_x_part-$remote_addr")
    expected = "https://a.example/b?c=d#2-127.0.0.1"
    assert location(edge, host, "//b?c=d", fields=[("X-Part", "2")]) == (302, expected)
    assert location(edge, host, "/b") == (302, "https://a.example/b#-127.0.0.1")


@pytest.mark.parametrize("value", ["ftp://a.example", "other.example", "https://a.example/$nothing", "http://a b", "$"])
def test_what_is_no_url_is_reported_and_ignored(edge: Annotated, value: str) -> None:
    host = edge.ingress(permanent_redirect=value)
    assert edge.reasons() == ["InvalidAnnotation"]
    assert edge.get(host, "/").status == 200


def test_a_path_as_the_target_is_made_absolute_unless_told_otherwise(edge: Annotated) -> None:
    host = edge.ingress(permanent_redirect="/new")
    assert location(edge, f"{host}:81") == (301, f"http://{host}/new")
    host = edge.ingress(permanent_redirect="/new", relative_redirects="true")
    assert location(edge, host) == (301, "/new")
    host = edge.ingress(permanent_redirect="/new", use_port_in_redirects="true")
    assert location(edge, host) == (301, f"http://{host}:{edge.edge.http}/new")
    host = edge.ingress(force_ssl_redirect="true", use_port_in_redirects="true")
    assert location(edge, host) == (308, f"https://{host}:{edge.edge.https}")

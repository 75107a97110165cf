"""Keys that are defaults of what annotations say: seen by clients and endpoints."""

from __future__ import annotations

import threading
from typing import TypeVar

import pytest
from msgspec.structs import replace

from edge.table.policies import (
    CookieChange,
    HashBy,
    LocationChange,
    RequestBuffering,
    ResponseBuffering,
    ResponseHead,
    ResponseRate,
    Retry,
    Timeouts,
)
from edge.table.policies.policy import Policy
from edge.table.records import Balance, Endpoint, ServicePort
from tests.support import objects
from tests.support.auth_server import AuthServer
from tests.support.backends import Backend
from tests.support.certificates import self_signed, trusting_all
from tests.support.configured import Configured
from tests.support.policies import policy as of_route
from tests.support.waiting import eventually

P = TypeVar("P", bound=Policy)


@pytest.fixture(scope="module")
def secured(configured: Configured, backend: Backend) -> str:
    pair = self_signed("secured.example")
    configured.apply(objects.secret("tls", **{"tls.crt": pair.certificate, "tls.key": pair.key}))
    return configured.serve(backend, tls="tls")


def location(configured: Configured, host: str, target: str = "/a/") -> tuple[int, str | None]:
    response = configured.get(host, target)
    return response.status, response.get("location")


# --- redirects --------------------------------------------------------------------------------------------------------


def test_ssl_redirect(configured: Configured, secured: str) -> None:
    assert configured.get(secured).status == 308
    configured.configure(ssl_redirect="false")
    assert configured.get(secured).status == 200


def test_force_ssl_redirect_and_preserve_trailing_slash(configured: Configured, host: str) -> None:
    configured.configure(force_ssl_redirect="true")
    assert location(configured, host) == (308, f"https://{host}/a")
    configured.configure(force_ssl_redirect="true", preserve_trailing_slash="true")
    assert location(configured, host) == (308, f"https://{host}/a/")


@pytest.mark.parametrize(("code", "status"), [("301", 301), ("302", 302), ("307", 307), ("308", 308), ("303", 308)])
def test_http_redirect_code(configured: Configured, host: str, code: str, status: int) -> None:
    configured.configure(force_ssl_redirect="true", http_redirect_code=code)
    assert configured.get(host).status == status
    assert bool(configured.problems) == (code == "303")


def test_http_redirect_code_is_that_of_names_with_www(configured: Configured, backend: Backend) -> None:
    configured.configure(http_redirect_code="302")
    own = configured.serve(backend, from_to_www_redirect="true")
    assert configured.get(f"www.{own}").status == 302


def test_app_root_relative_redirects_and_use_port_in_redirects(configured: Configured, host: str) -> None:
    configured.configure(app_root="/app")
    assert configured.get(host).get("location") == f"http://{host}/app"


def test_relative_redirects(configured: Configured, backend: Backend) -> None:
    own = configured.serve(backend, permanent_redirect="/there")
    assert configured.get(own).get("location") == f"http://{own}/there"
    configured.configure(relative_redirects="true")
    assert configured.get(own).get("location") == "/there"
    configured.configure(use_port_in_redirects="true")
    assert (configured.get(own).get("location") or "").startswith(f"http://{own}:")


def test_no_tls_redirect_locations(configured: Configured, backend: Backend) -> None:
    own = configured.serve(backend, path="/plain/x", force_ssl_redirect="true")
    assert configured.get(own, "/plain/x").status == 308
    configured.configure(no_tls_redirect_locations="/other,/plain")
    assert configured.get(own, "/plain/x").status == 200


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        ({}, "max-age=31536000; includeSubDomains"),
        ({"hsts_max_age": "60"}, "max-age=60; includeSubDomains"),
        ({"hsts_include_subdomains": "false"}, "max-age=31536000"),
        ({"hsts_preload": "true"}, "max-age=31536000; includeSubDomains; preload"),
        ({"hsts": "false"}, None),
    ],
)
def test_hsts(configured: Configured, secured: str, keys: dict[str, str], value: str | None) -> None:
    configured.configure(**keys)
    with configured.stage.connect(tls=trusting_all(), server_name=secured) as client:
        assert client.request(host=secured).get("strict-transport-security") == value


# --- who may come in --------------------------------------------------------------------------------------------------


def test_whitelist_and_denylist(configured: Configured, host: str, backend: Backend) -> None:
    configured.configure(whitelist_source_range="192.0.2.0/24")
    assert configured.get(host).status == 403
    own = configured.serve(backend, allowlist_source_range="127.0.0.0/8")
    assert configured.get(own).status == 200
    configured.configure(denylist_source_range="127.0.0.1")
    assert configured.get(host).status == 403


def test_a_list_that_cannot_be_read_closes_the_routes(configured: Configured, host: str) -> None:
    configured.configure(whitelist_source_range="everybody")
    assert configured.get(host).status == 503
    assert [one.field for one in configured.problems] == ['data["whitelist-source-range"]']


def test_global_auth_and_who_is_exempt(configured: Configured, backend: Backend, host: str) -> None:
    exempt = configured.serve(backend, enable_global_auth="false")
    by_path = configured.serve(backend, path="/open")
    with AuthServer() as server:
        keys = {"global_auth_url": f"{server.url}/auth"}
        configured.configure(**keys, global_auth_response_headers="X-User")
        passed = configured.get(host, fields=[("Cookie", "session=anna")])
        assert dict(passed.json()["headers"])["X-User"] == "anna"
        assert configured.get(host).status == 401
        assert configured.get(exempt).status == 200
        assert configured.get(by_path, "/open").status == 401
        configured.configure(**keys, no_auth_locations="/open")
        assert configured.get(by_path, "/open").status == 200
        signing_in = {"global_auth_signin": "https://sign.example/in", "global_auth_signin_redirect_param": "back"}
        configured.configure(**keys, **signing_in)
        assert (configured.get(host).get("location") or "").startswith("https://sign.example/in?back=")
        configured.configure(**keys, global_auth_method="POST", global_auth_request_redirect="/after")
        configured.get(host)
        assert (server.requests[-1].method, server.last["x-auth-request-redirect"]) == ("POST", "/after")
        cached = {"global_auth_cache_key": "$remote_addr", "global_auth_cache_duration": "200 1h"}
        configured.configure(global_auth_url=f"{server.url}/plain", **cached)
        configured.get(host, fields=[("Cookie", "session=anna")])
        asked = len(server.requests)
        assert (configured.get(host).status, len(server.requests)) == (200, asked)
        configured.configure(**keys, global_auth_always_set_cookie="true")
        failed = configured.get(host, "/status/500", fields=[("Cookie", "session=anna")])
        assert failed.get("set-cookie") == "seen=anna; Path=/"


def test_a_global_auth_that_cannot_be_asked_closes_the_routes(configured: Configured, host: str) -> None:
    configured.configure(global_auth_url="nowhere")
    assert configured.get(host).status == 503
    configured.configure(global_auth_url="http://127.0.0.1/", global_auth_method="STEAL")
    assert configured.get(host).status == 503


def test_allow_snippet_annotations(configured: Configured, backend: Backend) -> None:
    own = configured.serve(backend, configuration_snippet='return 200 "said";')
    assert configured.get(own).body != b"said"
    configured.configure(
        allow_snippet_annotations="true", annotations_risk_level="Critical", default_type="text/x-said"
    )
    assert (configured.get(own).body, configured.get(own).get("content-type")) == (b"said", "text/x-said")


def test_allow_cross_namespace_resources_and_global_allowed_response_headers(
    configured: Configured, backend: Backend
) -> None:
    named = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"X-Told": "yes"}}
    configured.apply({**named, "metadata": {"name": "fields", "namespace": "other"}})
    own = configured.serve(backend, custom_headers="other/fields")
    assert configured.get(own).status == 503
    configured.configure(allow_cross_namespace_resources="true", global_allowed_response_headers="X-Told")
    assert configured.get(own).get("x-told") == "yes"


# --- limits -----------------------------------------------------------------------------------------------------------


def test_limit_req_status_code(configured: Configured, backend: Backend) -> None:
    own = configured.serve(backend, limit_rps="1", limit_burst_multiplier="1")
    configured.configure(limit_req_status_code="429")
    assert 429 in [configured.get(own).status for _ in range(6)]
    configured.configure(limit_req_status_code="200")
    assert configured.problems


def test_limit_conn_status_code(configured: Configured) -> None:
    with Backend() as slow:
        own = configured.serve(slow, limit_connections="1")
        configured.configure(limit_conn_status_code="429")
        held = threading.Thread(target=configured.get, args=(own, "/hold"), daemon=True)
        held.start()
        eventually(lambda: slow.held)
        assert configured.get(own).status == 429
        slow.release.set()
        held.join(40)
    configured.configure(limit_conn_status_code="200")
    assert configured.problems


# --- bodies, time-outs, retries ---------------------------------------------------------------------------------------


def test_proxy_read_timeout(configured: Configured, host: str) -> None:
    configured.configure(proxy_read_timeout="1")
    assert configured.get(host, "/hold").status == 504


def test_proxy_http_version(configured: Configured, host: str) -> None:
    configured.configure(proxy_http_version="1.0")
    assert configured.get(host).json()["version"] == "HTTP/1.0"


def test_custom_http_errors_and_disable_proxy_intercept_errors(configured: Configured, host: str) -> None:
    configured.configure(custom_http_errors="418")
    assert configured.get(host, "/status/418").status == 404  # there is no default backend
    configured.configure(custom_http_errors="418", disable_proxy_intercept_errors="true")
    assert configured.get(host, "/status/418").status == 418


def policy(configured: Configured, host: str, kind: type[P]) -> P | None:
    return of_route(configured.world.route(host), kind)


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        ({"proxy_connect_timeout": "7"}, Timeouts("", connect=7.0)),
        ({"proxy_send_timeout": "7"}, Timeouts("", send=7.0)),
        ({"proxy_next_upstream": "error http_503"}, Retry("", on_timeout=False, on_statuses=(503,))),
        ({"proxy_next_upstream_tries": "2"}, Retry("", tries=2)),
        ({"proxy_next_upstream_timeout": "9"}, Retry("", timeout=9.0)),
        ({"retry_non_idempotent": "true"}, Retry("", non_idempotent=True)),
        ({"client_body_buffer_size": "64k"}, RequestBuffering("", memory=65536)),
        ({"proxy_request_buffering": "off"}, RequestBuffering("", most=0)),
        ({"proxy_buffering": "on"}, ResponseBuffering("", on=True)),
        ({"proxy_buffer_size": "8k"}, ResponseHead("", 8192)),
        ({"proxy_buffering": "on", "limit_rate": "5", "limit_rate_after": "2"}, ResponseRate("", 5120, 2048)),
        ({"proxy_cookie_domain": "a.example b.example"}, CookieChange("", "a.example", "b.example")),
        ({"proxy_cookie_path": "/a /b"}, CookieChange("", "", "", "/a", "/b")),
        ({"proxy_redirect_from": "http://a/", "proxy_redirect_to": "/b/"}, LocationChange("", "http://a/", "/b/")),
        ({"limit_conn_status_code": "420"}, None),
    ],
    ids=str,
)
def test_a_key_is_the_default_of_its_annotation(
    configured: Configured, host: str, keys: dict[str, str], wanted: Policy | None
) -> None:
    """What the policies do is tested with the annotations."""
    configured.configure(**keys)
    assert not configured.problems
    if wanted is not None:
        found = policy(configured, host, type(wanted))
        assert found is not None
        assert replace(found, source="") == wanted


def test_service_upstream_load_balance_and_upstream_hash_by(configured: Configured, host: str) -> None:
    name = host.partition(".")[0]
    configured.configure(load_balance="ewma")
    assert configured.world.service(name).balance is Balance.EWMA
    configured.configure(service_upstream="true")
    assert [one.address for one in _of_cluster_ip(configured, host)] == ["10.0.0.1"]
    configured.configure(upstream_hash_by="$request_uri", upstream_hash_by_subset="true")
    (backend,) = configured.world.route(host).backends
    assert [one.summary() for one in backend.policies] == [HashBy("", "$request_uri", 3).summary()]


def _of_cluster_ip(configured: Configured, host: str) -> tuple[Endpoint, ...]:
    (backend,) = configured.world.route(host).backends
    found = configured.world.endpoints[backend.key]
    assert isinstance(found, ServicePort)
    return found.endpoints

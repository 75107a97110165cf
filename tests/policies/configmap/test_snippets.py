"""Keys that are pieces of nginx's configuration: server-snippet and location-snippet."""

from __future__ import annotations

from tests.support.backends import Backend
from tests.support.configured import Configured

ALLOWED = {"allow_snippet_annotations": "true", "annotations_risk_level": "Critical"}


def test_server_snippet_is_for_all_hosts_and_beside_that_of_one(configured: Configured, backend: Backend) -> None:
    own = configured.serve(backend, server_snippet='more_set_headers "X-Own: 1"; more_set_headers "X-Both: own";')
    plain = configured.serve(backend)
    configured.configure(server_snippet='more_set_headers "X-All: 1"; more_set_headers "X-Both: all";', **ALLOWED)
    assert not configured.problems
    assert [configured.get(own).get(name) for name in ("x-all", "x-own", "x-both")] == ["1", "1", "own"]
    assert [configured.get(plain).get(name) for name in ("x-all", "x-own", "x-both")] == ["1", None, "all"]
    assert configured.get("nobody.example").get("x-all") == "1"


def test_keys_need_no_permission_but_annotations_do(configured: Configured, backend: Backend) -> None:
    host = configured.serve(backend, server_snippet='more_set_headers "X-Own: 1";')
    configured.configure(server_snippet='more_set_headers "X-All: 1";', annotations_risk_level="Critical")
    response = configured.get(host)
    assert (response.status, response.get("x-all"), response.get("x-own")) == (200, "1", None)


def test_location_snippet_is_for_all_paths_and_beside_that_of_an_ingress(
    configured: Configured, backend: Backend
) -> None:
    own = configured.serve(backend, configuration_snippet='more_set_headers "X-Own: 1";')
    configured.configure(
        location_snippet='more_set_headers "X-All: $service_name"; proxy_set_header X-Asked "$host";', **ALLOWED
    )
    response = configured.get(own)
    assert (response.get("x-all"), response.get("x-own")) == (own.partition(".")[0], "1")
    assert dict(response.json()["headers"])["X-Asked"] == own


def test_location_snippet_acts_after_that_of_an_ingress(configured: Configured, backend: Backend) -> None:
    own = configured.serve(
        backend, configuration_snippet='more_set_headers "X-A: own" "X-B: own"; if ($arg_own) { return 410 "own"; }'
    )
    configured.configure(
        location_snippet='more_set_headers "X-A: all"; if ($arg_all) { return 403 "all"; }',
        server_snippet='more_set_headers "X-A: host" "X-B: host" "X-C: host";',
        **ALLOWED,
    )
    response = configured.get(own)
    assert [response.all(name) for name in ("x-a", "x-b", "x-c")] == [["all"], ["own"], ["host"]]
    assert configured.get(own, "/?own=1&all=1").status == 410
    assert configured.get(own, "/?all=1").status == 403


def test_an_add_header_of_a_path_replaces_those_of_all_hosts(configured: Configured, backend: Backend) -> None:
    own = configured.serve(backend, configuration_snippet="add_header X-Own 1;")
    plain = configured.serve(backend)
    configured.configure(server_snippet="add_header X-All 1; more_set_headers 'X-Set: 1';", **ALLOWED)
    assert [configured.get(own).get(name) for name in ("x-all", "x-set", "x-own")] == [None, "1", "1"]
    assert [configured.get(plain).get(name) for name in ("x-all", "x-set", "x-own")] == ["1", "1", None]


def test_location_snippet_opens_no_closed_route(configured: Configured, backend: Backend) -> None:
    own = configured.serve(backend, configuration_snippet="deny all;")
    configured.configure(location_snippet="return 200 ok;", **ALLOWED)
    assert configured.get(own).status == 503


def test_answers_of_the_keys_come_before_an_application_is_asked(configured: Configured, host: str) -> None:
    configured.configure(
        location_snippet='if ($arg_stop) { return 403 "no"; }', server_snippet="return 410;", default_type="text/plain"
    )
    assert configured.get(host).status == 410
    configured.configure(location_snippet='if ($arg_stop) { return 403 "no"; }', default_type="text/plain")
    response = configured.get(host, "/?stop=1")
    assert (response.status, response.body, response.get("content-type")) == (403, b"no", "text/plain")
    assert configured.get(host).status == 200


def test_a_snippet_with_anything_else_is_ignored_as_a_whole(configured: Configured, host: str) -> None:
    configured.configure(server_snippet='more_set_headers "X-All: 1"; gzip on;', location_snippet="# a comment")
    response = configured.get(host)
    assert (response.status, response.get("x-all")) == (200, None)
    assert [(one.reason, one.field) for one in configured.problems] == [("InvalidValue", 'data["server-snippet"]')]
    assert 'line 1: "gzip" is not supported' in configured.problems[0].message


def test_directives_for_the_endpoints_of_one_ingress_are_not_ignored_in_silence(
    configured: Configured, host: str
) -> None:
    configured.configure(location_snippet='proxy_ssl_protocols TLSv1.3; more_set_headers "X-All: 1";')
    assert configured.get(host).get("x-all") is None
    assert [(one.reason, one.field) for one in configured.problems] == [("InvalidValue", 'data["location-snippet"]')]
    assert 'line 1: "proxy_ssl_protocols" is not supported' in configured.problems[0].message

"""What no path of a host takes: it is answered on the terms of the host's oldest Ingress, as by ingress-nginx."""

from __future__ import annotations

from typing import Any

from tests.support.certificates import trusting_all
from tests.support.ingresses import Annotated
from tests.support.site import ingress

DENIED = {"denylist-source-range": "0.0.0.0/0"}
TEXT = b"default backend - 404"


def put(edge: Annotated, host: str, name: str, rules: str, **metadata: Any) -> None:
    prefix = host.partition(".")[0]
    edge.put(ingress(f"{prefix}-{name}", rules.replace("@", host), **metadata))


def test_it_is_404(edge: Annotated) -> None:
    answer = edge.get(edge.ingress("@ Prefix /foo web"), "/bar")
    assert (answer.status, answer.body) == (404, TEXT)


def test_who_may_not_come_in_learns_nothing(edge: Annotated) -> None:
    host = edge.ingress("@ Prefix /foo web", denylist_source_range="0.0.0.0/0")
    assert [edge.get(host, path).status for path in ("/foo", "/bar", "/")] == [403] * 3


def test_the_policies_are_those_of_the_oldest_ingress(edge: Annotated) -> None:
    host = "unmatched-age.example"
    put(edge, host, "young", "@ Prefix /young web", annotate=DENIED, creationTimestamp="2024-01-02T00:00:00Z")
    assert edge.get(host, "/bar").status == 403
    put(edge, host, "old", "@ Prefix /old web", creationTimestamp="2024-01-01T00:00:00Z")
    assert [edge.get(host, path).status for path in ("/young", "/old", "/bar")] == [403, 200, 404]
    edge.delete("Ingress", "unmatched-age-old")
    assert edge.get(host, "/bar").status == 403


def test_a_host_with_tls_is_redirected_to_https(edge: Annotated) -> None:
    host = "unmatched-tls.example"
    put(edge, host, "web", "@ Prefix /foo web", tls=[{"hosts": [host]}])
    answer = edge.get(host, "/bar")
    assert (answer.status, answer.get("Location")) == (308, f"https://{host}/bar")
    with edge.connect(tls=trusting_all(), server_name=host) as client:
        answer = client.request("/bar", host=host)
        assert (answer.status, answer.body) == (404, TEXT)
        assert answer.get("Strict-Transport-Security") == "max-age=31536000; includeSubDomains"


def test_redirects_of_the_ingress_hold(edge: Annotated) -> None:
    host = edge.ingress("@ Prefix /foo web", permanent_redirect="https://other.example/")
    assert edge.get(host, "/bar").status == 301


def test_a_default_backend_of_the_host_takes_it(edge: Annotated) -> None:
    host = edge.ingress("@ Prefix /foo web\nany default web", denylist_source_range="0.0.0.0/0")
    assert edge.get(host, "/bar").status == 403
    host = edge.ingress("@ Prefix /foo web\nany default web")
    assert edge.get(host, "/bar").status == 200


def test_a_path_that_takes_everything_leaves_nothing_over(edge: Annotated) -> None:
    host = edge.ingress("@ Prefix /foo web", denylist_source_range="0.0.0.0/0")
    edge.ingress("@ Prefix / web", host=host)
    assert [edge.get(host, path).status for path in ("/foo", "/bar")] == [403, 200]


def test_hosts_that_nobody_names_have_no_oldest_ingress(edge: Annotated) -> None:
    edge.put(ingress("hostless", "any Prefix /hostless web", annotate=DENIED))
    assert [edge.get("nobody.example", path).status for path in ("/hostless", "/bar")] == [403, 404]
    edge.delete("Ingress", "hostless")


def test_a_pattern_takes_its_paths_and_the_policies_hold_for_the_rest(edge: Annotated) -> None:
    host = edge.ingress("@ ImplementationSpecific /a(.*) web", rewrite_target="/$1", denylist_source_range="0.0.0.0/0")
    assert [edge.get(host, path).status for path in ("/a", "/bar")] == [403, 403]

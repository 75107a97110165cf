"""Host records: Ingresses of one host are merged, and the loser of a path gets a problem that names the winner."""

from __future__ import annotations

from typing import Any

import pytest

from edge.settings import Settings
from edge.table.policies import Hsts
from edge.table.records import PathKind
from tests.support import objects
from tests.support.policies import policy, redirected
from tests.support.world import Manifest, World

SSL_REDIRECT = "nginx.ingress.kubernetes.io/ssl-redirect"
FORCE = "nginx.ingress.kubernetes.io/force-ssl-redirect"


def backend(service: str = "web", port: int = 80) -> Manifest:
    return {"service": {"name": service, "port": {"number": port}}}


def path(text: str = "/", kind: str = "Prefix", service: str = "web") -> Manifest:
    return {"path": text, "pathType": kind, "backend": backend(service)}


def ingress(name: str, *paths: Manifest, host: str = "web.example", created: str = "", **spec: Any) -> Manifest:
    metadata = {"creationTimestamp": created} if created else {}
    made = objects.ingress(name, **metadata)
    rules = [{"host": host, "http": {"paths": list(paths)}}] if paths else []
    return made | {"spec": {"ingressClassName": "edge", "rules": rules, **spec}}


def test_ingresses_of_one_host_are_one_record() -> None:
    world = World().apply(ingress("one", path("/a")), ingress("two", path("/b")))
    assert {route.path: route.owner.name for route in world.host("web.example").routes} == {"/a": "one", "/b": "two"}


def test_the_oldest_ingress_wins_a_path_and_the_loser_is_told() -> None:
    world = World().apply(
        ingress("a-young", path(), created="2026-02-01T00:00:00Z"),
        ingress("z-old", path(), created="2026-01-01T00:00:00Z"),
    )
    assert world.route("web.example").owner.name == "z-old"
    (problem,) = [one for one in world.problems_of("a-young") if one.reason == "PathConflict"]
    assert problem.field == "spec.rules[0].http.paths[0]"
    assert problem.message == 'path "/" (Prefix) of host "web.example" is taken by Ingress demo/z-old, which is older'
    assert "PathConflict" not in world.reasons("z-old")


def test_ingresses_of_one_age_win_by_namespace_and_name() -> None:
    world = World().apply(ingress("two", path()), ingress("one", path()))
    assert world.route("web.example").owner.name == "one"
    assert "which comes first by namespace and name" in str(world.problems_of("two"))


def test_when_the_winner_goes_the_loser_takes_over() -> None:
    world = World().apply(ingress("one", path()), ingress("two", path()))
    world.delete("Ingress", "one")
    assert world.route("web.example").owner.name == "two"
    assert "PathConflict" not in world.reasons("two")


def test_the_same_path_in_another_way_is_no_conflict() -> None:
    world = World().apply(ingress("one", path("/a", "Exact")), ingress("two", path("/a")))
    assert {route.kind for route in world.host("web.example").routes} == {PathKind.EXACT, PathKind.PREFIX}
    assert "PathConflict" not in world.reasons("one") + world.reasons("two")


def test_two_spellings_of_a_path_are_in_conflict() -> None:
    world = World().apply(ingress("one", path("/a/"), path("/%61")))
    assert [one.path for one in world.host("web.example").routes if one.kind is PathKind.PREFIX] == ["/a"]
    assert "twice in this Ingress" in str(world.problems_of("one"))


@pytest.mark.parametrize("text", ["/", "/a/"])
def test_a_string_prefix_below_the_same_prefix_is_told_that_it_gets_nothing(text: str) -> None:
    world = World().apply(ingress("one", path(text)), ingress("two", path(text, "ImplementationSpecific")))
    assert "ShadowedPath" in world.reasons("two")
    world.delete("Ingress", "one")
    assert "ShadowedPath" not in world.reasons("two")


def test_the_default_backend_of_an_ingress_takes_what_its_hosts_do_not() -> None:
    world = World().apply(ingress("one", path("/a"), defaultBackend=backend("rest")))
    assert world.host("web.example").default is not None
    assert world.host("web.example").default.backends[0].key == "demo/rest:80"  # type: ignore[union-attr]
    assert "" not in world.routes


def test_without_rules_it_takes_every_host_that_nobody_names() -> None:
    world = World().apply(ingress("one", defaultBackend=backend("rest")))
    assert world.host("").routes == ()
    assert world.host("").default.backends[0].key == "demo/rest:80"  # type: ignore[union-attr]


def test_two_default_backends_of_a_host_are_in_conflict() -> None:
    world = World().apply(ingress("one", defaultBackend=backend("a")), ingress("two", defaultBackend=backend("b")))
    assert world.host("").default.owner.name == "one"  # type: ignore[union-attr]
    (problem,) = [one for one in world.problems_of("two") if one.reason == "PathConflict"]
    assert problem.field == "spec.defaultBackend"
    assert "any host" in problem.message


def test_a_host_without_paths_is_a_record_without_routes() -> None:
    world = World().apply(
        ingress("one", host="web.example") | {"spec": {"ingressClassName": "edge", "rules": [{"host": "Web.Example"}]}}
    )
    assert world.host("web.example").routes == ()


def test_a_host_that_nobody_names_any_more_goes() -> None:
    world = World().apply(ingress("one", path()))
    world.apply(ingress("one", path(), host="other.example"))
    assert "web.example" not in world.routes
    assert "other.example" in world.routes


def tls(*hosts: str) -> list[Manifest]:
    return [{"hosts": list(hosts)}]


def test_a_host_with_tls_is_sent_to_https_and_asks_for_it_to_be_kept_to() -> None:
    route = World().apply(ingress("one", path(), tls=tls("web.example"))).route("web.example")
    assert redirected(route) == 308
    assert policy(route, Hsts) == Hsts("--hsts", "max-age=31536000; includeSubDomains")


def test_a_host_without_tls_is_not() -> None:
    route = World().apply(ingress("one", path())).route("web.example")
    assert (redirected(route), policy(route, Hsts)) == (0, None)


def test_tls_of_a_wildcard_counts_for_the_hosts_that_it_covers() -> None:
    world = World().apply(ingress("one", path(), host="a.example"), ingress("deep", path(), host="b.a.example"))
    world.apply(ingress("wild", path(), host="*.example", tls=tls("*.example")))
    assert world.host("a.example").tls
    assert not world.host("b.a.example").tls
    world.delete("Ingress", "wild")
    assert not world.host("a.example").tls


def test_tls_of_one_ingress_counts_for_the_others_of_the_host() -> None:
    world = World().apply(ingress("plain", path("/plain")), ingress("secure", path("/secure"), tls=tls("web.example")))
    assert redirected(world.route("web.example", "/plain")) == 308
    world.delete("Ingress", "secure")
    assert redirected(world.route("web.example", "/plain")) == 0


@pytest.mark.parametrize(
    ("annotations", "with_tls", "settings", "status"),
    [
        ({SSL_REDIRECT: "false"}, True, Settings(), 0),
        ({SSL_REDIRECT: "true"}, False, Settings(), 0),
        ({FORCE: "true"}, False, Settings(), 308),
        ({}, True, Settings(ssl_redirect=False), 0),
        ({SSL_REDIRECT: "true"}, True, Settings(ssl_redirect=False), 308),
        ({SSL_REDIRECT: "maybe"}, True, Settings(), 308),
    ],
)
def test_redirects_follow_annotations_then_the_setting(
    annotations: dict[str, str], with_tls: bool, settings: Settings, status: int
) -> None:
    made = ingress("one", path(), **({"tls": tls("web.example")} if with_tls else {}))
    made["metadata"]["annotations"] = annotations
    assert redirected(World(settings).apply(made).route("web.example")) == status


def test_paths_of_acme_challenges_are_never_redirected() -> None:
    challenge = "/.well-known/acme-challenge/x"
    world = World().apply(ingress("one", path(), path(challenge, "Exact"), tls=tls("web.example")))
    assert redirected(world.route("web.example", challenge)) == 0
    assert redirected(world.route("web.example", "/")) == 308


def test_hsts_can_be_switched_off() -> None:
    world = World(Settings(hsts=False)).apply(ingress("one", path(), tls=tls("web.example")))
    assert policy(world.route("web.example"), Hsts) is None


def test_resource_backends_are_404_and_reported_while_other_paths_work() -> None:
    resource = {"path": "/files", "pathType": "Prefix", "backend": {"resource": {"kind": "Bucket", "name": "b"}}}
    world = World().apply(ingress("one", path("/a"), resource))
    (files,) = world.route("web.example", "/files").backends
    assert (files.service, files.key, files.status) == ("", "", 404)
    assert world.route("web.example", "/a").backends[0].key == "demo/web:80"
    assert "UnsupportedBackend" in world.reasons("one")

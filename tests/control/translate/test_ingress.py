"""An Ingress taken for itself."""

from __future__ import annotations

from typing import Any

import pytest

from edge.control.kinds.ingress import Ingress
from edge.control.translate.annotations.policies import Reader
from edge.control.translate.ingress import translate
from edge.control.translate.parts import RoutePart, SecretUse, Translation
from edge.table.policies import HttpsRedirect
from edge.table.records import PathKind
from tests.support import objects
from tests.support.world import Manifest, taken


def translated(**spec: Any) -> Translation:
    made = taken(objects.ingress() | {"spec": spec})
    assert isinstance(made, Ingress)
    return translate(made, Reader({}), lambda _: None)


def rule(host: str | None, *paths: Manifest) -> Manifest:
    return {"http": {"paths": list(paths)}} | ({"host": host} if host is not None else {})


def path(text: str | None = "/", kind: str | None = "Prefix", port: Any = None) -> Manifest:
    made: Manifest = {"backend": {"service": {"name": "web", "port": port or {"number": 80}}}}
    return made | ({"path": text} if text is not None else {}) | ({"pathType": kind} if kind is not None else {})


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("Exact", PathKind.EXACT),
        ("Prefix", PathKind.PREFIX),
        ("ImplementationSpecific", PathKind.STRING),
        (None, PathKind.PREFIX),
    ],
)
def test_path_types(kind: str | None, expected: PathKind) -> None:
    (part,) = translated(rules=[rule("h", path("/a", kind))]).hosts["h"].routes
    assert part.route.kind is expected


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("Prefix", "/a/", "/a"),
        ("Prefix", "/", "/"),
        ("Prefix", None, "/"),
        ("Prefix", "/%7Euser//x", "/~user/x"),
        ("Exact", "/a/", "/a/"),
        ("ImplementationSpecific", "/a/", "/a/"),
        ("Exact", "/ä", "/%C3%A4"),
    ],
)
def test_paths_are_in_normal_form(kind: str, text: str | None, expected: str) -> None:
    part, *implied = translated(rules=[rule("h", path(text, kind))]).hosts["h"].routes
    assert part.route.path == expected
    assert all(one.implied for one in implied)


@pytest.mark.parametrize(
    ("host", "name"),
    [("Web.Example", "web.example"), ("web.example.", "web.example"), ("*.Example", "*.example"), (None, "")],
)
def test_hosts_are_in_lower_case_and_without_a_dot_at_the_end(host: str | None, name: str) -> None:
    assert list(translated(rules=[rule(host, path())]).hosts) == [name]


def test_rules_of_one_host_are_one_part() -> None:
    hosts = translated(rules=[rule("h", path("/a")), rule("H", path("/b"))]).hosts
    assert [part.field for part in hosts["h"].routes] == ["spec.rules[0].http.paths[0]", "spec.rules[1].http.paths[0]"]


def test_uses_know_the_service_the_port_and_the_field() -> None:
    first, second = translated(
        rules=[rule("h", path(), path("/n", port={"name": "http"}))],
    ).uses
    assert (first.key, first.port) == ("demo/web:80", "80")
    assert (second.key, second.port, second.field) == (
        "demo/web:http", "http", "spec.rules[0].http.paths[1].backend.service",
    )  # fmt: skip


def test_an_ingress_with_nothing_in_it_asks_for_nothing() -> None:
    empty = translated()
    assert (empty.hosts, empty.default, empty.uses, empty.secrets, empty.problems) == ({}, None, (), (), ())


def tls(*hosts: str, secret: str = "tls") -> Manifest:
    return {"hosts": list(hosts), "secretName": secret}


def names(secrets: tuple[SecretUse, ...]) -> list[tuple[str, str, bool, bool]]:
    return [(use.host, use.secret, use.implied, use.has_rule) for use in secrets]


@pytest.mark.parametrize(
    ("entries", "hosts", "expected"),
    [
        ([tls("a", "b")], ["a"], [("a", "tls", False, True), ("b", "tls", False, False)]),
        ([tls()], ["a", "b"], [("a", "tls", False, True), ("b", "tls", False, True)]),
        ([tls("a")], ["a", "b", None], [("a", "tls", False, True), ("b", "tls", True, True)]),
        ([tls("a", secret="one"), tls("a", secret="two")], ["a"], [("a", "one", False, True)]),
        ([{"hosts": ["a"]}], ["a", "b"], [("a", "", False, True)]),
        ([tls()], [], [("", "tls", False, False)]),
        ([tls()], [None], [("", "tls", False, True)]),
    ],
)
def test_whose_certificates_are_asked_for(
    entries: list[Manifest], hosts: list[str | None], expected: list[tuple[str, str, bool, bool]]
) -> None:
    assert names(translated(tls=entries, rules=[rule(host, path()) for host in hosts]).secrets) == expected


def redirects(part: RoutePart) -> bool:
    return any(isinstance(one, HttpsRedirect) for one in (*part.route.policies, *part.with_tls))


def test_acme_paths_are_not_redirected_and_their_neighbours_are() -> None:
    paths = [path("/.well-known/acme-challenge/"), path("/.well-known/other")]
    parts = translated(rules=[rule("h", *paths)]).hosts["h"].routes
    assert [redirects(part) for part in parts if not part.implied] == [False, True]

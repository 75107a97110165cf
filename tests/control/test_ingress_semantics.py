"""Ingress v1, sentence by sentence: from manifests to the answers of workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.control.compiling.dns_names import Resolution
from edge.table.policies import ErrorPages, Hsts, SourceRanges
from tests.support import objects
from tests.support.certificates import Pair, issue, self_signed
from tests.support.policies import policy
from tests.support.site import Site, ingress, serving

Make = Callable[..., Site]
ALL = ("a", "b", "c", "d")
"""Services that are there, each with an endpoint, unless a test says otherwise."""


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A site with the IngressClass `edge` and the Services of `ALL`."""
    sites: list[Site] = []

    def build(*, classes: bool = True, **settings: Any) -> Site:
        site = Site(tmp_path / f"table{len(sites)}", **settings)
        sites.append(site)
        site.put("base.yaml", *([objects.ingress_class()] if classes else []), *serving(*ALL))
        return site

    yield build
    for site in sites:
        site.close()


@pytest.fixture
def site(make: Make) -> Site:
    return make()


# --- hosts and paths ------------------------------------------------------------------------------------------------

CASES: list[tuple[str, str, dict[str, str]]] = [
    (
        "a prefix takes all that begins with its path elements, whatever the method and query",
        "h.test Prefix /foo a",
        {"h.test/foo": "a", "h.test/foo/": "a", "h.test/foo/x/y": "a", "h.test/foo?q=/": "a", "h.test/foo/../foo": "a"}
        | {"h.test/foobar": "404", "h.test/": "404", "h.test/x/foo": "404", "h.test/FOO": "404", "h.test/fo": "404"},
    ),
    (
        "a prefix means the same with and without a slash at its end (but see tests/e2e/policies/test_slashes.py)",
        "h.test Prefix /foo/ a",
        {"h.test/foo": "a", "h.test/foo/": "a", "h.test/foo/x": "a", "h.test/foobar": "404"},
    ),
    (
        "the prefix / takes every path",
        "h.test Prefix / a",
        {"h.test": "a", "h.test/": "a", "h.test/x": "a", "h.test/x/y?z": "a", "h.test//": "a"},
    ),
    (
        "an exact path takes itself alone",
        "h.test Exact /foo a",
        {"h.test/foo": "a", "h.test/foo?q": "a", "h.test/foo/": "404", "h.test/foo/x": "404", "h.test/Foo": "404"},
    ),
    (
        "an exact path with a slash at its end is another one",
        "h.test Exact /foo/ a",
        {"h.test/foo/": "a", "h.test/foo": "404"},
    ),
    (
        "an exact path goes before the same prefix",
        """h.test Exact /foo a
           h.test Prefix /foo b""",
        {"h.test/foo": "a", "h.test/foo/": "b", "h.test/foo/x": "b"},
    ),
    (
        "the exact path / is the root alone",
        """h.test Exact / a
           h.test Prefix / b""",
        {"h.test/": "a", "h.test": "a", "h.test/x": "b"},
    ),
    (
        "an exact path goes before a longer prefix of its own name",
        """h.test Exact /foo/bar a
           h.test Prefix /foo b
           h.test Prefix /foo/bar/ c""",
        {"h.test/foo/bar": "a", "h.test/foo/bar/": "c", "h.test/foo/bar/x": "c", "h.test/foo/x": "b"},
    ),
    (
        "of several prefixes the longest counts, in whatever order they are written",
        """h.test Prefix / a
           h.test Prefix /aaa/bbb b
           h.test Prefix /aaa c""",
        {"h.test/aaa/bbb/ccc": "b", "h.test/aaa/bbb": "b", "h.test/aaa/bbbxyz": "c", "h.test/aaa": "c"}
        | {"h.test/aaabbb": "a", "h.test/": "a"},
    ),
    (
        "an implementation specific path is a plain string prefix",
        "h.test ImplementationSpecific /foo a",
        {"h.test/foo": "a", "h.test/foobar": "a", "h.test/foo/x": "a", "h.test/fo": "404", "h.test/Foo": "404"},
    ),
    (
        "an implementation specific path may be left out and is / then",
        "h.test ImplementationSpecific a",
        {"h.test/": "a", "h.test/x": "a"},
    ),
    (
        "a string prefix competes with path elements by length",
        """h.test ImplementationSpecific /foo a
           h.test Prefix /foo/bar b
           h.test Prefix / c""",
        {"h.test/foobar": "a", "h.test/foo/bar/x": "b", "h.test/foo/barx": "a", "h.test/x": "c"},
    ),
    (
        "paths are compared in normal form",
        "h.test Prefix /a a",
        {"h.test//a": "a", "h.test/x/../a": "a", "h.test/%61": "a", "h.test/./a/": "a", "h.test/%2Fa": "404"}
        | {"h.test/a%2Fb": "404", "h.test/a/../b": "404", "h.test/a/%2e%2e/b": "404"},
    ),
    (
        "a path in percent-encoding is the same as in plain letters",
        """h.test Prefix /caf%C3%A9 a
           h.test Exact /%7Euser b""",
        {"h.test/caf%c3%a9/x": "a", "h.test/~user": "b", "h.test/%7euser": "b"},
    ),
    (
        "hosts are compared without case, port and trailing dot",
        "h.test Prefix / a",
        {"H.Test/": "a", "h.test:8080/": "a", "h.test./": "a", "H.TEST.:443/": "a", "x.h.test/": "404", "test/": "404"},
    ),
    (
        "a wildcard stands for one label",
        "*.h.test Prefix / a",
        {"x.h.test/": "a", "X.H.TEST:80/": "a", "x.y.h.test/": "404", "h.test/": "404", ".h.test/": "404"},
    ),
    (
        "an exact host goes before a wildcard, with all of its paths",
        """*.h.test Prefix / a
           x.h.test Prefix /foo b""",
        {"x.h.test/foo": "b", "x.h.test/": "404", "y.h.test/foo": "a"},
    ),
    (
        "a longer wildcard does not reach into a shorter one",
        """*.test Prefix / a
           *.h.test Prefix / b""",
        {"h.test/": "a", "x.h.test/": "b", "x.y.test/": "404"},
    ),
    (
        "a rule without host takes every host that no other rule names",
        """any Prefix / a
           h.test Prefix /foo b
           *.w.test Prefix /foo c""",
        {"unknown.test/": "a", "10.0.0.1/": "a", "[::1]:80/": "a", "h.test/foo": "b", "h.test/": "404"}
        | {"x.w.test/foo": "c", "x.w.test/": "404", "w.test/": "a"},
    ),
    (
        "a default backend without rules takes all that nobody else does",
        "any default a",
        {"h.test/": "a", "other/x/y": "a", "10.0.0.1/": "a"},
    ),
    (
        "a default backend beside rules takes the other paths of their hosts",
        """h.test Prefix /foo a
           *.w.test Exact / b
           any default c""",
        {"h.test/foo": "a", "h.test/": "c", "x.w.test/": "b", "x.w.test/x": "c", "other.test/": "404"},
    ),
    (
        "rules of one host may be written apart",
        """h.test Prefix /foo a
           x.test Prefix / b
           h.test Prefix /bar c""",
        {"h.test/foo": "a", "h.test/bar": "c", "x.test/": "b"},
    ),
    (
        "a resource as backend is answered 404, and the paths around it are served",
        """h.test Prefix / a
           h.test Prefix /files resource""",
        {"h.test/": "a", "h.test/files/x": "404"},
    ),
]


@pytest.mark.parametrize(("rules", "answers"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_who_answers(site: Site, rules: str, answers: dict[str, str]) -> None:
    site.put("web.yaml", ingress("web", rules))
    assert {url: site.ask(url) for url in answers} == answers


def test_a_host_may_be_written_with_capitals_and_a_trailing_dot_and_a_warning(site: Site) -> None:
    """What an API server would refuse, a file may hold."""
    site.put("web.yaml", ingress("web", "Www.H.Test. Prefix / a\n*.W.test Prefix / b"))
    assert {url: site.ask(url) for url in ("www.h.test/", "WWW.h.test./", "x.w.test/")} == {
        "www.h.test/": "a",
        "WWW.h.test./": "a",
        "x.w.test/": "b",
    }
    assert site.problems() == ("warning HostSpelling spec.rules[0].host", "warning HostSpelling spec.rules[1].host")


def test_a_resource_as_backend_is_reported(site: Site) -> None:
    site.put("web.yaml", ingress("web", "h.test Prefix / a\nh.test Prefix /files resource"))
    assert site.problems() == ("error UnsupportedBackend spec.rules[1].http.paths[0].backend.resource",)


def test_nothing_is_served_before_there_is_an_ingress(site: Site) -> None:
    assert site.ask("h.test/") == "404"


# --- several Ingresses ----------------------------------------------------------------------------------------------


def test_ingresses_that_share_a_host_are_served_together(site: Site) -> None:
    site.put("one.yaml", ingress("one", "h.test Prefix /one a", namespace="demo"))
    site.put("two.yaml", ingress("two", "h.test Prefix /two b\nh.test Exact /one c"))
    answers = {"h.test/one": "c", "h.test/one/x": "a", "h.test/two": "b"}
    assert {url: site.ask(url) for url in answers} == answers
    assert site.problems("Ingress demo/one") == site.problems("Ingress demo/two") == ()


def test_ingresses_of_two_namespaces_share_a_host_and_reach_their_own_services(site: Site) -> None:
    elsewhere = [objects.service("a", namespace="other"), objects.endpoints("a", "10.9.9.9", namespace="other")]
    site.put("one.yaml", ingress("one", "h.test Prefix /one a"))
    site.put("two.yaml", ingress("two", "h.test Prefix /two a", namespace="other"), *elsewhere)
    assert (site.ask("h.test/one"), site.ask("h.test/two")) == ("a", "a")
    assert site.endpoints("demo/a:80") == ["10.0.0.1:8080"]
    assert site.endpoints("other/a:80") == ["10.9.9.9:8080"]


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        ({"creationTimestamp": "2026-01-02T00:00:00Z"}, {"creationTimestamp": "2026-01-01T00:00:00Z"}, "two"),
        ({"creationTimestamp": "2026-01-01T00:00:00Z"}, {"creationTimestamp": "2026-01-02T00:00:00Z"}, "one"),
        ({}, {}, "one"),
        ({"namespace": "z"}, {"namespace": "y"}, "two"),
    ],
)
@pytest.mark.parametrize("kind", ["Prefix", "Exact", "ImplementationSpecific"])
def test_of_two_ingresses_with_the_same_path_the_older_one_wins_then_the_first_by_name(
    site: Site, first: dict[str, str], second: dict[str, str], winner: str, kind: str
) -> None:
    site.put("two.yaml", ingress("two", f"h.test {kind} /foo b\nh.test Prefix /two b", **second))
    site.put("one.yaml", ingress("one", f"h.test {kind} /foo a\nh.test Prefix /one a", **first))
    assert site.owner("h.test/foo") == winner
    loser = {"one": "two", "two": "one"}[winner]
    namespace = {"one": first, "two": second}[loser].get("namespace", "demo")
    assert site.problems(f"Ingress {namespace}/{loser}")[0] == "error PathConflict spec.rules[0].http.paths[0]"
    assert site.owner(f"h.test/{loser}") == loser, "the loser keeps its other paths"
    site.remove(f"{winner}.yaml")
    assert site.owner("h.test/foo") == loser, "and takes over"
    assert not any("PathConflict" in problem for problem in site.problems(f"Ingress {namespace}/{loser}"))


def test_a_path_that_stands_twice_in_one_ingress_is_the_first_one(site: Site) -> None:
    site.put("web.yaml", ingress("web", "h.test Prefix /foo a\nh.test Prefix /foo/ b"))
    assert site.ask("h.test/foo") == "a"
    assert site.problems() == ("error PathConflict spec.rules[1].http.paths[0]",)


def test_of_two_default_backends_the_older_one_counts(site: Site) -> None:
    site.put("one.yaml", ingress("one", "any default a", creationTimestamp="2026-01-02T00:00:00Z"))
    site.put("two.yaml", ingress("two", "any default b", creationTimestamp="2026-01-01T00:00:00Z"))
    assert site.ask("h.test/") == "b"
    assert site.problems("Ingress demo/one") == ("error PathConflict spec.defaultBackend",)
    site.remove("two.yaml")
    assert site.ask("h.test/") == "a"


def test_a_default_backend_gives_way_to_rules_without_host(site: Site) -> None:
    site.put("one.yaml", ingress("one", "any default a"))
    site.put("two.yaml", ingress("two", "any Prefix /foo b"))
    assert (site.ask("h.test/foo"), site.ask("h.test/")) == ("b", "a")


def test_an_edit_takes_effect_and_a_deletion_too(site: Site) -> None:
    site.put("web.yaml", ingress("web", "h.test Prefix / a"))
    assert site.ask("h.test/") == "a"
    site.put("web.yaml", ingress("web", "h.test Prefix / b"))
    assert site.ask("h.test/") == "b"
    site.put("web.yaml", ingress("web", "g.test Prefix / b"))
    assert (site.ask("h.test/"), site.ask("g.test/")) == ("404", "b")
    site.remove("web.yaml")
    assert site.ask("g.test/") == "404"


def test_one_broken_ingress_among_good_ones_harms_nobody(site: Site) -> None:
    site.put("good.yaml", ingress("good", "h.test Prefix / a"))
    site.put("bad.yaml", ingress("bad", "h.test Sometimes /bad b"))
    site.write("worse.yaml", "a: [\n")
    site.put("new.yaml", ingress("new", "new.test Prefix / c"))
    answers = {"h.test/": "a", "h.test/bad": "a", "new.test/": "c"}
    assert {url: site.ask(url) for url in answers} == answers
    assert site.problems("Ingress demo/bad") == ("error InvalidObject spec.rules[0].http.paths[0].pathType",)


def test_an_ingress_that_becomes_invalid_stays_what_it_was_until_it_is_mended(site: Site) -> None:
    site.put("web.yaml", ingress("web", "h.test Prefix / a"))
    site.put("web.yaml", ingress("web", "h.test Prefix b"))
    assert site.ask("h.test/") == "a"
    assert site.problems() == ("error InvalidObject spec.rules[0].http.paths[0].path",)
    site.put("web.yaml", ingress("web", "h.test Prefix / b"))
    assert (site.ask("h.test/"), site.problems()) == ("b", ())


# --- classes --------------------------------------------------------------------------------------------------------

CLASS = "kubernetes.io/ingress.class"
DEFAULT = {"ingressclass.kubernetes.io/is-default-class": "true"}
OTHERS = objects.ingress_class("other", controller="example.com/other")


def default_class(name: str, controller: str = "edge.ingress/controller") -> dict[str, Any]:
    made = objects.ingress_class(name, controller=controller)
    made["metadata"]["annotations"] = DEFAULT
    return made


@pytest.mark.parametrize(
    ("claim", "classes", "settings", "served"),
    [
        ({"ingress_class": "edge"}, [objects.ingress_class()], {}, True),
        ({"ingress_class": "mine"}, [objects.ingress_class("mine")], {}, True),
        ({"ingress_class": "other"}, [OTHERS, objects.ingress_class()], {}, False),
        ({"ingress_class": "edge"}, [objects.ingress_class("edge", controller="example.com/other")], {}, False),
        ({"ingress_class": "unknown"}, [objects.ingress_class()], {}, False),
        ({"ingress_class": "edge"}, [], {}, True),
        ({"ingress_class": "edge"}, [OTHERS], {}, True),
        ({"ingress_class": "x"}, [objects.ingress_class("x", controller="a/b")], {"controller_class": "a/b"}, True),
        ({"ingress_class": "edge"}, [objects.ingress_class(controller="a/b")], {"ingress_class_by_name": True}, True),
        ({"ingress_class": None, "annotations": {CLASS: "edge"}}, [], {}, True),
        ({"ingress_class": None, "annotations": {CLASS: "edge"}}, [OTHERS], {}, True),
        ({"ingress_class": None, "annotations": {CLASS: "other"}}, [OTHERS], {}, False),
        ({"ingress_class": None, "annotations": {CLASS: "nginx"}}, [], {"ingress_class": "nginx"}, True),
        ({"ingress_class": "edge", "annotations": {CLASS: "edge"}}, [objects.ingress_class()], {}, True),
        ({"ingress_class": None}, [objects.ingress_class()], {}, False),
        ({"ingress_class": None}, [], {"watch_ingress_without_class": True}, True),
        ({"ingress_class": None}, [default_class("edge")], {}, True),
        ({"ingress_class": None}, [default_class("other", "example.com/other"), objects.ingress_class()], {}, False),
        ({"ingress_class": None, "annotations": {CLASS: "other"}}, [default_class("edge")], {}, False),
        ({"ingress_class": "other"}, [OTHERS], {"watch_ingress_without_class": True}, False),
    ],
)
def test_which_ingresses_are_ours(
    make: Make, claim: dict[str, Any], classes: list[dict[str, Any]], settings: dict[str, Any], served: bool
) -> None:
    site = make(classes=False, **settings)
    site.put("classes.yaml", *classes)
    site.put("web.yaml", ingress("web", "h.test Prefix / a", **claim))
    assert site.ask("h.test/") == ("a" if served else "404")


def test_an_unknown_class_is_reported_and_another_controllers_is_not(site: Site) -> None:
    site.put("classes.yaml", OTHERS)
    site.put("web.yaml", ingress("web", "h.test Prefix / a", ingress_class="unknown"))
    site.put("other.yaml", ingress("other", "h.test Prefix / a", ingress_class="other"))
    assert site.problems() == ("error UnknownClass spec.ingressClassName",)
    assert site.problems("Ingress demo/other") == ()


def test_a_change_of_class_takes_effect(site: Site) -> None:
    annotated = ingress("web", "h.test Prefix / a", ingress_class=None, annotations={CLASS: "edge"})
    for manifest, answer in [
        (ingress("web", "h.test Prefix / a"), "a"),
        (ingress("web", "h.test Prefix / a", ingress_class=None), "404"),
        (annotated, "a"),
        (ingress("web", "h.test Prefix / a", ingress_class="other"), "404"),
        (ingress("web", "h.test Prefix / a"), "a"),
    ]:
        site.put("web.yaml", manifest)
        assert site.ask("h.test/") == answer


def test_a_class_that_appears_changes_or_goes_takes_its_ingresses_with_it(site: Site) -> None:
    site.put("web.yaml", ingress("web", "h.test Prefix / a", ingress_class="late"))
    assert site.ask("h.test/") == "404"
    site.put("late.yaml", objects.ingress_class("late"))
    assert (site.ask("h.test/"), site.problems()) == ("a", ())
    site.put("late.yaml", objects.ingress_class("late", controller="example.com/other"))
    assert site.ask("h.test/") == "404"
    site.put("late.yaml", objects.ingress_class("late"))
    site.remove("late.yaml")
    assert site.ask("h.test/") == "404"


# --- Services and endpoints -----------------------------------------------------------------------------------------


def route_to(site: Site, port: str = "80", **metadata: Any) -> None:
    site.put("web.yaml", ingress("web", f"h.test Prefix / web:{port}", **metadata))


def with_ports(*ports: dict[str, Any], **spec: Any) -> dict[str, Any]:
    made = objects.service("web")
    made["spec"] |= {"ports": list(ports), **spec}
    return made


def slice_of(
    *endpoints: dict[str, Any], ports: list[dict[str, Any]] | None = None, name: str = "web-1", **fields: Any
) -> dict[str, Any]:
    made = objects.endpoints("web")
    made["metadata"]["name"] = name
    made["endpoints"] = list(endpoints)
    made["ports"] = [{"name": "http", "port": 8080}] if ports is None else ports
    return {**made, **fields}


def at(*addresses: str, **conditions: bool) -> dict[str, Any]:
    return {"addresses": list(addresses), **({"conditions": conditions} if conditions else {})}


def test_a_missing_service_is_503_and_reported_until_it_appears(site: Site) -> None:
    route_to(site)
    assert site.ask("h.test/") == "503"
    assert site.problems() == ("error MissingService spec.rules[0].http.paths[0].backend.service.name",)
    site.put("service.yaml", objects.service(), objects.endpoints("web", "10.0.0.1"))
    assert (site.ask("h.test/"), site.problems()) == ("web", ())
    site.remove("service.yaml")
    assert site.ask("h.test/") == "503"


def test_a_service_without_ready_endpoint_is_503_until_one_is_ready(site: Site) -> None:
    route_to(site)
    site.put("service.yaml", objects.service())
    assert site.ask("h.test/") == "503"
    assert site.problems() == ("warning NoEndpoints spec.rules[0].http.paths[0].backend.service",)
    site.put("slice.yaml", objects.endpoints("web", "10.0.0.1", ready=False))
    assert site.ask("h.test/") == "503"
    site.put("slice.yaml", objects.endpoints("web", "10.0.0.1"))
    assert (site.ask("h.test/"), site.problems()) == ("web", ())
    site.put("slice.yaml", objects.endpoints("web"))
    assert site.ask("h.test/") == "503"


@pytest.mark.parametrize(
    ("port", "service", "ports", "expected"),
    [
        ("80", with_ports({"port": 80}), [{"port": 8080}], ["10.0.0.1:8080"]),
        ("80", with_ports({"port": 80, "targetPort": 9000}), [{"name": "", "port": 9000}], ["10.0.0.1:9000"]),
        ("80", with_ports({"port": 80, "targetPort": "web"}), [{"name": "", "port": 7000}], ["10.0.0.1:7000"]),
        ("http", with_ports({"name": "http", "port": 80}), [{"name": "http", "port": 8080}], ["10.0.0.1:8080"]),
        ("80", with_ports({"name": "http", "port": 80}), [{"name": "http", "port": 8080}], ["10.0.0.1:8080"]),
        (
            "admin",
            with_ports({"name": "http", "port": 80}, {"name": "admin", "port": 81, "targetPort": "adm"}),
            [{"name": "http", "port": 8080}, {"name": "admin", "port": 8081}],
            ["10.0.0.1:8081"],
        ),
        (
            "81",
            with_ports({"name": "http", "port": 80}, {"name": "admin", "port": 81}),
            [{"name": "admin", "port": 8081}, {"name": "http", "port": 8080}],
            ["10.0.0.1:8081"],
        ),
        (
            "53",
            with_ports({"name": "udp", "port": 53, "protocol": "UDP"}, {"name": "tcp", "port": 53}),
            [{"name": "udp", "port": 1053, "protocol": "UDP"}, {"name": "tcp", "port": 2053}],
            ["10.0.0.1:2053"],
        ),
        ("80", with_ports({"port": 80}, clusterIP="None"), [{"name": "", "port": 8080}], ["10.0.0.1:8080"]),
        ("80", with_ports({"port": 80, "targetPort": 9000}), [{"port": None}], ["10.0.0.1:9000"]),
        ("80", with_ports({"name": "http", "port": 80, "targetPort": 9000}), [], ["10.0.0.1:9000"]),
        (
            "80",
            with_ports({"name": "http", "port": 80, "targetPort": 9000}),
            [{"name": "web", "port": 9000}, {"name": "admin", "port": 9001}],
            ["10.0.0.1:9000"],
        ),
    ],
)
def test_a_port_is_found_by_number_or_name_and_leads_to_the_port_of_the_endpoints(
    site: Site, port: str, service: dict[str, Any], ports: list[dict[str, Any]], expected: list[str]
) -> None:
    route_to(site, port)
    site.put("service.yaml", service, slice_of(at("10.0.0.1"), ports=ports))
    assert site.endpoints(f"demo/web:{port}") == expected
    assert (site.ask("h.test/"), site.problems()) == ("web", ())


@pytest.mark.parametrize("port", ["81", "https", "53"])
def test_a_port_that_the_service_does_not_have_is_503_and_reported(site: Site, port: str) -> None:
    route_to(site, port)
    service = with_ports({"name": "http", "port": 80}, {"name": "dns", "port": 53, "protocol": "UDP"})
    site.put("service.yaml", service, slice_of(at("10.0.0.1")))
    assert site.ask("h.test/") == "503"
    assert site.problems() == ("error MissingPort spec.rules[0].http.paths[0].backend.service.port",)


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        ([at("10.0.0.1", ready=True), at("10.0.0.2", ready=False)], ["10.0.0.1:8080"]),
        ([at("10.0.0.1"), at("10.0.0.2", serving=True)], ["10.0.0.1:8080", "10.0.0.2:8080"]),
        (
            [at("10.0.0.1", ready=True), at("10.0.0.2", ready=False, serving=True, terminating=True)],
            ["10.0.0.1:8080"],
        ),
        (
            [at("10.0.0.1", ready=False), at("10.0.0.2", ready=False, serving=True, terminating=True)],
            ["10.0.0.2:8080"],
        ),
        ([at("10.0.0.1", ready=False, serving=False, terminating=True)], []),
        ([at("10.0.0.1"), at("10.0.0.1"), at("10.0.0.2", "10.0.0.1")], ["10.0.0.1:8080", "10.0.0.2:8080"]),
    ],
)
def test_ready_endpoints_count_and_those_that_still_serve_when_none_is_ready(
    site: Site, endpoints: list[dict[str, Any]], expected: list[str]
) -> None:
    route_to(site)
    site.put("service.yaml", objects.service(), slice_of(*endpoints))
    assert site.endpoints("demo/web:80") == expected


def test_slices_of_both_families_are_merged_and_each_endpoint_counts_once(site: Site) -> None:
    route_to(site)
    site.put(
        "service.yaml",
        objects.service(),
        slice_of(at("10.0.0.1"), at("10.0.0.2")),
        slice_of(at("10.0.0.2"), at("10.0.0.3", ready=False), name="web-2"),
        slice_of(at("fd00::1"), at("fd00:0::1"), name="web-3", addressType="IPv6"),
        slice_of(at("10.0.0.9"), name="other", metadata={"name": "other", "namespace": "demo"}),
    )
    assert site.endpoints("demo/web:80") == ["10.0.0.1:8080", "10.0.0.2:8080", "fd00::1:8080"]


def test_a_service_name_may_have_63_characters_and_slices_have_any_name(site: Site) -> None:
    name = "s" * 63
    one = objects.endpoints(name, "10.0.0.1")
    one["metadata"]["name"] = "truncated-x7k2p"
    site.put("web.yaml", ingress("web", f"h.test Prefix / {name}"), objects.service(name), one)
    assert site.ask("h.test/") == name


def test_two_ports_of_a_service_are_two_ways_to_it(site: Site) -> None:
    site.put("web.yaml", ingress("web", "h.test Prefix / web:http\nh.test Prefix /admin web:admin"))
    service = with_ports({"name": "http", "port": 80}, {"name": "admin", "port": 81})
    ports = [{"name": "http", "port": 8080}, {"name": "admin", "port": 8081}]
    site.put("service.yaml", service, slice_of(at("10.0.0.1"), ports=ports))
    assert site.endpoints("demo/web:http") == ["10.0.0.1:8080"]
    assert site.endpoints("demo/web:admin") == ["10.0.0.1:8081"]


def test_service_upstream_leads_to_the_address_of_the_service(site: Site) -> None:
    route_to(site, annotate={"service-upstream": "true"})
    site.put("service.yaml", objects.service(clusterIP="10.96.0.7"), objects.endpoints("web", "10.0.0.1"))
    assert site.endpoints("demo/web:80#cluster-ip") == ["10.96.0.7:80"]
    site.put("service.yaml", objects.service(clusterIP="None"), objects.endpoints("web", "10.0.0.1"))
    assert site.ask("h.test/") == "503"
    assert site.problems() == ("error NoClusterIP spec.rules[0].http.paths[0].backend.service",)


# --- ExternalName ---------------------------------------------------------------------------------------------------


class Names(dict[str, Resolution]):
    """The DNS."""

    def look_up(self, name: str) -> Resolution | None:
        return self.get(name)


def external(name: str, *ports: dict[str, Any]) -> dict[str, Any]:
    return with_ports(*ports, type="ExternalName", externalName=name, clusterIP=None)


@pytest.mark.parametrize(
    ("port", "ports", "expected"),
    [
        ("80", [{"port": 80}], ["192.0.2.1:80", "192.0.2.2:80"]),
        ("80", [{"port": 80, "targetPort": 8080}], ["192.0.2.1:8080", "192.0.2.2:8080"]),
        ("http", [{"name": "http", "port": 8000}], ["192.0.2.1:8000", "192.0.2.2:8000"]),
        ("443", [], ["192.0.2.1:443", "192.0.2.2:443"]),
    ],
)
def test_an_external_name_is_reached_at_all_of_its_addresses(
    make: Make, port: str, ports: list[dict[str, Any]], expected: list[str]
) -> None:
    site = make(names=Names({"backend.example": Resolution(("192.0.2.2", "192.0.2.1"))}))
    route_to(site, port)
    site.put("service.yaml", external("backend.example", *ports))
    assert site.endpoints(f"demo/web:{port}") == expected
    assert site.compiler.external_names == {"backend.example"}
    assert site.problems() == ()


def test_an_external_name_by_a_port_name_that_it_does_not_have_is_503(make: Make) -> None:
    site = make(names=Names({"backend.example": Resolution(("192.0.2.1",))}))
    route_to(site, "http")
    site.put("service.yaml", external("backend.example"))
    assert site.ask("h.test/") == "503"
    assert site.problems() == ("error MissingPort spec.rules[0].http.paths[0].backend.service.port",)


def test_a_name_that_cannot_be_resolved_is_503_and_a_warning_and_is_followed(make: Make) -> None:
    names = Names()
    site = make(names=names)
    route_to(site)
    site.put("service.yaml", external("backend.example", {"port": 80}))
    assert (site.ask("h.test/"), site.problems()) == ("503", ()), "not known yet is no fault"
    for resolution, answer, reasons in [
        (Resolution((), "no such name"), "503", ["NameNotResolved"]),
        (Resolution(("192.0.2.1",)), "web", []),
        (Resolution(("192.0.2.1",), "timed out"), "web", ["NameNotResolved"]),
        (Resolution(("192.0.2.9",)), "web", []),
    ]:
        names["backend.example"] = resolution
        site.compiler.name_changed("backend.example")
        site.publish()
        assert site.ask("h.test/") == answer
        assert [problem.split()[1] for problem in site.problems()] == reasons
    assert site.endpoints("demo/web:80") == ["192.0.2.9:80"]


def test_an_external_name_that_is_edited_or_taken_away_is_followed(make: Make) -> None:
    site = make(names=Names({f"{n}.example": Resolution((f"192.0.2.{n}",)) for n in (1, 2)}))
    route_to(site)
    site.put("service.yaml", external("1.example", {"port": 80}))
    assert site.endpoints("demo/web:80") == ["192.0.2.1:80"]
    site.put("service.yaml", external("2.example", {"port": 80}))
    assert site.endpoints("demo/web:80") == ["192.0.2.2:80"]
    site.put("service.yaml", objects.service(), objects.endpoints("web", "10.0.0.1"))
    assert site.endpoints("demo/web:80") == ["10.0.0.1:8080"]
    assert site.compiler.external_names == frozenset()


def test_external_names_may_be_forbidden(make: Make) -> None:
    names = Names({"backend.example": Resolution(("192.0.2.1",))})
    site = make(names=names, disable_svc_external_name=True)
    route_to(site)
    site.put("service.yaml", external("backend.example", {"port": 80}))
    assert site.ask("h.test/") == "503"
    assert site.problems() == ("error ExternalNameDisabled spec.rules[0].http.paths[0].backend.service",)
    assert site.compiler.external_names == frozenset()


# --- the backend of last resort -------------------------------------------------------------------------------------


def test_the_default_backend_of_the_process_takes_what_no_ingress_does(make: Make) -> None:
    site = make(default_backend_service="demo/d")
    site.put("web.yaml", ingress("web", "h.test Prefix /foo a\n*.w.test Prefix /foo b"))
    answers = {"h.test/foo": "a", "h.test/": "d", "x.w.test/": "d", "unknown/": "d", "h.test/foobar": "d"}
    assert {url: site.ask(url) for url in answers} == answers
    site.put("all.yaml", ingress("all", "any default c"))
    assert (site.ask("unknown/"), site.ask("h.test/")) == ("c", "d")


def test_it_is_behind_the_policies_of_the_oldest_ingress_of_a_host(make: Make) -> None:
    site = make(default_backend_service="demo/late")
    site.put("web.yaml", ingress("web", "h.test Prefix /foo a", annotate={"denylist-source-range": "10.0.0.0/8"}))
    assert policy(site.route("h.test/bar"), SourceRanges) is not None
    assert (site.ask("h.test/bar"), site.owner("h.test/bar")) == ("404", "web")
    for port in (80, 81):
        site.put("late.yaml", objects.service("late", port=port), objects.endpoints("late", "10.0.0.1"))
        assert (site.ask("h.test/bar"), site.route("h.test/bar").backends[0].port) == ("late", str(port))


def test_it_answers_the_errors_of_ingresses_that_have_no_backend_for_them(make: Make) -> None:
    site = make(default_backend_service="demo/late")
    site.put("web.yaml", ingress("web", "h.test Prefix / a", annotate={"custom-http-errors": "404"}))

    def found() -> str | None:
        pages = policy(site.route("h.test/"), ErrorPages)
        return pages.shared if pages is not None else None

    assert found() == ""
    for port in (80, 81):
        site.put("late.yaml", objects.service("late", port=port), objects.endpoints("late", "10.0.0.1"))
        assert found() == f"demo/late:{port}"
    site.remove("late.yaml")
    assert found() == ""


def test_a_default_backend_that_is_missing_is_404_and_reported(make: Make) -> None:
    site = make(default_backend_service="demo/late")
    assert site.ask("unknown/") == "404"
    assert site.problems("Service demo/late") == ("error MissingService --default-backend-service",)
    site.put("late.yaml", *serving("late"))
    assert (site.ask("unknown/"), site.problems("Service demo/late")) == ("late", ())


# --- TLS ------------------------------------------------------------------------------------------------------------

PAIRS = {
    "h": self_signed("h.test"),
    "wild": self_signed("*.h.test"),
    "both": self_signed("h.test", "g.test"),
    "other": self_signed("other.test"),
    "expired": self_signed("h.test", days=-1),
}


def secret(name: str, pair: str | Pair, **fields: Any) -> dict[str, Any]:
    chosen = PAIRS[pair] if isinstance(pair, str) else pair
    return objects.secret(name, tls_crt=chosen.certificate, tls_key=chosen.key, **fields)


def tls(secret_name: str | None, *hosts: str) -> list[dict[str, Any]]:
    entry: dict[str, Any] = {"hosts": list(hosts)} if hosts else {}
    return [{**entry, "secretName": secret_name} if secret_name else entry]


def web(site: Site, rules: str = "h.test Prefix / a", **fields: Any) -> None:
    site.put("web.yaml", ingress("web", rules, **fields))


def test_a_host_with_a_secret_shows_its_certificate_and_others_the_default_one(site: Site) -> None:
    web(site, tls=tls("cert", "h.test"))
    site.put("secret.yaml", secret("cert", "h"))
    assert site.certificate("h.test") == "cert"
    assert site.certificate("x.h.test") == site.certificate("other.test") == site.certificate("") == "default"
    assert site.problems() == ()


def test_a_certificate_for_a_wildcard_is_shown_for_one_label_and_an_exact_one_goes_before(site: Site) -> None:
    rules = "*.h.test Prefix / a\nh.test Prefix / a"
    site.put("wild.yaml", ingress("wild", rules, tls=tls("wild", "*.h.test")), secret("wild", "wild"))
    assert site.certificate("x.h.test") == "wild"
    assert site.certificate("h.test") == site.certificate("x.y.h.test") == "default"
    exact = self_signed("x.h.test")
    site.put(
        "exact.yaml", ingress("exact", "x.h.test Prefix / b", tls=tls("exact", "x.h.test")), secret("exact", exact)
    )
    assert (site.certificate("x.h.test"), site.certificate("y.h.test")) == ("exact", "wild")


def test_a_wildcard_certificate_may_be_listed_for_a_host_that_it_covers(site: Site) -> None:
    web(site, "x.h.test Prefix / a", tls=tls("wild", "x.h.test"))
    site.put("secret.yaml", secret("wild", "wild"))
    assert (site.certificate("x.h.test"), site.problems()) == ("wild", ())


def test_hosts_of_the_rules_are_meant_when_none_are_listed(site: Site) -> None:
    web(site, "h.test Prefix / a\ng.test Prefix / b", tls=tls("cert"))
    site.put("secret.yaml", secret("cert", "both"))
    assert (site.certificate("h.test"), site.certificate("g.test")) == ("cert", "cert")
    assert site.ask("h.test/") == "308"


def test_a_host_that_is_not_listed_shows_a_certificate_of_its_ingress_that_covers_it(site: Site) -> None:
    web(site, "h.test Prefix / a\ng.test Prefix / b", tls=tls("cert", "h.test"))
    site.put("secret.yaml", secret("cert", "both"))
    assert (site.certificate("h.test"), site.certificate("g.test")) == ("cert", "cert")


def test_a_missing_secret_is_the_default_certificate_and_reported_until_it_appears(site: Site) -> None:
    web(site, tls=tls("cert", "h.test"))
    assert (site.certificate("h.test"), site.ask("h.test/"), site.ask("https://h.test/")) == ("default", "308", "a")
    assert site.problems() == ("error MissingSecret spec.tls[0].secretName",)
    site.put("secret.yaml", secret("cert", "h"))
    assert (site.certificate("h.test"), site.problems()) == ("cert", ())
    site.remove("secret.yaml")
    assert (site.certificate("h.test"), site.ask("https://h.test/")) == ("default", "a")


@pytest.mark.parametrize(
    ("pair", "reason"),
    [
        (Pair(b"nonsense", PAIRS["h"].key), "error InvalidSecret"),
        (Pair(PAIRS["h"].certificate, b"nonsense"), "error InvalidSecret"),
        (Pair(PAIRS["h"].certificate, PAIRS["other"].key), "error InvalidSecret"),
        (Pair(b"", b""), "error InvalidSecret"),
        (issue("h.test", rsa_key=1024), "error InvalidSecret"),
    ],
)
def test_a_bad_secret_is_the_default_certificate_and_reported(site: Site, pair: Pair, reason: str) -> None:
    web(site, tls=tls("cert", "h.test"))
    site.put("secret.yaml", secret("cert", pair))
    assert (site.certificate("h.test"), site.ask("h.test/"), site.ask("https://h.test/")) == ("default", "308", "a")
    assert site.problems() == (f"{reason} spec.tls[0].secretName",)


def test_a_secret_that_becomes_bad_is_the_default_certificate(site: Site) -> None:
    web(site, tls=tls("cert", "h.test"))
    site.put("secret.yaml", secret("cert", "h"))
    site.put("secret.yaml", secret("cert", Pair(b"nonsense", b"nonsense")))
    assert site.certificate("h.test") == "default"
    site.put("secret.yaml", secret("cert", "h"))
    assert (site.certificate("h.test"), site.problems()) == ("cert", ())


def test_a_certificate_for_another_host_is_not_shown_and_a_warning(site: Site) -> None:
    web(site, tls=tls("cert", "h.test"))
    site.put("secret.yaml", secret("cert", "other"))
    assert site.certificate("h.test") == "default"
    assert site.problems() == ("warning HostNotCovered spec.tls[0].hosts",)


def test_an_expired_certificate_is_shown_and_a_warning(site: Site) -> None:
    web(site, tls=tls("cert", "h.test"))
    site.put("secret.yaml", secret("cert", "expired"))
    assert site.certificate("h.test") == "cert"
    assert site.problems() == ("warning CertificateOutdated spec.tls[0].secretName",)


def test_a_secret_that_lacks_a_key_is_invalid_and_its_ingress_is_told(site: Site) -> None:
    web(site, tls=tls("cert", "h.test"))
    site.put("secret.yaml", objects.secret("cert", tls_crt=PAIRS["h"].certificate))
    assert (site.certificate("h.test"), site.ask("https://h.test/")) == ("default", "a")
    assert site.problems() == ("error InvalidSecret spec.tls[0].secretName",)
    assert site.problems("Secret demo/cert") == ('error InvalidObject data["tls.key"]',)


def test_tls_without_hosts_and_rules_means_every_name_of_the_certificate(site: Site) -> None:
    web(site, "any default a", tls=tls("cert"))
    site.put("secret.yaml", secret("cert", "both"))
    assert [site.certificate(name) for name in ("h.test", "g.test", "x.test")] == ["cert", "cert", "default"]
    assert (site.ask("h.test/"), site.ask("https://h.test/")) == ("308", "a")


def test_of_two_certificates_for_a_host_that_of_the_older_ingress_is_shown(site: Site) -> None:
    site.put("secrets.yaml", secret("one", "h"), secret("two", "both"))
    created = "creationTimestamp"
    rules = ("h.test Prefix /one a", "h.test Prefix /two a")
    site.put("one.yaml", ingress("one", rules[0], tls=tls("one", "h.test"), **{created: "2026-01-02T00:00:00Z"}))
    site.put("two.yaml", ingress("two", rules[1], tls=tls("two", "h.test"), **{created: "2026-01-01T00:00:00Z"}))
    assert site.certificate("h.test") == "two"
    assert site.problems("Ingress demo/one") == ("warning CertificateConflict spec.tls[0].secretName",)
    site.remove("two.yaml")
    assert (site.certificate("h.test"), site.problems("Ingress demo/one")) == ("one", ())


def test_a_secret_of_another_type_with_the_right_keys_will_do_with_a_warning(site: Site) -> None:
    web(site, tls=tls("cert", "h.test"))
    site.put("secret.yaml", secret("cert", "h", kind="Opaque"))
    assert site.certificate("h.test") == "cert"
    assert site.problems() == ("warning SecretType spec.tls[0].secretName",)


def test_a_secret_is_looked_for_in_the_namespace_of_the_ingress(site: Site) -> None:
    web(site, tls=tls("cert", "h.test"))
    site.put("secret.yaml", secret("cert", "h", namespace="other"))
    assert site.certificate("h.test") == "default"


def test_a_rotated_secret_is_shown_at_once(site: Site) -> None:
    web(site, tls=tls("cert", "h.test"))
    site.put("secret.yaml", secret("cert", "h"))
    before = site.shown("h.test")
    site.put("secret.yaml", secret("cert", self_signed("h.test", "g.test")))
    assert site.shown("h.test").name == "cert"
    assert site.shown("h.test").chain != before.chain


def test_the_flag_names_the_default_certificate_and_its_loss_is_made_up_for(make: Make) -> None:
    site = make(default_ssl_certificate="demo/fallback")
    assert site.certificate("h.test") == "default"
    assert site.problems("Secret demo/fallback") == ("error MissingSecret --default-ssl-certificate",)
    site.put("fallback.yaml", secret("fallback", "other"))
    assert site.certificate("h.test") == site.certificate("") == "fallback"
    web(site, tls=[{"hosts": ["h.test"]}])
    assert (site.certificate("h.test"), site.ask("h.test/")) == ("fallback", "308")
    site.remove("fallback.yaml")
    assert site.certificate("h.test") == "default"


# --- from http to https ---------------------------------------------------------------------------------------------


def test_hosts_with_tls_are_redirected_and_others_are_not(site: Site) -> None:
    web(site, "h.test Prefix / a\ng.test Prefix / b\nany Prefix / c", tls=tls("cert", "h.test"))
    answers = {"h.test/": "308", "h.test/x": "308", "https://h.test/": "a", "g.test/": "b", "unknown/": "c"}
    assert {url: site.ask(url) for url in answers} == answers


def test_a_host_under_a_wildcard_with_tls_is_redirected(site: Site) -> None:
    site.put("wild.yaml", ingress("wild", "*.h.test Prefix / a", tls=tls("wild", "*.h.test")), secret("wild", "wild"))
    site.put("plain.yaml", ingress("plain", "x.h.test Prefix / b"))
    assert (site.ask("y.h.test/"), site.ask("x.h.test/")) == ("308", "308")


def test_tls_of_one_ingress_is_that_of_the_host_for_all(site: Site) -> None:
    web(site, "h.test Prefix / a", tls=tls("cert", "h.test"))
    site.put("plain.yaml", ingress("plain", "h.test Prefix /plain b"))
    assert site.ask("h.test/plain") == "308"
    web(site, "h.test Prefix / a")
    assert (site.ask("h.test/"), site.ask("h.test/plain")) == ("a", "b")


@pytest.mark.parametrize(
    ("annotate", "with_tls", "settings", "answer"),
    [
        ({}, True, {}, "308"),
        ({}, False, {}, "a"),
        ({"ssl-redirect": "false"}, True, {}, "a"),
        ({"ssl-redirect": "true"}, True, {}, "308"),
        ({"ssl-redirect": "true"}, False, {}, "a"),
        ({"force-ssl-redirect": "true"}, False, {}, "308"),
        ({"force-ssl-redirect": "true", "ssl-redirect": "false"}, False, {}, "308"),
        ({"force-ssl-redirect": "false"}, True, {}, "308"),
        ({}, True, {"ssl_redirect": False}, "a"),
        ({"ssl-redirect": "true"}, True, {"ssl_redirect": False}, "308"),
        ({"ssl-redirect": "perhaps"}, True, {}, "308"),
    ],
)
def test_annotations_and_the_setting_decide_on_the_redirect(
    make: Make, annotate: dict[str, str], with_tls: bool, settings: dict[str, bool], answer: str
) -> None:
    site = make(**settings)
    site.put("secret.yaml", secret("cert", "h"))
    web(site, annotate=annotate, **({"tls": tls("cert", "h.test")} if with_tls else {}))
    assert site.ask("h.test/") == answer
    assert site.ask("https://h.test/") == "a"
    wrong = ('error InvalidAnnotation metadata.annotations["nginx.ingress.kubernetes.io/ssl-redirect"]',)
    assert site.problems() == (wrong if "perhaps" in annotate.values() else ())


def test_the_way_to_a_certificate_is_never_redirected(site: Site) -> None:
    challenge = "h.test Prefix /.well-known/acme-challenge/x b"
    web(site, f"h.test Prefix / a\n{challenge}", tls=tls("cert", "h.test"))
    assert site.ask("h.test/.well-known/acme-challenge/x") == "b"
    assert site.ask("h.test/.well-known/other") == "308"


def test_strict_transport_security_is_for_hosts_with_tls(make: Make) -> None:
    for enabled, expected in [(True, "max-age=31536000; includeSubDomains"), (False, "")]:
        site = make(hsts=enabled)
        web(site, "h.test Prefix / a\ng.test Prefix / b", tls=tls("cert", "h.test"))
        found = [policy(site.route(host), Hsts) for host in ("h.test", "g.test")]
        assert [one.value if one is not None else "" for one in found] == [expected, ""]

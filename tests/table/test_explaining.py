"""What `--explain` says of a request is what workers do with it."""

from __future__ import annotations

import pytest

from edge.data.policies import ORDER
from edge.table import explaining
from edge.table.content import Content
from edge.table.policies import BodyLimit, Closed
from edge.table.policies.order import NAMES, ordered
from edge.table.records import Backend, Endpoint, Globals, Host, Owner, PathKind, Route, ServicePort


def route(kind: PathKind, path: str, service: str) -> Route:
    return Route(kind, path, Owner("Ingress", "demo", service), (Backend("demo", service, "80", key=service),))


def explained(target: str, *hosts: Host, host: str = "web.example", default: Route | None = None) -> list[str]:
    content = Content.of({one.name: one for one in hosts})
    content.ports["a"] = ServicePort("demo", "a", "80", (Endpoint("10.0.0.1", 8080),))
    content.shared = Globals(default)
    return list(explaining.lines(content, host, target))


def winner(target: str, *routes: Route) -> str:
    """The owner of the route that takes TARGET; empty: none does."""
    rows = explained(target, Host("web.example", routes))
    taking = [row.split() for row in rows if row.endswith(explaining.TAKEN)]
    assert len(taking) <= 1
    return taking[0][-3].removeprefix("demo/") if taking else ""


EXACT, PREFIX, STRING = PathKind.EXACT, PathKind.PREFIX, PathKind.STRING
ROUTES = (
    route(PREFIX, "/", "root"),
    route(PREFIX, "/a", "short"),
    route(PREFIX, "/a/b", "long"),
    route(EXACT, "/a/b", "exact"),
    route(STRING, "/str", "string"),
)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/", "root"),
        ("/ab", "root"),
        ("/a", "short"),
        ("/a/x", "short"),
        ("/a/b", "exact"),
        ("/a/b/", "long"),
        ("/a/b/c?d=/", "long"),
        ("//a/./b", "exact"),
        ("/%61/b", "exact"),
        ("/string", "string"),
    ],
)
def test_the_most_specific_path_takes_it(target: str, expected: str) -> None:
    assert winner(target, *ROUTES) == expected


def test_patterns_are_tried_in_their_order() -> None:
    patterns = (route(PathKind.PATTERN, "/a.*c", "first"), route(PathKind.PATTERN, "/a", "second"))
    assert winner("/ABC", *patterns) == "first"
    assert winner("/axx", *patterns) == "second"
    assert winner("/b", *patterns) == ""


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("web.example", "host web.example"),
        ("x.example", "host *.example, because there is none for x.example itself"),
        ("a.b.example", "host **.example, because there is none for a.b.example itself"),
        ("shop-7.test", "host ~^shop-[0-9]+, because there is none for shop-7.test itself"),
        ("other.test", "host any other host, because there is none for other.test itself"),
    ],
)
def test_the_most_specific_host_takes_it(host: str, expected: str) -> None:
    names = ("web.example", "*.example", "**.example", "~^shop-[0-9]+", "")
    hosts = [Host(name, (route(PREFIX, "/", "a"),)) for name in names]
    assert explained("/", *hosts, host=host)[1] == f"  {expected}"


def test_what_nothing_takes_is_told() -> None:
    lines = explained("/x", Host("web.example", (route(EXACT, "/a", "a"),)))
    assert lines[2].endswith("no: another path")
    assert lines[-1] == "  answered 404 by Edge"
    assert explained("/x")[1] == "  no Ingress or route names this host, and none takes any host"


def test_what_no_path_takes_goes_to_the_default() -> None:
    host = Host("web.example", (route(EXACT, "/b", "b"),), route(PREFIX, "/", "a"))
    lines = explained("/x", host)
    assert lines[3].split() == ["otherwise", "->", "a:80", "Ingress", "demo/a", "takes", "it"]
    assert lines[-1] == "  Service demo/a:80, round robin: 10.0.0.1:8080"
    assert explained("/x", default=route(PREFIX, "/", "a"))[-1] == lines[-1]


def test_policies_are_listed_in_the_order_in_which_they_act() -> None:
    assert tuple(record.__name__ for record, _ in ORDER) == NAMES
    body, closed = BodyLimit("b", 1), Closed("a", "because")
    assert ordered((closed, body)) == [body, closed]

"""canary and canary-*: a second Ingress that takes a part of the requests of a path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import objects
from tests.support.backends import Backend
from tests.support.ingresses import Annotated

WHO = "x-backend"


@pytest.fixture(scope="module")
def fresh(edge: Annotated) -> Iterator[str]:
    """A Service that stands beside `web`."""
    with Backend("fresh") as one:
        edge.service("fresh", one)
        yield "fresh"


def pair(edge: Annotated, fresh: str, rules: str = "@ Prefix / {}", **annotations: str) -> str:
    """A host with a main Ingress and a canary with ANNOTATIONS."""
    host = edge.ingress(rules.format("web"))
    edge.ingress(rules.format(fresh), host=host, canary="true", **annotations)
    return host


def ask(edge: Annotated, host: str, *fields: tuple[str, str], target: str = "/", **rest: Any) -> str:
    """Who answers."""
    response = edge.get(host, target, fields=list(fields), **rest)
    return response.get(WHO) or str(response.status)


def test_header_cookie_and_weight(edge: Annotated, fresh: str) -> None:
    host = pair(edge, fresh, canary_by_header="X-Canary", canary_by_cookie="canary", canary_weight="0")
    assert edge.reasons() == []
    assert ask(edge, host) == "backend"
    assert ask(edge, host, ("X-Canary", "always")) == "fresh"
    assert ask(edge, host, ("X-Canary", "other"), ("Cookie", "canary=always")) == "fresh"
    assert ask(edge, host, ("X-Canary", "never"), ("Cookie", "canary=always")) == "backend"


def test_a_share_of_the_requests(edge: Annotated, fresh: str) -> None:
    host = pair(edge, fresh, canary_weight="50")
    assert set(Counter(ask(edge, host) for _ in range(60))) == {"backend", "fresh"}


def test_an_edit_is_in_force_at_the_next_request(edge: Annotated, fresh: str) -> None:
    """As Argo Rollouts and Flagger make them."""
    host = edge.ingress()
    name = host.partition(".")[0] + "-aside"
    for weight, expected in (("0", "backend"), ("100", "fresh"), ("0", "backend"), ("100", "fresh")):
        edge.ingress(f"@ Prefix / {fresh}", name=name, host=host, canary="true", canary_weight=weight)
        assert {ask(edge, host) for _ in range(10)} == {expected}
    edge.delete("Ingress", name)
    assert {ask(edge, host) for _ in range(10)} == {"backend"}


def test_before_the_main_ingress_and_without_one_it_serves_nothing(edge: Annotated, fresh: str) -> None:
    rules = f"@ Prefix / {fresh}"
    host = edge.ingress(rules, canary="true", canary_weight="100")
    assert edge.reasons() == ["NoMainIngress"]
    assert ask(edge, host) == ask(edge, "no-one.example") == "404"
    edge.ingress(host=host)
    assert ask(edge, host) == "fresh"


def test_without_an_endpoint_the_main_service_takes_all(edge: Annotated) -> None:
    host = pair(edge, "nothing", canary_by_header="X-Canary", canary_weight="100")
    assert ask(edge, host) == ask(edge, host, ("X-Canary", "always")) == "backend"
    with Backend("late") as late:
        edge.service("late", late)
        host = pair(edge, "late", canary_weight="100")
        assert ask(edge, host) == "late"
        edge.put(objects.endpoints("late", suffix="0"))
        assert ask(edge, host) == "backend"


def test_other_paths_and_hosts_of_the_same_service_are_left_alone(edge: Annotated, fresh: str) -> None:
    host = edge.ingress("@ Prefix / web\n@ Prefix /a web")
    other = edge.ingress()
    edge.ingress(f"@ Prefix /a {fresh}", host=host, canary="true", canary_weight="100")
    assert [ask(edge, host, target=one) for one in ("/", "/a", "/ab", "/a/b")] == [
        "backend",
        "fresh",
        "backend",
        "fresh",
    ]
    assert ask(edge, other) == "backend"


# --- with other policies ----------------------------------------------------------------------------------------------


def test_annotations_of_the_main_ingress_hold_for_both(edge: Annotated, fresh: str) -> None:
    host = edge.ingress(rewrite_target="/inner", denylist_source_range="192.0.2.0/24", enable_cors="true")
    edge.ingress(f"@ Prefix / {fresh}", host=host, canary="true", canary_by_header="X-Canary", enable_cors="false")
    for word, who in (("always", "fresh"), ("never", "backend")):
        response = edge.get(host, fields=[("X-Canary", word)])
        assert response.get(WHO) == who
        assert response.json()["target"] == "/inner"
        assert response.get("Access-Control-Allow-Origin") == "*"
    host = edge.ingress(denylist_source_range="127.0.0.0/8")
    edge.ingress(f"@ Prefix / {fresh}", host=host, canary="true", canary_by_header="X-Canary")
    assert ask(edge, host, ("X-Canary", "always")) == "403"


def test_a_path_that_is_a_pattern(edge: Annotated, fresh: str) -> None:
    rules = "@ ImplementationSpecific /api(/|$)(.*) {}"
    host = edge.ingress(rules.format("web"), rewrite_target="/$2")
    edge.ingress(rules.format(fresh), host=host, canary="true", canary_by_cookie="c", rewrite_target="/$2")
    response = edge.get(host, "/api/a/b", fields=[("Cookie", "c=always")])
    assert (response.get(WHO), response.json()["target"]) == ("fresh", "/a/b")
    assert ask(edge, host, target="/api/a/b") == "backend"

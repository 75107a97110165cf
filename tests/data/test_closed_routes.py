"""A policy that a release does not know closes its route (503); the other routes of the host go on."""

from __future__ import annotations

import itertools
from typing import Any

import msgpack
import pytest

from edge.table.codec import encode
from edge.table.counters import WorkerWord
from edge.table.policies.policy import Policy
from edge.table.record import Record
from edge.table.records import Backend, Host, Owner, PathKind, Route
from tests.support.backends import Backend as Server
from tests.support.stage import Stage
from tests.support.waiting import eventually

names = itertools.count(1)


class Gate(Policy, frozen=True, tag=True):
    """A policy of a later release."""

    rule: str = "deny"


class LaterRoute(Route, frozen=True):
    """A route of a later release."""

    gate: str = "deny"


class LaterHost(Host, frozen=True):
    """A host of a later release."""

    gate: str = "deny"


def publish(stage: Stage, record: Record) -> None:
    stage._writer.publish(routes={record.name: record})  # type: ignore[attr-defined]


@pytest.fixture
def good(stage: Stage, backend: Server) -> Host:
    """A host with two routes that are served."""
    host = stage.serve(backend, host=f"closed{next(names)}.example")
    name = host.partition(".")[0]
    to = (Backend("demo", name, "80", f"demo/{name}:80"),)
    owner = Owner("Ingress", "demo", name)
    return Host(host, (Route(PathKind.PREFIX, "/", owner, to), Route(PathKind.PREFIX, "/guarded", owner, to)))


def with_policy(route: Route, policy: Any) -> Route:
    return Route(route.kind, route.path, route.owner, route.backends, (policy,))


GUARDED = {
    "an unknown policy": lambda route: with_policy(route, Gate("a")),
    "a spoilt policy": lambda route: with_policy(route, ["BodyLimit", "a", "much"]),
    "an unknown policy of a backend": lambda route: Route(
        route.kind,
        route.path,
        route.owner,
        tuple(Backend(one.namespace, one.service, one.port, one.key, policies=(Gate("a"),)) for one in route.backends),
    ),
    "a further field": lambda route: LaterRoute(route.kind, route.path, route.owner, route.backends),
}


@pytest.mark.parametrize("known", [False, True], ids=["new", "known before"])
@pytest.mark.parametrize("what", GUARDED)
def test_that_route_alone_is_closed_counted_and_logged(stage: Stage, good: Host, what: str, known: bool) -> None:
    publish(stage, good if known else Host(good.name))
    assert stage.get(good.name, "/guarded").status == (200 if known else 404)
    before = stage.count(WorkerWord.TABLE_REFUSALS)
    publish(stage, Host(good.name, (good.routes[0], GUARDED[what](good.routes[1]))))
    assert [stage.get(good.name, path).status for path in ("/guarded", "/guarded/x", "/", "/x")] == [503, 503, 200, 200]
    eventually(lambda: stage.count(WorkerWord.TABLE_REFUSALS) == before + 1)
    eventually(lambda: f'record "{good.name}" of routes cannot be read in part' in stage.edge.log)
    publish(stage, good)
    assert stage.get(good.name, "/guarded").status == 200


@pytest.mark.parametrize("known", [False, True], ids=["new", "known before"])
def test_a_further_field_of_the_host_closes_all_of_it(stage: Stage, good: Host, known: bool) -> None:
    publish(stage, good if known else Host(good.name))
    assert stage.get(good.name).status == (200 if known else 404)
    publish(stage, LaterHost(good.name, good.routes))
    assert [stage.get(good.name, path).status for path in ("/guarded", "/", "/x")] == [503, 503, 503]
    publish(stage, good)
    assert stage.get(good.name).status == 200


def test_what_is_written_is_what_a_later_release_would_write() -> None:
    fields = msgpack.unpackb(encode(with_policy(Route(PathKind.PREFIX, "/"), Gate("a"))))
    assert fields[4] == [["Gate", "a", "deny"]]


# --- wildcards of several labels ------------------------------------------------------------------------------------


def test_a_wildcard_of_several_labels_takes_what_no_nearer_name_does(stage: Stage) -> None:
    domain = f"deep{next(names)}.example"
    stage._writer.publish(
        routes={
            name: answering(name, status)
            for name, status in (
                (f"**.{domain}", 410),
                (f"*.{domain}", 411),
                (f"**.b.{domain}", 412),
                (f"x.b.{domain}", 413),
            )
        },
    )
    asked = {
        f"a.{domain}": 411,
        f"a.c.{domain}": 410,
        f"a.b.c.{domain}": 410,
        f"a.b.{domain}": 412,
        f"a.a.b.{domain}": 412,
        f"b.{domain}": 411,
        f"x.b.{domain}": 413,
        domain: 404,
        f"not{domain}": 404,
    }
    assert {host: stage.get(host).status for host in asked} == asked


def answering(name: str, status: int) -> Host:
    """A host whose every request is answered with STATUS."""
    return Host(
        name, (Route(PathKind.PREFIX, "/", Owner("Ingress", "demo", "deep"), (Backend("demo", status=status),)),)
    )

"""The Service that answers what no Ingress takes."""

from __future__ import annotations

from edge.control.kinds.objects import ObjectId
from edge.settings import Settings
from edge.table.records import GLOBALS, Globals, Owner
from tests.support import objects
from tests.support.world import World

OWNER = ObjectId("Service", "demo", "fallback")


def world() -> World:
    return World(Settings(default_backend_service="demo/fallback"))


def record(made: World) -> Globals:
    found = made.routes[GLOBALS]
    assert isinstance(found, Globals)
    return found


def test_without_the_flag_there_is_none() -> None:
    assert record(World().tell()).default is None


def test_its_first_tcp_port_is_used_and_followed() -> None:
    made = world().apply(
        objects.service("fallback", ports=[{"port": 53, "protocol": "UDP"}, {"name": "http", "port": 8080}]),
        objects.endpoints("fallback", "10.0.0.1"),
    )
    default = record(made).default
    assert default is not None
    (backend,) = default.backends
    assert (backend.key, backend.namespace, default.owner) == ("demo/fallback:8080", "demo", Owner())
    assert made.addresses("fallback", 8080) == ["10.0.0.1:8080"]
    made.apply(objects.service("fallback", port=81))
    assert record(made).default.backends[0].key == "demo/fallback:81"  # type: ignore[union-attr]


def test_while_it_does_not_exist_requests_are_404_and_it_is_reported() -> None:
    made = world().tell()
    assert record(made).default is None
    (problem,) = made.problems[OWNER]
    assert (problem.reason, problem.field) == ("MissingService", "--default-backend-service")
    made.apply(objects.service("fallback"), objects.endpoints("fallback", "10.0.0.1"))
    assert record(made).default is not None
    assert OWNER not in made.problems


def test_without_endpoints_it_is_reported_and_answers_503() -> None:
    made = world().apply(objects.service("fallback"))
    assert made.service("fallback").endpoints == ()
    assert [one.reason for one in made.problems[OWNER]] == ["NoEndpoints"]

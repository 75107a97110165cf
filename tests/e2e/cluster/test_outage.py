"""The API server is away or loses its history: traffic is not affected."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.e2e.cluster.conftest import QUICKLY, Start
from tests.support.backends import Backend
from tests.support.clients import BrokenError
from tests.support.cluster import REAL, Cluster
from tests.support.edge import Edge
from tests.support.waiting import eventually

pytestmark = pytest.mark.skipif(bool(REAL), reason="needs an API server that can be stopped")


def test_without_an_api_server(alone: Cluster, start: Start) -> None:
    """Routing goes on by the last table, with a control plane that was restarted meanwhile too; then it catches up."""
    assert alone.api is not None
    with Backend(name="one") as one, Backend(name="two") as two:
        alone.apply(*alone.web(one.port, "web"))
        edge = start(alone, QUICKLY)
        eventually(lambda: edge.get("/").get("X-Backend") == "one")
        alone.api.stop()
        assert edge.get("/").status == 200
        before = edge.control_pid
        os.kill(before, signal.SIGKILL)
        eventually(lambda: edge.pids("control") and edge.control_pid != before)
        eventually(lambda: asked(edge, "/healthz") == 200)
        eventually(lambda: asked(edge, "/readyz") == 200)
        end = time.monotonic() + 1.5
        while time.monotonic() < end:  # the new control plane has nothing, and must not publish that
            assert edge.get("/").status == 200
        assert asked(edge, "/readyz") == 200
        alone.api.store.apply(alone.endpoints(two.port))
        alone.api.store.compact()
        alone.api.start()
        eventually(lambda: edge.get("/").get("X-Backend") == "two", timeout=40)


def asked(edge: Edge, path: str) -> int:
    """What the admin server answers; 0: there is none."""
    try:
        return edge.admin_get(path).status
    except (OSError, BrokenError):
        return 0


def test_an_api_server_that_forgets(alone: Cluster, start: Start) -> None:
    """After its history is gone (410) the difference is found by a new list, and nothing is published for the rest."""
    assert alone.api is not None
    with Backend(name="one") as one:
        alone.apply(*alone.web(one.port, "web"), *alone.web(one.port, "old"))
        edge = start(alone, QUICKLY)
        eventually(lambda: edge.get("/", host="old.example").status == 200)
        alone.api.fail("status", verb="watch", code=410, reason="Expired", times=7)
        alone.api.store.remove("Ingress", alone.name, "old")
        alone.api.store.compact()
        alone.api.interrupt("drop")
        eventually(lambda: edge.get("/", host="old.example").status == 404, timeout=40)
        assert edge.get("/").status == 200


def test_a_slow_start(alone: Cluster, start: Start) -> None:
    """Until all kinds are there nothing is served, and /readyz says which one is missing."""
    assert alone.api is not None
    alone.api.fail("status", verb="list", resource="endpointslices", code=500, message="etcd is on fire", times=3)
    with Backend(name="one") as one:
        alone.apply(*alone.web(one.port, "web"))
        edge = start(alone, QUICKLY, ready=False)

        def says() -> str:
            try:
                return edge.admin_get("/readyz").body.decode()
            except OSError:
                return ""

        eventually(lambda: "EndpointSlice" in says() and "etcd is on fire" in says())
        eventually(lambda: "EndpointSlice" in says() and "waiting for Ingress" not in says())
        eventually(lambda: edge.get("/").status == 200, timeout=40)
        eventually(lambda: edge.admin_get("/readyz").status == 200)


def test_a_missing_permission(alone: Cluster, start: Start) -> None:
    """A permission that is missing is named, and what can be served without it is served."""
    assert alone.api is not None
    rules = alone.api.rules
    assert rules is not None
    rules.cluster = [rule for rule in rules.cluster if "secrets" not in rule["resources"]]
    with Backend(name="one") as one:
        alone.apply(*alone.web(one.port, "web", secret="tls"))
        edge = start(alone, QUICKLY, "--no-ssl-redirect")
        eventually(lambda: edge.get("/").status == 200)
        eventually(lambda: [event for event in alone.events("web") if "grant the verb get" in event["note"]])
        assert "grant the verb list on secrets" in edge.log

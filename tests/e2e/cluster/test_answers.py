"""What Edge writes to the cluster: addresses in the status, and Events about problems."""

from __future__ import annotations

from typing import Any

from tests.support.backends import Backend
from tests.support.cluster import Cluster
from tests.support.edge import Edge
from tests.support.waiting import eventually


def warnings(where: Cluster, name: str) -> list[Any]:
    return [event for event in where.events(name) if event["type"] == "Warning"]


def test_status(where: Cluster, edge: Edge, backend: Backend) -> None:
    """The status of a served Ingress shows our address; that of another class stays empty."""
    foreign = where.ingress("foreign")
    foreign["spec"]["ingressClassName"] = "somebody-elses"
    where.apply(foreign, *where.web(backend.port, "web"))
    eventually(lambda: where.addresses("web") == [{"ip": "192.0.2.7"}])
    eventually(lambda: edge.get("/", host="web.example").status == 200)  # its endpoints may be heard of a little later
    assert not where.addresses("foreign")


def test_first_served(where: Cluster, edge: Edge, backend: Backend) -> None:
    """An Ingress without a mistake gets a Normal Event and no Warning."""
    assert edge.pid
    where.apply(*where.web(backend.port, "fine"))
    eventually(lambda: [event["reason"] for event in where.events("fine") if event["type"] == "Normal"] == ["Sync"])
    assert not warnings(where, "fine")


def test_a_missing_service(where: Cluster, edge: Edge) -> None:
    """A Service that does not exist is a Warning which names it, and the field."""
    where.apply(where.ingress("broken", service="nowhere", host="broken.example"))
    eventually(lambda: warnings(where, "broken"))
    (event,) = warnings(where, "broken")
    assert event["reason"] == "MissingService"
    assert "nowhere" in event["note"]
    assert "spec.rules[0]" in event["note"]
    assert event["regarding"]["uid"] == where.get("Ingress", "broken")["metadata"]["uid"]
    assert edge.get("/", host="broken.example").status == 503


def test_who_wins(where: Cluster, edge: Edge, backend: Backend) -> None:
    """Of two Ingresses with the same host and path, the later one is told that it lost, and against whom."""
    where.apply(*where.web(backend.port, "first"))
    eventually(lambda: edge.get("/", host="first.example").status == 200)
    eventually(lambda: where.events("first"))
    where.apply(where.ingress("second", service="first", host="first.example"))
    eventually(lambda: warnings(where, "second"))
    assert f"{where.name}/first" in warnings(where, "second")[0]["note"]
    assert not warnings(where, "first")

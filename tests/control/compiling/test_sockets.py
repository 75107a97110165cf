"""What the proxy cannot listen on is a problem of the object that asked."""

from __future__ import annotations

from pathlib import Path

from edge.control.kinds.objects import ObjectId
from edge.settings import Settings
from edge.table import bindings
from edge.table.records import LISTENERS, Listeners, Listening
from tests.support import objects
from tests.support.world import World

TCP = ObjectId("ConfigMap", "demo", "tcp")

OTHERS: frozenset[Listening] = frozenset()


def world() -> World:
    made = World(Settings(tcp_services_configmap="demo/tcp", bind_address=("10.1.1.1",)))
    made.apply(objects.service("web"), objects.endpoints("web", "10.0.0.1"))
    entries = {"9000": "demo/web:80", "9001": "demo/web:80"}
    return made.apply(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tcp", "namespace": "demo"}, "data": entries}
    )


def wanted(made: World, port: int) -> Listening:
    record = made.routes[LISTENERS]
    assert isinstance(record, Listeners)
    return next(one for one in record.sockets if one.port == port)


def test_a_port_that_cannot_be_bound_is_reported_until_it_can() -> None:
    made = world()
    made.compiler.bindings(
        [bindings.Unbound(wanted(made, 9000), "cannot listen on 10.1.1.1:9000: no such address")], OTHERS
    )
    made.tell()
    (problem,) = made.problems[TCP]
    assert (problem.reason, problem.field) == ("CannotListen", "data.9000")
    assert "no such address" in problem.message
    made.compiler.bindings([], OTHERS)
    made.tell()
    assert TCP not in made.problems


def test_the_proxy_says_it_in_a_file(tmp_path: Path) -> None:
    reader = bindings.Bindings(tmp_path)
    assert not reader.changed()
    told = (bindings.Unbound(wanted(world(), 9000), "in use"),)
    bindings.write(tmp_path, told, [wanted(world(), 9001)])
    assert reader.changed()
    assert (reader.unbound, reader.bound) == (told, {wanted(world(), 9001)})
    assert not reader.changed()
    (tmp_path / bindings.NAME).write_text("{")
    assert reader.changed()
    assert (reader.unbound, reader.bound) == ((), frozenset())

"""A Gateway is programmed when the proxy listens for it; its status waits for that, but not for ever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.control.compiling.gateway_status import PATIENCE
from edge.table.bindings import Unbound
from edge.table.records import LISTENERS, Listeners, Listening
from tests.support import gateway
from tests.support.gateway import listener, route, rule
from tests.support.objects import Manifest
from tests.support.site import Site, serving

START = 1000.0
Condition = tuple[str, str]
TWO = [listener(), listener("other", "other.example", port=8080)]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """One whose proxy says what it listens on; nothing so far."""
    one = Site(tmp_path, gateway_addresses=("127.9.5.0/24",))
    one.compiler.bindings((), frozenset())
    one.put("class.yaml", gateway.gateway_class())
    one.put("services.yaml", *serving("a"))
    yield one
    one.close()


def sockets(site: Site) -> frozenset[Listening]:
    site.reader.refresh()
    found = site.reader.routes.get(LISTENERS, Listeners)
    return frozenset(found.sockets) if found is not None else frozenset()


def put(site: Site, *objects: Manifest, at: float = START) -> None:
    """The Gateway and what belongs to it, at this time."""
    site.put("gateway.yaml", *objects)
    site.publish(clock=at)


def programmed(site: Site) -> tuple[Condition, list[Condition]]:
    """Of the Gateway, and of its listeners."""

    def of(holder: Any) -> Condition:
        return next((one["status"], one["reason"]) for one in holder["conditions"] if one["type"] == "Programmed")

    status = site.statuses["Gateway demo/edge"]
    return of(status), [of(one) for one in status["listeners"]]


def test_a_status_waits_until_all_sockets_are_open(site: Site) -> None:
    site.compiler.compile(clock=START)
    put(site, gateway.gateway(*TWO))
    assert "Gateway demo/edge" not in site.statuses
    assert site.compiler.next_due() is not None, "it is looked at again soon"
    first, second = sorted(sockets(site), key=lambda one: one.port)
    site.compiler.bindings((), frozenset({first}))
    site.publish(clock=START)
    assert "Gateway demo/edge" not in site.statuses
    site.compiler.bindings((), frozenset({first, second}))
    site.publish(clock=START)
    fine = ("True", "Programmed")
    assert programmed(site) == (fine, [fine, fine])
    assert site.compiler.next_due() is None


def test_the_wait_has_an_end(site: Site) -> None:
    """Then the status says what is not open, and for which listener."""
    put(site, gateway.gateway(*TWO))
    (first,) = (one for one in sockets(site) if one.port == 80)
    site.compiler.bindings((), frozenset({first}))
    later = START + 1e6
    site.publish(clock=later)
    site.publish(clock=later + PATIENCE)
    pending = ("False", "Pending")
    assert programmed(site) == (pending, [("True", "Programmed"), pending])
    assert site.compiler.next_due() is None, "it is not looked for ten times a second any more"
    site.compiler.bindings((), sockets(site))
    site.publish(clock=later + PATIENCE)
    assert programmed(site)[0] == ("True", "Programmed")


def test_what_cannot_be_opened_is_said_at_once(site: Site) -> None:
    put(site, gateway.gateway(*TWO))
    first, second = sorted(sockets(site), key=lambda one: one.port)
    fault = "cannot listen on 127.9.5.1:8080: in use"
    site.compiler.bindings([Unbound(second, fault)], frozenset({first}))
    site.publish(clock=START)
    assert programmed(site) == (("False", "AddressNotUsable"), [("True", "Programmed"), ("False", "Invalid")])
    assert fault in str(site.statuses["Gateway demo/edge"])


def test_a_listener_that_is_added(site: Site) -> None:
    """What the status says of the listeners before stays until the new one is open."""
    put(site, gateway.gateway(TWO[0]))
    site.compiler.bindings((), sockets(site))
    site.publish(clock=START)
    before = programmed(site)
    put(site, gateway.gateway(*TWO), at=START)
    assert programmed(site) == before
    site.compiler.bindings((), sockets(site))
    site.publish(clock=START)
    assert len(programmed(site)[1]) == 2


def test_a_stream_is_accepted_when_its_port_is_open(site: Site) -> None:
    """Its socket is opened for the route, and the Gateway does not wait for it."""
    one: Manifest = {**route(rule("a"), hosts=()), "kind": "TCPRoute"}
    put(site, gateway.gateway(listener("tcp", port=53, protocol="TCP")), one)
    assert programmed(site)[0] == ("True", "Programmed")
    assert "TCPRoute demo/web" not in site.statuses
    site.compiler.bindings((), sockets(site))
    site.publish(clock=START)
    assert site.statuses["TCPRoute demo/web"]["parents"][0]["conditions"][0]["status"] == "True"


def test_a_gateway_without_sockets_of_its_own_waits_for_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.compiler.bindings((), frozenset())
    site.put("class.yaml", gateway.gateway_class())
    site.put("gateway.yaml", gateway.gateway())
    assert programmed(site)[0] == ("True", "Programmed")
    site.close()

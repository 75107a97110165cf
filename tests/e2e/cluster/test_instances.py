"""Several instances: one writes, and the last one clears the status."""

from __future__ import annotations

from tests.e2e.cluster.conftest import Start
from tests.support.backends import Backend
from tests.support.cluster import Cluster
from tests.support.waiting import eventually


def test_the_last_one_puts_the_lights_out(alone: Cluster, start: Start) -> None:
    """Another instance takes over the status when the leader ends, and takes it away when it is the last to end."""
    with Backend(name="one", host=alone.address) as one:
        alone.apply(*alone.web(one.port, "web"))
        first = start(alone, "--publish-status-address=192.0.2.1")
        eventually(lambda: alone.addresses() == [{"ip": "192.0.2.1"}])
        second = start(alone, "--publish-status-address=192.0.2.2")
        assert second.get("/").status == 200
        assert first.stop() == 0
        eventually(lambda: alone.addresses() == [{"ip": "192.0.2.2"}])
        assert second.stop() == 0
        assert alone.addresses() == []

"""The zone of hints is that of the pod's node."""

from __future__ import annotations

import queue

import pytest

from edge.control.api.transport import Transport
from edge.control.sources.cluster.zone import LABEL, ZoneFinder
from tests.support.fakeapi import FakeAPI
from tests.support.waiting import eventually

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "edge-1", "namespace": "demo"},
    "spec": {"nodeName": "one", "containers": [{"name": "edge", "image": "edge"}]},
}


def node(**labels: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one", "labels": labels}}


def find(transport: Transport, name: str = "edge-1") -> queue.SimpleQueue[str]:
    found: queue.SimpleQueue[str] = queue.SimpleQueue()
    ZoneFinder(transport, ("demo", name), found.put).start()
    return found


def test_it_is_the_label_of_the_node(api: FakeAPI, transport: Transport) -> None:
    api.apply(POD, node(**{LABEL: "west"}))
    assert find(transport).get(timeout=40) == "west"


def test_it_is_asked_for_again_until_there_is_an_answer(api: FakeAPI, transport: Transport) -> None:
    found = find(transport)
    eventually(lambda: api.seen("get", "pods"))
    api.apply(POD, node(**{LABEL: "west"}))
    assert found.get(timeout=40) == "west"


def test_a_node_without_the_label_is_reported(
    api: FakeAPI, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    api.apply(POD, node())
    assert find(transport).get(timeout=40) == ""
    assert "use --zone" in caplog.text


def test_outside_of_a_pod_nothing_is_asked(
    api: FakeAPI, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    find(transport, "")
    assert "--zone has to name the zone" in caplog.text
    assert not api.seen("get", "pods")

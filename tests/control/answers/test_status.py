"""The status of served Ingresses shows their addresses; one instance writes it."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.control.conftest import Instance, Instances
from tests.support.fakeapi import FakeAPI, Rules
from tests.support.objects import ingress, service
from tests.support.waiting import eventually

OURS = "203.0.113.7"
FIXED = {"publish_status_address": OURS}


def shown(api: FakeAPI, name: str = "web", namespace: str = "demo") -> list[Any]:
    """The addresses in the status of the Ingress."""
    stored = api.store.get("Ingress", namespace, name)
    assert stored is not None
    found: list[Any] = ((stored.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    return found


def patches(api: FakeAPI, name: str = "") -> int:
    return len(api.seen("patch", "ingresses/status", name))


# --- addresses --------------------------------------------------------------------------------------------------------


def test_addresses_from_a_setting(api: FakeAPI, instance: Instances) -> None:
    """--publish-status-address may hold several addresses and names."""
    api.apply(ingress())
    one = instance(publish_status_address="203.0.113.7, edge.example,2001:db8::1")
    one.serve("web")
    expected = [{"hostname": "edge.example"}, {"ip": "2001:db8::1"}, {"ip": "203.0.113.7"}]
    eventually(lambda: shown(api) == expected)


def test_what_is_no_address_is_left_out(api: FakeAPI, instance: Instances, caplog: pytest.LogCaptureFixture) -> None:
    """A word that the API server would refuse is named in the log and does not spoil the others."""
    api.apply(ingress())
    one = instance(publish_status_address="203.0.113.7,no_such.name")
    one.serve("web")
    eventually(lambda: shown(api) == [{"ip": OURS}])
    assert "'no_such.name' is neither an IP address nor a host name" in caplog.text


LB_IP, LB_NAME, EXTERNAL = {"ip": "192.0.2.1"}, {"hostname": "lb.example"}, {"ip": "192.0.2.9"}


@pytest.mark.parametrize(
    ("spec", "status", "expected"),
    [
        ({"type": "LoadBalancer"}, [LB_IP, LB_NAME], [LB_NAME, LB_IP]),
        ({"type": "LoadBalancer", "externalIPs": ["192.0.2.9"]}, [LB_IP], [LB_IP, EXTERNAL]),
        ({"type": "NodePort", "externalIPs": ["192.0.2.9"]}, [], [EXTERNAL]),
        ({"type": "NodePort", "clusterIP": "10.0.0.5"}, [], [{"ip": "10.0.0.5"}]),
        ({"type": "ClusterIP", "clusterIP": "10.0.0.5"}, [], [{"ip": "10.0.0.5"}]),
        ({"type": "ExternalName", "externalName": "front.example"}, [], [{"hostname": "front.example"}]),
        ({"type": "ExternalName", "externalName": "front.example."}, [], [{"hostname": "front.example"}]),
    ],
)  # fmt: skip
def test_addresses_of_a_service(
    api: FakeAPI, instance: Instances, spec: dict[str, Any], status: list[Any], expected: list[Any]
) -> None:
    """--publish-service shows the addresses that the Service has, by its type."""
    front = service("front", namespace="edge", **spec)
    api.apply(ingress(), {**front, "status": {"loadBalancer": {"ingress": status}}})
    one = instance(publish_service="edge/front")
    one.serve("web")
    eventually(lambda: shown(api) == expected)


def test_an_address_that_comes_late_and_moves(api: FakeAPI, instance: Instances) -> None:
    """A load balancer that gets its address, or another one, is followed on all Ingresses."""
    front = service("front", namespace="edge", type="LoadBalancer")
    api.apply(ingress("a"), ingress("b"), front)
    one = instance(publish_service="edge/front")
    one.serve("a", "b")
    for address in ("192.0.2.1", "192.0.2.2"):
        api.apply({**front, "status": {"loadBalancer": {"ingress": [{"ip": address}]}}})
        eventually(lambda address=address: shown(api, "a") == shown(api, "b") == [{"ip": address}])


def test_a_service_that_is_missing_changes_nothing(
    api: FakeAPI, instance: Instances, caplog: pytest.LogCaptureFixture
) -> None:
    """Without the Service, or when it is deleted, the status stays as it is, and the log says why."""
    api.apply({**ingress(), "status": {"loadBalancer": {"ingress": [{"ip": OURS}]}}})
    one = instance(publish_service="edge/front")
    one.serve("web")
    eventually(lambda: "--publish-service edge/front: there is no such Service" in caplog.text)
    api.apply(service("front", namespace="edge", clusterIP="10.0.0.5"))
    eventually(lambda: shown(api) == [{"ip": "10.0.0.5"}])
    api.remove("Service", "edge", "front")
    eventually(lambda: "the status stays as it is" in caplog.text)
    assert shown(api) == [{"ip": "10.0.0.5"}]


def pod(name: str, node: str, *, phase: str = "Running", **metadata: Any) -> dict[str, Any]:
    labels = {"app": "edge", "pod-template-hash": name}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "edge", "labels": labels, **metadata},
        "spec": {"nodeName": node},
        "status": {"phase": phase},
    }


def node(name: str, **addresses: str) -> dict[str, Any]:
    listed = [{"type": kind, "address": address} for kind, address in addresses.items()]
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"addresses": listed}}


@pytest.fixture
def in_pod(api: FakeAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """We run as pod `edge-1` on the node `one`."""
    monkeypatch.setenv("POD_NAME", "edge-1")
    monkeypatch.setenv("POD_NAMESPACE", "edge")
    api.apply(node("one", InternalIP="10.0.0.1", ExternalIP="192.0.2.1"), node("two", InternalIP="10.0.0.2"))
    api.apply(pod("edge-1", "one"))


@pytest.mark.usefixtures("in_pod")
def test_addresses_of_nodes(api: FakeAPI, instance: Instances) -> None:
    """Else the nodes of our running pods are shown, by their external addresses where they have some."""
    api.apply(ingress(), pod("edge-2", "two"), pod("edge-3", "three", phase="Pending"))
    api.apply({**pod("other", "four"), "metadata": {"name": "other", "namespace": "edge", "labels": {"app": "other"}}})
    one = instance()
    one.serve("web")
    eventually(lambda: shown(api) == [{"ip": "10.0.0.2"}, {"ip": "192.0.2.1"}])
    api.remove("Pod", "edge", "edge-2")
    eventually(lambda: shown(api) == [{"ip": "192.0.2.1"}])


@pytest.mark.usefixtures("in_pod")
def test_internal_addresses_of_nodes(api: FakeAPI, instance: Instances) -> None:
    """--report-node-internal-ip-address shows the internal ones."""
    api.apply(ingress())
    one = instance(report_node_internal_ip_address=True)
    one.serve("web")
    eventually(lambda: shown(api) == [{"ip": "10.0.0.1"}])


@pytest.mark.usefixtures("in_pod")
def test_between_two_revisions_the_addresses_stay(api: FakeAPI, instance: Instances) -> None:
    """While all pods that run are about to go and new ones have not come yet, the status is not emptied."""
    api.apply(ingress())
    one = instance()
    one.serve("web")
    eventually(lambda: shown(api) == [{"ip": "192.0.2.1"}])
    api.apply(pod("edge-1", "one", deletionTimestamp="2026-01-01T00:00:00Z"), pod("edge-2", "two", phase="Pending"))
    api.apply(ingress("other"))
    one.serve("other")
    eventually(lambda: shown(api, "other") == [{"ip": "192.0.2.1"}])
    api.apply(pod("edge-2", "two"))
    eventually(lambda: shown(api) == [{"ip": "10.0.0.2"}])


def test_nothing_known_nothing_written(api: FakeAPI, instance: Instances, caplog: pytest.LogCaptureFixture) -> None:
    """Outside of a pod and without a setting no address is known, and the status is left alone; the log says so."""
    api.apply({**ingress(), "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}, ingress("other"))
    one = instance()
    one.serve("web", "other")
    eventually(one.leads)
    assert one.cluster.status is not None
    assert not one.cluster.status.has_something
    one.stop()
    assert not patches(api)
    assert "neither --publish-service nor --publish-status-address" in caplog.text


# --- which Ingresses --------------------------------------------------------------------------------------------------


def test_only_what_is_served(api: FakeAPI, instance: Instances) -> None:
    """An Ingress that is not in our table, or not any more, is never written to."""
    api.apply(ingress("ours"), ingress("foreign", ingress_class="other"), ingress("former"))
    one = instance(**FIXED)
    one.serve("ours", "former")
    eventually(lambda: shown(api, "former"))
    one.forget("former")
    api.apply({**ingress("former", ingress_class="other"), "status": {}})
    api.apply(ingress("last"))
    one.serve("last")
    eventually(lambda: shown(api, "last"))
    assert not shown(api, "former")
    assert not shown(api, "foreign")
    assert {request.name for request in api.seen("patch")} == {"ours", "former", "last"}


def test_no_write_without_a_difference(api: FakeAPI, instance: Instances) -> None:
    """A status that is right already, in whatever order, is not written again, nor is one whose Ingress changes."""
    wanted = [{"ip": OURS}, {"hostname": "edge.example"}]
    api.apply({**ingress(), "status": {"loadBalancer": {"ingress": wanted}}}, ingress("other"))
    one = instance(publish_status_address=f"{OURS},edge.example")
    one.serve("web", "other")
    eventually(lambda: shown(api, "other"))
    stored = api.store.get("Ingress", "demo", "web")
    assert stored is not None
    api.apply({**stored, "metadata": {**stored["metadata"], "annotations": {"a": "b"}}})
    one.serve("web")
    api.apply(ingress("last"))
    one.serve("last")
    eventually(lambda: shown(api, "last"))
    assert not patches(api, "web")
    assert patches(api) == 2


def test_foreign_addresses_are_replaced(api: FakeAPI, instance: Instances) -> None:
    """What somebody else writes into the status of an Ingress of ours does not stay, and the spec is not touched."""
    api.apply(ingress())
    one = instance(**FIXED)
    one.serve("web")
    eventually(lambda: shown(api) == [{"ip": OURS}])
    before = api.store.get("Ingress", "demo", "web")
    assert before is not None
    api.apply({**before, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.66"}]}}})
    eventually(lambda: shown(api) == [{"ip": OURS}])
    after = api.store.get("Ingress", "demo", "web")
    assert after is not None
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]


def test_switched_off(api: FakeAPI, instance: Instances) -> None:
    """With --no-update-status nothing is written, at the end neither."""
    api.apply(ingress())
    one = instance(update_status=False, events=False, **FIXED)
    one.serve("web")
    one.stop()
    assert not patches(api)
    assert not api.seen(resource="leases")


# --- who writes, and how ----------------------------------------------------------------------------------------------


def test_only_the_leader_writes(api: FakeAPI, instance: Instances) -> None:
    """Of two instances one writes; the other goes on when that is gone."""
    first = instance(update_status_on_shutdown=False, **FIXED)
    eventually(first.leads)
    second = instance(publish_status_address="203.0.113.99")
    api.apply(ingress("a"))
    first.serve("a")
    second.serve("a")
    eventually(lambda: shown(api, "a") == [{"ip": OURS}])
    assert patches(api) == 1
    first.stop()
    eventually(lambda: shown(api, "a") == [{"ip": "203.0.113.99"}])


def test_conflict(api: FakeAPI, instance: Instances) -> None:
    """A write that was decided on an old version is refused by the server and decided again."""
    api.apply(ingress())
    one = instance(**FIXED)
    eventually(one.leads)
    api.interrupt("stall", "ingresses")  # we do not hear of the next version
    api.apply(ingress(host="changed.example"))
    one.serve("web")
    eventually(lambda: patches(api) >= 2)
    assert not shown(api)
    api.interrupt("drop", "ingresses")
    api.stop()
    api.start()
    eventually(lambda: shown(api) == [{"ip": OURS}])
    stored = api.store.get("Ingress", "demo", "web")
    assert stored is not None
    assert stored["spec"]["rules"][0]["host"] == "changed.example"


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "drop"},
        {"action": "status", "code": 500},
        {"action": "status", "code": 409, "reason": "Conflict"},
        {"action": "status", "code": 429, "reason": "TooManyRequests", "retry_after": 1.0},
    ],
)
def test_failing_writes_are_repeated(api: FakeAPI, instance: Instances, fault: dict[str, Any]) -> None:
    """Whatever a write is answered, it is made again."""
    api.apply(ingress())
    one = instance(**FIXED)
    api.fail(verb="patch", times=2, **fault)
    one.serve("web")
    eventually(lambda: shown(api) == [{"ip": OURS}], timeout=40)
    assert not api.faults.armed()
    seen = api.seen("patch")
    if fault.get("retry_after"):
        assert seen[1].time - seen[0].time >= 1.0


def test_forbidden(
    api: FakeAPI, instance: Instances, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing permission is named once, and its grant takes effect."""
    monkeypatch.setattr("edge.control.api.pace.FORBIDDEN", 0.1)
    api.apply(ingress("a"), ingress("b"))
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["ingresses", "leases"]}
    api.rules = Rules([everything])
    one = instance(**FIXED)
    one.serve("a", "b")
    eventually(lambda: "grant the verb patch on ingresses.networking.k8s.io/status" in caplog.text)
    api.rules = None
    eventually(lambda: shown(api, "a") and shown(api, "b"))
    assert caplog.text.count("grant the verb patch") == 1


def test_forbidden_in_some_namespaces(
    api: FakeAPI, instance: Instances, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A namespace that forbids it keeps no other waiting, and does not hold up a clean exit."""
    monkeypatch.setattr("edge.control.api.pace.FORBIDDEN", 0.5)
    api.apply(ingress(), ingress("a", namespace="closed"), ingress("b", namespace="closed"))
    reads = {"verbs": ["list", "watch", "create", "get", "update"], "apiGroups": ["*"], "resources": ["*"]}
    writes = {"verbs": ["patch"], "apiGroups": ["networking.k8s.io"], "resources": ["ingresses/status"]}
    api.rules = Rules([reads], {"demo": [writes]})
    one = instance(**FIXED)
    one.serve("web")
    one.serve("a", "b", namespace="closed")
    eventually(lambda: shown(api))
    eventually(lambda: patches(api, "a") or patches(api, "b"))
    api.rules.namespaced["closed"] = [writes]
    for name in ("a", "b"):
        eventually(lambda name=name: shown(api, name, namespace="closed"))  # type: ignore[misc]
    del api.rules.namespaced["closed"]
    before = patches(api)
    one.stop()
    assert not shown(api)
    assert patches(api) == before + 3
    assert "status of 2 Ingresses" in caplog.text


def test_a_rush_is_slowed_down(api: FakeAPI, instance: Instances) -> None:
    """Not more writes than permitted are made at once, and the latest Ingress does not wait for the rest."""
    names = [f"i{number}" for number in range(30)]
    api.apply(*(ingress(name) for name in names))
    one = _with_rate(instance, 10.0)
    one.serve(*names)
    eventually(lambda: patches(api) >= 10)
    api.apply(ingress("latest"))
    one.serve("latest")
    eventually(lambda: shown(api, "latest"))
    assert not all(shown(api, name) for name in names)
    seen = api.seen("patch")
    assert seen[-1].time - seen[0].time >= (len(seen) - 11) / 10.0


def _with_rate(instance: Instances, rate: float) -> Instance:
    one = instance(**FIXED)
    assert one.cluster.status is not None
    one.cluster.status._pace._rate = one.cluster.status._pace._burst = one.cluster.status._pace._tokens = rate
    return one


# --- the end ----------------------------------------------------------------------------------------------------------


def test_the_last_one_takes_our_addresses_away(api: FakeAPI, instance: Instances) -> None:
    """On a clean exit of the last instance our addresses, and no others, are taken out of every status."""
    names = [f"i{number}" for number in range(20)]
    api.apply(*(ingress(name) for name in names), ingress("foreign", ingress_class="other"))
    one = instance(**FIXED)
    one.serve(*names)
    eventually(lambda: all(shown(api, name) for name in names))
    one.stop()
    assert not any(shown(api, name) for name in names)
    assert api.store.get("Lease", "edge", "edge-ingress-leader")["spec"]["holderIdentity"] == ""  # type: ignore[index]


def test_not_the_last_one(api: FakeAPI, instance: Instances) -> None:
    """While another instance stands for election the status stays, whichever of the two goes first."""
    api.apply(ingress())
    first = instance(**FIXED)
    eventually(first.leads)
    second = instance(**FIXED)
    third = instance(**FIXED)
    for one in (first, second, third):
        one.serve("web")
    eventually(lambda: shown(api))
    third.stop()
    first.stop()
    assert shown(api) == [{"ip": OURS}]
    eventually(second.leads)
    second.stop()
    assert not shown(api)


@pytest.mark.usefixtures("in_pod")
def test_not_the_last_pod(api: FakeAPI, instance: Instances) -> None:
    """In a pod, the pods of ours that stay are what counts."""
    api.apply(ingress(), pod("edge-2", "two", phase="Pending"))
    one = instance(**FIXED)
    one.serve("web")
    eventually(lambda: shown(api))
    eventually(lambda: one.cluster._pods.others() == 1)
    one.stop()
    assert shown(api) == [{"ip": OURS}]


@pytest.mark.usefixtures("in_pod")
def test_the_last_pod(api: FakeAPI, instance: Instances) -> None:
    """Pods that are about to go do not count."""
    api.apply(ingress(), pod("edge-2", "two", deletionTimestamp="2026-01-01T00:00:00Z"))
    one = instance(**FIXED)
    one.serve("web")
    eventually(lambda: shown(api))
    eventually(lambda: one.cluster._pods.others() == 0)
    one.stop()
    assert not shown(api)


def test_not_when_not_asked(api: FakeAPI, instance: Instances) -> None:
    """With --no-update-status-on-shutdown the status stays."""
    api.apply(ingress())
    one = instance(update_status_on_shutdown=False, **FIXED)
    one.serve("web")
    eventually(lambda: shown(api))
    one.stop()
    assert shown(api) == [{"ip": OURS}]


def test_the_end_comes_though_the_server_is_gone(api: FakeAPI, instance: Instances) -> None:
    """Without an API server the end is not waited for."""
    api.apply(ingress())
    one = instance(**FIXED)
    one.serve("web")
    eventually(lambda: shown(api))
    api.stop()
    over = threading.Event()
    threading.Thread(target=lambda: (one.stop(), over.set()), daemon=True).start()
    assert over.wait(20)

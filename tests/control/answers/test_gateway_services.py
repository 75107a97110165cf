"""The Services of Gateways are made, changed and deleted by the leader; what others have made or set stays."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from edge.control.compiling.delta import Delta
from edge.control.kinds.objects import ObjectId
from edge.control.translate.gateway.services import GatewayService, PublishedPort, own_labels
from tests.control.conftest import Instance, Instances
from tests.support.fakeapi import FakeAPI, Rules
from tests.support.objects import namespace, service
from tests.support.waiting import eventually

GATEWAY = ObjectId("Gateway", "demo", "web")
FLAGS = {"gateway_services": "LoadBalancer", "publish_status_address": "203.0.113.7"}


def wanted(*ports: tuple[int, int], **changes: Any) -> GatewayService:
    published = tuple(PublishedPort(f"http-{port}", port, "TCP", target) for port, target in ports or ((80, 20001),))
    given: dict[str, Any] = {
        "labels": own_labels("web"), "annotations": {}, "spec": {"type": "LoadBalancer"}, **changes,
    }  # fmt: skip
    return GatewayService("demo", "edge-web", "web", "uid-of-the-gateway", published, **given)


def want(one: Instance, service: GatewayService | None) -> None:
    """The compiler says what the Service of the Gateway is to be."""
    one.round(Delta(services={GATEWAY: service}))


def pod(name: str, *addresses: str, ready: bool = True, phase: str = "Running", **metadata: Any) -> dict[str, Any]:
    status = {"phase": phase, "podIPs": [{"ip": ip} for ip in addresses],
              "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}  # fmt: skip
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "edge", "labels": {"app": "edge"}, **metadata},
        "spec": {"nodeName": f"node-of-{name}"},
        "status": status,
    }


@pytest.fixture(autouse=True)
def in_pod(api: FakeAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """We run as pod `edge-1`."""
    monkeypatch.setenv("POD_NAME", "edge-1")
    monkeypatch.setenv("POD_NAMESPACE", "edge")
    api.apply(namespace("demo"), pod("edge-1", "10.1.0.1"))


def made(api: FakeAPI, name: str = "edge-web", kind: str = "Service") -> Any:
    found = api.store.get(kind, "demo", name)
    assert found is not None, "not yet"
    return copy.deepcopy(found)


def ports(api: FakeAPI) -> list[tuple[int, int]]:
    return [(one["port"], one["targetPort"]) for one in made(api)["spec"]["ports"]]


def endpoints(api: FakeAPI, name: str = "edge-web-ipv4") -> list[tuple[str, bool, bool]]:
    """Address, and whether it is ready and terminating."""
    return [
        (one["addresses"][0], one["conditions"]["ready"], one["conditions"].get("terminating", False))
        for one in made(api, name, "EndpointSlice")["endpoints"]
    ]


def test_a_service_and_its_slices_are_made(api: FakeAPI, instance: Instances) -> None:
    """The Gateway owns them; the endpoints are our pods, at the ports behind the Service."""
    one = instance(**FLAGS)
    want(one, wanted((80, 20001), (443, 20002)))
    eventually(lambda: endpoints(api) == [("10.1.0.1", True, False)])
    found, part = eventually(lambda: made(api)), made(api, "edge-web-ipv4", "EndpointSlice")
    assert ports(api) == [(80, 20001), (443, 20002)]
    assert (found["spec"]["type"], "selector" in found["spec"]) == ("LoadBalancer", False)
    for thing in (found, part):
        (owner,) = thing["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"], owner["uid"]) == ("Gateway", "web", "uid-of-the-gateway")
        assert own_labels("web").items() <= thing["metadata"]["labels"].items()
    assert part["metadata"]["labels"]["kubernetes.io/service-name"] == "edge-web"
    assert part["addressType"] == "IPv4"
    assert [(one["name"], one["port"]) for one in part["ports"]] == [("http-80", 20001), ("http-443", 20002)]
    (endpoint,) = part["endpoints"]
    assert endpoint["nodeName"] == "node-of-edge-1"
    assert endpoint["targetRef"]["name"] == "edge-1"


def test_endpoints_follow_our_pods(api: FakeAPI, instance: Instances) -> None:
    one = instance(**FLAGS)
    want(one, wanted())
    eventually(lambda: endpoints(api))
    api.apply(pod("edge-2", "10.1.0.2", "fd00::2", ready=False), pod("edge-3", phase="Pending"))
    eventually(lambda: endpoints(api) == [("10.1.0.1", True, False), ("10.1.0.2", False, False)])
    eventually(lambda: endpoints(api, "edge-web-ipv6") == [("fd00::2", False, False)])
    api.apply(pod("edge-2", "10.1.0.2", deletionTimestamp="2026-01-01T00:00:00Z"))
    eventually(lambda: endpoints(api) == [("10.1.0.1", True, False), ("10.1.0.2", False, True)])
    api.remove("Pod", "edge", "edge-2")
    eventually(lambda: endpoints(api) == [("10.1.0.1", True, False)])


def test_a_change_is_one_write_and_no_change_is_none(api: FakeAPI, instance: Instances) -> None:
    one = instance(**FLAGS)
    want(one, wanted())
    eventually(lambda: endpoints(api))
    want(one, wanted((80, 20001), (8080, 20003)))
    eventually(lambda: ports(api) == [(80, 20001), (8080, 20003)])
    eventually(lambda: len(made(api, "edge-web-ipv4", "EndpointSlice")["ports"]) == 2)
    want(one, wanted((80, 20001), (8080, 20003)))
    api.apply(pod("edge-2", phase="Pending"))
    want(one, wanted((81, 20001)))
    eventually(lambda: ports(api) == [(81, 20001)])
    written = [request for request in api.seen("patch", "services") if request.path.endswith("edge-web")]
    assert len(written) == 2


def test_a_version_that_the_watch_delivers_late_is_no_reason_to_write(api: FakeAPI, instance: Instances) -> None:
    """It may be older than what our own write has answered, or come while that is under way."""
    one = instance(**FLAGS)
    writer = one.cluster.gateway_services
    assert writer is not None
    want(one, wanted())
    eventually(lambda: endpoints(api) and made(api))
    for reflector in writer._reflectors:
        reflector.stop()
    eventually(lambda: not any(reflector._thread.is_alive() for reflector in writer._reflectors))
    name, stale = ObjectId("Service", "demo", "edge-web"), made(api)
    for port in (81, 82, 83):
        want(one, wanted((port, 20001)))
        eventually(lambda port=port: ports(api) == [(port, 20001)])
        writer.seen(name, stale)
        stale = made(api)
    written = [request for request in api.seen("patch", "services") if request.path.endswith("edge-web")]
    assert len(written) == 3


def test_without_a_listener_that_is_served_none_is_made_and_an_existing_one_stays(
    api: FakeAPI, instance: Instances, caplog: pytest.LogCaptureFixture
) -> None:
    """The API server takes no Service without ports, and a deleted one would lose its addresses."""
    one = instance(**FLAGS)
    empty = msgspec.structs.replace(wanted(), ports=())
    want(one, empty)
    want(one, wanted((80, 20001)))
    eventually(lambda: endpoints(api) == [("10.1.0.1", True, False)])
    assert len(api.seen("create", "services")) == 1
    before = made(api)
    want(one, empty)
    eventually(lambda: api.store.get("EndpointSlice", "demo", "edge-web-ipv4") is None)
    assert made(api) == before
    assert "Required" not in caplog.text


def test_what_others_set_stays(api: FakeAPI, instance: Instances) -> None:
    """Node ports, annotations of a load balancer's controller and its status are not ours to change."""
    one = instance(**FLAGS)
    labels = {**own_labels("web"), "team": "shop"}
    want(one, wanted(labels=labels, annotations={"a": "1", "b": "2"}, spec={"type": "LoadBalancer", "x": "y"}))
    eventually(lambda: made(api))
    found = made(api)
    found["metadata"]["annotations"]["theirs"] = "3"
    found["metadata"]["labels"]["theirs"] = "3"
    found["spec"]["ports"][0]["nodePort"] = 31000
    found["spec"]["allocated"] = "z"
    api.apply(found)
    want(one, wanted(annotations={"a": "1"}))
    eventually(lambda: "b" not in made(api)["metadata"]["annotations"])
    found = made(api)
    assert {name for name in found["metadata"]["annotations"] if "/" not in name} == {"a", "theirs"}
    assert found["metadata"]["labels"] == {**own_labels("web"), "theirs": "3"}
    assert found["spec"]["allocated"] == "z"
    assert "x" not in found["spec"]
    assert found["spec"]["ports"][0]["nodePort"] == 31000


def test_what_somebody_changes_is_put_right(api: FakeAPI, instance: Instances) -> None:
    one = instance(**FLAGS)
    want(one, wanted())
    eventually(lambda: made(api))
    found = made(api)
    found["spec"]["ports"][0]["targetPort"] = 22
    found["spec"]["selector"] = {"app": "theirs"}
    api.apply(found)
    eventually(lambda: ports(api) == [(80, 20001)])
    eventually(lambda: not made(api)["spec"].get("selector"))
    api.remove("Service", "demo", "edge-web")
    eventually(lambda: ports(api) == [(80, 20001)])


@pytest.mark.parametrize("kind", ["Service", "EndpointSlice"])
@pytest.mark.parametrize("changed", [{}, {"app.kubernetes.io/managed-by": "another"}])
def test_labels_that_somebody_takes_away_are_put_back(
    api: FakeAPI, instance: Instances, kind: str, changed: dict[str, str]
) -> None:
    """The watch does not show an object without them; the Gateway still owns it."""
    one = instance(**FLAGS)
    want(one, wanted())
    eventually(lambda: endpoints(api))
    name = {"Service": "edge-web", "EndpointSlice": "edge-web-ipv4"}[kind]
    found = made(api, name, kind)
    labels, uid = found["metadata"]["labels"], found["metadata"]["uid"]
    found["metadata"]["labels"] = {"theirs": "3", **changed}
    api.apply(found)
    eventually(lambda: made(api, name, kind)["metadata"]["labels"] == {**labels, "theirs": "3"})
    assert made(api, name, kind)["metadata"]["uid"] == uid
    want(one, wanted((81, 20002)))
    eventually(lambda: ports(api) == [(81, 20002)])
    eventually(lambda: [port["port"] for port in made(api, "edge-web-ipv4", "EndpointSlice")["ports"]] == [20002])


def test_the_class_of_a_load_balancer_stays(api: FakeAPI, instance: Instances) -> None:
    """The API server refuses another one, and with it all other changes of the request."""
    one = instance(**FLAGS)
    balancer = {"type": "LoadBalancer", "loadBalancerClass": "one.example/a"}
    want(one, wanted(spec=balancer))
    eventually(lambda: made(api))
    for port, changes in ((81, {"loadBalancerClass": "one.example/b"}), (82, {"loadBalancerClass": None})):
        spec = {name: value for name, value in {**balancer, **changes}.items() if value}
        want(one, wanted((port, 20001), spec=spec))
        eventually(lambda port=port: ports(api) == [(port, 20001)])
        assert made(api)["spec"]["loadBalancerClass"] == "one.example/a"
    want(one, wanted(spec={"type": "ClusterIP"}))
    eventually(lambda: made(api)["spec"]["type"] == "ClusterIP")
    want(one, wanted(spec={"type": "LoadBalancer", "loadBalancerClass": "one.example/b"}))
    eventually(lambda: made(api)["spec"].get("loadBalancerClass") == "one.example/b")


def test_a_service_of_somebody_else_is_not_touched(
    api: FakeAPI, instance: Instances, caplog: pytest.LogCaptureFixture
) -> None:
    """It is reported, and ours is made when it is gone."""
    api.apply(service("edge-web"))
    before = made(api)
    one = instance(**FLAGS)
    want(one, wanted())
    eventually(lambda: "Service demo/edge-web is there and is not Edge's" in caplog.text)
    eventually(lambda: len(api.seen("create", "services")) > 2)
    assert made(api) == before
    assert caplog.text.count("is not Edge's") == 1
    api.remove("Service", "demo", "edge-web")
    eventually(lambda: ports(api) == [(80, 20001)], timeout=40)


def test_all_goes_with_the_gateway(api: FakeAPI, instance: Instances) -> None:
    one = instance(**FLAGS)
    want(one, wanted())
    eventually(lambda: endpoints(api))
    want(one, None)
    eventually(lambda: api.store.get("Service", "demo", "edge-web") is None)
    eventually(lambda: api.store.get("EndpointSlice", "demo", "edge-web-ipv4") is None)


def test_addresses_of_a_pool_are_the_endpoints(api: FakeAPI, instance: Instances) -> None:
    """But for loopback addresses, which the API server takes for no endpoint's."""
    one = instance(**FLAGS)
    want(one, wanted((80, 80), backends=("10.0.9.7",)))
    eventually(lambda: endpoints(api) == [("10.0.9.7", True, False)])
    want(one, wanted((80, 80), backends=("127.9.0.1",)))
    eventually(lambda: api.store.get("EndpointSlice", "demo", "edge-web-ipv4") is None)
    assert ports(api) == [(80, 80)]


def test_only_the_leader_writes(api: FakeAPI, instance: Instances) -> None:
    first = instance(**FLAGS)
    eventually(first.leads)
    second = instance(**FLAGS)
    want(second, wanted())
    want(first, wanted((80, 20009)))
    eventually(lambda: ports(api) == [(80, 20009)])
    first.stop()
    eventually(lambda: ports(api) == [(80, 20001)], timeout=40)


READ = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
ANY = {"apiGroups": ["*"], "verbs": ["*"]}


def crash(one: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONE ends without letting go of the Lease."""
    monkeypatch.setattr(one.cluster.election, "_release", lambda: False)
    one.stop()


def test_the_next_leader_repairs_what_went_stale(
    api: FakeAPI, instance: Instances, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What changed while nobody led, because the leader had crashed, is written without a further change."""
    api.apply(pod("edge-2", "10.1.0.2"), pod("edge-3", "10.1.0.3", "fd00::3"))
    first = instance(**FLAGS)
    eventually(first.leads)
    second = instance(**FLAGS)
    for one in (first, second):
        want(one, wanted())
    eventually(lambda: len(endpoints(api)) == 3)
    eventually(lambda: endpoints(api, "edge-web-ipv6") == [("fd00::3", True, False)])
    everyone, api.rules = api.rules, Rules(cluster=[{**ANY, "resources": ["services", "endpointslices"]}, READ])
    crash(first, monkeypatch)  # and nobody gets the Lease
    api.remove("Pod", "edge", "edge-1")
    api.apply(pod("edge-3", "10.1.0.3", ready=False))
    want(second, wanted((8080, 20003)))
    eventually(lambda: [one.ready for one in second.cluster._pods.endpoints() or ()] == [True, False])
    assert (len(endpoints(api)), ports(api)) == (3, [(80, 20001)])
    api.rules = everyone
    eventually(lambda: endpoints(api) == [("10.1.0.2", True, False), ("10.1.0.3", False, False)], timeout=40)
    eventually(lambda: api.store.get("EndpointSlice", "demo", "edge-web-ipv6") is None)
    eventually(lambda: ports(api) == [(8080, 20003)])


def test_slices_of_an_instance_that_is_gone_do_not_stay(
    api: FakeAPI, instance: Instances, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also an instance that has not made them takes away those that its pods do not need; those of others stay."""
    api.apply(pod("edge-1", "10.1.0.1", "fd00::1"))
    first = instance(**FLAGS)
    want(first, wanted())
    eventually(lambda: endpoints(api, "edge-web-ipv6") == [("fd00::1", True, False)])
    theirs = made(api, "edge-web-ipv6", "EndpointSlice")
    theirs["metadata"] = {
        "name": "theirs",
        "namespace": "demo",
        "ownerReferences": theirs["metadata"]["ownerReferences"],
        "labels": {**theirs["metadata"]["labels"], "endpointslice.kubernetes.io/managed-by": "another"},
    }
    api.apply(theirs)
    crash(first, monkeypatch)
    api.apply(pod("edge-1", "10.1.0.1"))
    want(instance(**FLAGS), wanted())
    eventually(lambda: api.store.get("EndpointSlice", "demo", "edge-web-ipv6") is None, timeout=40)
    assert endpoints(api) == [("10.1.0.1", True, False)]
    assert endpoints(api, "theirs") == [("fd00::1", True, False)]


def test_missing_permission_is_told(api: FakeAPI, instance: Instances, caplog: pytest.LogCaptureFixture) -> None:
    lease = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "update"]}
    api.rules = Rules(cluster=[READ, lease])
    one = instance(**FLAGS)
    want(one, wanted())
    eventually(lambda: "grant the verbs create, patch and delete on services" in caplog.text)


def test_without_the_setting_nothing_is_made(instance: Instances) -> None:
    one = instance(publish_status_address="203.0.113.7")
    want(one, wanted())
    assert one.cluster.gateway_services is None

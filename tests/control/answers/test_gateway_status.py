"""The status of routes and Gateways is for one life of an object."""

from __future__ import annotations

from typing import Any

from edge.control.compiling.delta import Delta, ObjectStatus
from edge.control.kinds.objects import ObjectId
from tests.control.conftest import Instance, Instances
from tests.support.fakeapi import FakeAPI
from tests.support.gateway import gateway_class, route
from tests.support.waiting import eventually

FIXED = {"publish_status_address": "203.0.113.7"}


def uid(api: FakeAPI, name: str) -> str:
    stored = api.store.get("HTTPRoute", "demo", name)
    assert stored is not None
    return str(stored["metadata"]["uid"])


def shown(api: FakeAPI, name: str) -> list[str]:
    """The reasons in the status of the route."""
    stored: Any = api.store.get("HTTPRoute", "demo", name)
    return [one["conditions"][0]["reason"] for one in (stored.get("status") or {}).get("parents") or ()]


def decided(one: Instance, name: str, of: str, reason: str = "Accepted") -> None:
    """A round has this status for the route NAME with the uid OF."""
    condition = {"type": "Accepted", "status": "True", "reason": reason, "message": "", "observedGeneration": 1}
    parent = {"parentRef": {"name": "edge"}, "controllerName": "edge.ingress/controller", "conditions": [condition]}
    one.round(Delta(statuses={ObjectId("HTTPRoute", "demo", name): ObjectStatus(of, {"parents": [parent]})}))


def test_an_object_that_is_made_again_gets_the_same_status_again(api: FakeAPI, instance: Instances) -> None:
    api.apply(route(name="web"))
    one = instance(**FIXED)
    decided(one, "web", uid(api, "web"))
    eventually(lambda: shown(api, "web") == ["Accepted"])
    api.remove("HTTPRoute", "demo", "web")
    api.apply(route(name="web"))
    decided(one, "web", uid(api, "web"))
    eventually(lambda: shown(api, "web") == ["Accepted"])


def test_a_status_of_an_earlier_object_of_the_name_is_not_written(api: FakeAPI, instance: Instances) -> None:
    api.apply(route(name="web"), route(name="other"))
    one = instance(**FIXED)
    earlier = uid(api, "web")
    api.remove("HTTPRoute", "demo", "web")
    api.apply(route(name="web"))
    decided(one, "web", earlier, "NoMatchingParent")
    decided(one, "other", uid(api, "other"))
    eventually(lambda: shown(api, "other") == ["Accepted"])
    assert shown(api, "web") == []
    decided(one, "web", uid(api, "web"))
    eventually(lambda: shown(api, "web") == ["Accepted"])


def test_a_class_has_its_status_also_where_the_api_server_knows_no_definitions(
    api: FakeAPI, instance: Instances
) -> None:
    """Whose version the status reports."""
    api.fail("status", resource="customresourcedefinitions", code=404, reason="NotFound", times=100)
    api.apply(gateway_class())
    stored: Any = api.store.get("GatewayClass", "", "edge")
    condition = {"type": "Accepted", "status": "True", "reason": "Accepted", "message": "", "observedGeneration": 1}
    status = {"conditions": [condition], "supportedFeatures": [{"name": "Gateway"}]}
    name = ObjectId("GatewayClass", "", "edge")
    instance(**FIXED).round(Delta(statuses={name: ObjectStatus(stored["metadata"]["uid"], status)}))

    def shown() -> Any:
        found: Any = api.store.get("GatewayClass", "", "edge")
        return (found.get("status") or {}).get("supportedFeatures")

    eventually(lambda: shown() == [{"name": "Gateway"}])

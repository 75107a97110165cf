"""The cluster as a source of changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edge.control.kinds.changes import Delete, Synced, Upsert
from edge.control.kinds.ingress import IngressClass
from edge.control.kinds.objects import ObjectId
from edge.control.sources.cluster import source as module
from edge.control.sources.cluster.source import KubernetesSource
from edge.control.sources.cluster.watch import REFUSALS
from tests.control.conftest import Ears
from tests.support import gateway
from tests.support.fakeapi import FakeAPI, Rules
from tests.support.objects import endpoints, ingress, ingress_class, namespace, secret, service
from tests.support.waiting import eventually

Start = Callable[..., KubernetesSource]
CUSTOM = {
    *("GatewayClass", "Gateway", "ListenerSet", "ReferenceGrant", "BackendTLSPolicy"),
    *("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"),
}  # fmt: skip
ALL = {"Ingress", "IngressClass", "Service", "EndpointSlice", "Namespace", "Secret", "ConfigMap", *CUSTOM}


def everything(api: FakeAPI) -> None:
    api.apply(ingress_class(), ingress(), service(), endpoints("web", "10.1.0.1"))


def rule(verbs: str, group: str, resources: str) -> dict[str, list[str]]:
    return {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}


SERVICES = rule("list watch", "", "services")
SLICES = rule("list watch", "discovery.k8s.io", "endpointslices")
INGRESSES = rule("list watch", "networking.k8s.io", "ingresses")
CLASSES = rule("list watch", "networking.k8s.io", "ingressclasses")
NAMESPACES = rule("list watch", "", "namespaces")


def test_everything_is_told_and_synced(api: FakeAPI, start: Start, ears: Ears) -> None:
    """All kinds are sent, each followed by its `Synced`, and nothing is missing then."""
    everything(api)
    one = start()
    ears.until(lambda: ears.synced() == ALL)
    assert {str(name) for name in ears.objects} == {
        "IngressClass edge",
        "Ingress demo/web",
        "Service demo/web",
        "EndpointSlice demo/web-1",
    }
    assert one.unsynced() == ()
    assert one.kinds == ALL
    for kind in ("Ingress", "Service", "EndpointSlice", "IngressClass"):
        told = [
            index
            for index, change in enumerate(ears.heard)
            if isinstance(change, Upsert) and change.object.kind == kind
        ]
        assert max(told) < ears.heard.index(Synced(kind))


def test_missing_kinds_are_named_with_their_reason(api: FakeAPI, start: Start, ears: Ears) -> None:
    """While a kind cannot be listed, `unsynced` names it and the reason."""
    api.fail("status", verb="list", resource="services", code=500, message="etcd is on fire", times=1000)
    one = start()
    ears.until(lambda: ears.synced() == ALL - {"Service"})
    eventually(lambda: any("etcd is on fire" in text for text in one.unsynced()))
    assert [text.partition(":")[0] for text in one.unsynced()] == ["Service"]


def test_what_nobody_reads_is_no_change(api: FakeAPI, start: Start, ears: Ears) -> None:
    """A new version that differs in status or managed fields alone is not sent."""
    everything(api)
    start()
    ears.until(lambda: ears.synced() == ALL)
    ears.forget()
    stored = api.store.get("Ingress", "demo", "web")
    assert stored is not None
    api.apply({**stored, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}})
    api.apply({**stored, "metadata": {**stored["metadata"], "managedFields": [{"manager": "test"}]}})
    api.apply(ingress("other"))
    ears.until(lambda: "demo/other" in ears.names("Ingress"))
    assert len(ears.heard) == 1


def test_one_bad_object_does_not_take_the_list_with_it(api: FakeAPI, start: Start, ears: Ears) -> None:
    """An object with a field of the wrong type is reported with its path and field; the others are sent."""
    bad = ingress("bad")
    bad["spec"]["rules"][0]["host"] = 7
    api.apply(bad, ingress("good"))
    start()
    ears.until(lambda: "Ingress" in ears.synced())
    assert ears.names("Ingress") == {"demo/good"}
    (fault,) = ears.faults()
    assert (fault.namespace, fault.name, fault.where) == (
        "demo",
        "bad",
        "/apis/networking.k8s.io/v1/namespaces/demo/ingresses/bad",
    )
    assert fault.message.startswith("spec.rules[0].host: ")


def test_an_object_that_goes_bad_and_good_again(api: FakeAPI, start: Start, ears: Ears) -> None:
    """A bad version leaves the last good one in force; going back to the very same good one ends the fault."""
    everything(api)
    start()
    ears.until(lambda: ears.synced() == ALL)
    ears.forget()
    bad = ingress()
    bad["spec"]["rules"] = "none"
    api.apply(bad)
    ears.until(ears.faults)
    assert ears.names("Ingress") == {"demo/web"}
    api.apply(ingress())
    ears.until(lambda: isinstance(ears.heard[-1], Upsert))
    api.apply(bad)
    ears.until(lambda: len(ears.faults()) == 2)
    api.remove("Ingress", "demo", "web")
    ears.until(lambda: ears.heard[-1] == Delete("Ingress", "demo", "web"))


# --- permissions ------------------------------------------------------------------------------------------------------


def test_optional_kinds_do_not_keep_the_rest_from_being_served(
    api: FakeAPI, start: Start, ears: Ears, caplog: pytest.LogCaptureFixture
) -> None:
    """Without permission for IngressClass and Namespace, both are called synced and the log says what that means."""
    everything(api)
    api.rules = Rules([SERVICES, SLICES, INGRESSES])
    one = start()
    ears.until(lambda: ears.synced() == ALL, timeout=40)
    assert one.unsynced() == ()
    assert ears.names("Ingress") == {"demo/web"}
    assert ears.names("IngressClass") == {"/edge"}  # assumed: served by name alone
    assert "going on without ingressclasses.networking.k8s.io" in caplog.text
    assert "going on without namespaces" in caplog.text


def test_a_permission_that_comes_later(api: FakeAPI, start: Start, ears: Ears) -> None:
    """A kind that was given up appears as soon as it may be listed; what was assumed is as it turns out to be."""
    everything(api)
    api.remove("IngressClass", "", "edge")
    api.apply(ingress_class("another"))
    api.rules = Rules([SERVICES, SLICES, INGRESSES, NAMESPACES])
    start()
    ears.until(lambda: ears.synced() == ALL, timeout=40)
    assert ears.names("IngressClass") == {"/edge"}
    api.rules.cluster.append(CLASSES)
    ears.until(lambda: ears.names("IngressClass") == {"/another"}, timeout=40)


def test_a_class_that_was_assumed_and_is_there(api: FakeAPI, start: Start, ears: Ears) -> None:
    """The IngressClass itself takes the place of the one that was assumed."""
    everything(api)
    api.apply(ingress_class(controller="example.com/other"))
    api.rules = Rules([SERVICES, SLICES, INGRESSES, NAMESPACES])
    start()
    name = ObjectId("IngressClass", "", "edge")
    ears.until(lambda: ears.synced() == ALL, timeout=40)

    def controller() -> str:
        known = ears.objects[name]
        assert isinstance(known, IngressClass)
        return known.spec.controller

    assert controller() == "edge.ingress/controller"
    api.rules.cluster.append(CLASSES)
    ears.until(lambda: controller() == "example.com/other", timeout=40)


def test_kinds_that_are_indispensable_are_waited_for(api: FakeAPI, start: Start, ears: Ears) -> None:
    """Without permission for Ingresses nothing is called synced that is not, and the missing verb is named."""
    everything(api)
    api.rules = Rules([SERVICES, SLICES, NAMESPACES, CLASSES])
    one = start()
    ears.until(lambda: ears.synced() == ALL - {"Ingress"})
    eventually(
        lambda: [text for text in one.unsynced() if "grant the verb list on ingresses.networking.k8s.io" in text]
    )


# --- namespaces -------------------------------------------------------------------------------------------------------


def test_one_namespace(api: FakeAPI, start: Start, ears: Ears) -> None:
    """With --watch-namespace everything namespaced is asked for by namespaced paths, so a Role is enough."""
    everything(api)
    api.apply(ingress(namespace="other"), service(namespace="other"))
    api.rules = Rules([CLASSES], {"demo": [SERVICES, SLICES, INGRESSES]})
    start(watch_namespace="demo")
    ears.until(lambda: ears.synced() == ALL, timeout=40)
    assert ears.names("Ingress") == {"demo/web"}
    assert ears.names("Service") == {"demo/web"}


def test_default_backend_outside_of_the_namespace(api: FakeAPI, start: Start, ears: Ears) -> None:
    """The default backend's Service and slices are watched wherever they are."""
    everything(api)
    api.apply(
        service("fallback", namespace="system"),
        endpoints("fallback", "10.1.0.9", namespace="system"),
        service("else", namespace="system"),
    )
    start(watch_namespace="demo", default_backend_service="system/fallback")
    ears.until(lambda: ears.synced() == ALL)
    assert ears.names("Service") == {"demo/web", "system/fallback"}
    assert ears.names("EndpointSlice") == {"demo/web-1", "system/fallback-1"}


def test_selected_namespaces(api: FakeAPI, start: Start, ears: Ears) -> None:
    """With a selector, only objects of namespaces with the label are sent; a label set or taken later takes effect."""
    api.apply(
        namespace("blue", edge="yes"),
        namespace("red"),
        ingress(namespace="blue"),
        ingress(namespace="red"),
        service(namespace="red"),
    )
    start(watch_namespace_selector="edge=yes")
    ears.until(lambda: ears.synced() == ALL)
    assert ears.names("Ingress") == {"blue/web"}
    assert ears.names("Service") == set()
    api.apply(namespace("red", edge="yes"))
    ears.until(lambda: ears.names("Ingress") == {"blue/web", "red/web"} and ears.names("Service") == {"red/web"})
    api.apply(namespace("blue"))
    ears.until(lambda: ears.names("Ingress") == {"red/web"})


def test_default_backend_in_a_namespace_that_is_not_selected(api: FakeAPI, start: Start, ears: Ears) -> None:
    """The default backend serves although its namespace does not carry the label."""
    api.apply(
        namespace("red"),
        service("fallback", namespace="red"),
        endpoints("fallback", "10.1.0.9", namespace="red"),
        ingress(namespace="red"),
    )
    start(watch_namespace_selector="edge=yes", default_backend_service="red/fallback")
    ears.until(lambda: ears.synced() == ALL)
    assert ears.names("Service") == {"red/fallback"}
    assert ears.names("EndpointSlice") == {"red/fallback-1"}
    assert ears.names("Ingress") == set()


def test_a_selector_that_cannot_be_evaluated_serves_nothing(api: FakeAPI, start: Start, ears: Ears) -> None:
    """Without permission for Namespaces a selector selects nothing, and this is what is waited for."""
    everything(api)
    api.rules = Rules([SERVICES, SLICES, INGRESSES, CLASSES])
    one = start(watch_namespace_selector="edge=yes")
    eventually(
        lambda: [
            text
            for text in one.unsynced()
            if text.startswith("Namespace: ") and "grant the verb list on namespaces" in text
        ]
    )
    assert ears.names("Ingress") == set()
    assert ears.synced() == set()


@pytest.mark.parametrize("selector", ["", "!ignored"])
def test_a_namespace_that_is_being_deleted_drops_out_at_once(
    api: FakeAPI, start: Start, ears: Ears, selector: str
) -> None:
    """A Terminating namespace is served no longer, though its objects still exist."""
    everything(api)
    start(watch_namespace_selector=selector)
    ears.until(lambda: ears.synced() == ALL)
    api.store.keep_terminating = True
    api.remove("Namespace", "", "demo")
    ears.until(lambda: not ears.names("Ingress") and not ears.names("Service"))
    assert api.store.get("Ingress", "demo", "web")


def test_a_namespace_that_is_terminating_from_the_start(api: FakeAPI, start: Start, ears: Ears) -> None:
    """What is being deleted when we start is never served."""
    everything(api)
    api.store.keep_terminating = True
    api.remove("Namespace", "", "demo")
    start()
    ears.until(lambda: ears.synced() == ALL)
    assert not ears.names("Ingress")


def test_a_namespace_that_is_made_again(api: FakeAPI, start: Start, ears: Ears) -> None:
    """A deleted namespace leaves nothing, and a new one of the same name is served."""
    everything(api)
    start()
    ears.until(lambda: ears.synced() == ALL)
    api.remove("Namespace", "", "demo")
    ears.until(lambda: not ears.names("Ingress"))
    api.apply(namespace("demo"), ingress(host="new.example"))
    ears.until(lambda: ears.names("Ingress") == {"demo/web"})


# --- the rest ---------------------------------------------------------------------------------------------------------


def test_nothing_is_said_after_stop(api: FakeAPI, start: Start, ears: Ears) -> None:
    """After `stop` returns, the queue stays as it is."""
    one = start()
    ears.until(lambda: ears.synced() == ALL)
    one.stop()
    ears.forget()
    api.apply(ingress("late"))
    one.want(frozenset({ObjectId("Secret", "demo", "tls")}), settled=True)
    api.apply(secret())
    assert ears.listen() == []


def test_refusals_are_counted_before_a_kind_is_given_up(api: FakeAPI, start: Start, ears: Ears) -> None:
    """Roles may appear just after us: a first refusal does not make us go on without the classes."""
    everything(api)
    api.fail("status", verb="list", resource="ingressclasses", code=403, reason="Forbidden", times=REFUSALS - 1)
    start()
    ears.until(lambda: ears.synced() == ALL)
    assert ears.names("IngressClass") == {"/edge"}


def test_kinds_whose_definition_is_missing_are_taken_up_when_it_comes(
    api: FakeAPI, start: Start, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then nothing waits for them, and nothing is said of it; when it goes, so do the objects."""
    monkeypatch.setattr(module, "ABSENT", 0.1)
    everything(api)
    api.apply(gateway.route())
    missing = {"code": 404, "reason": "NotFound", "verb": "list", "resource": "httproutes"}
    fault = api.fail("status", times=1000, **missing)
    one = start()
    ears.until(lambda: ears.synced() == ALL)
    assert ears.names("HTTPRoute") == set()
    assert one.unsynced() == ()
    fault.times = 0
    ears.until(lambda: ears.names("HTTPRoute") == {"demo/web"})
    api.fail("status", times=1000, **missing)
    api.fail("status", times=1000, **{**missing, "verb": "watch"})
    api.interrupt("drop", "httproutes")
    ears.until(lambda: ears.names("HTTPRoute") == set())


def test_a_new_generation_of_a_kind_with_status_is_told(api: FakeAPI, start: Start, ears: Ears) -> None:
    """Its status names the generation, though nothing that is read may be different. Its status alone is none."""
    everything(api)
    api.apply(gateway.gateway())
    start()
    ears.until(lambda: ears.synced() == ALL and ears.names("Gateway") == {"demo/edge"})
    ears.forget()
    api.apply({**gateway.gateway(generation=2), "status": {"addresses": [{"value": "192.0.2.1"}]}})
    ears.until(lambda: len(ears.listen()) == 1)

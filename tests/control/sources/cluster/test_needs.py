"""Secrets and ConfigMaps are read only if an object names them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edge.control.api import reading
from edge.control.kinds.changes import Delete, Upsert
from edge.control.kinds.core import Secret
from edge.control.kinds.objects import ObjectId
from edge.control.sources.cluster import needs as module
from edge.control.sources.cluster.source import KubernetesSource
from tests.control.conftest import Ears
from tests.support.fakeapi import FakeAPI, Rules
from tests.support.objects import secret
from tests.support.waiting import eventually

Start = Callable[..., KubernetesSource]
ALL = {
    "apiGroups": ["*"],
    "resources": [
        *("services", "endpointslices", "ingresses", "ingressclasses", "namespaces"),
        *(
            "gatewayclasses",
            "gateways",
            "listenersets",
            "httproutes",
            "grpcroutes",
            "tlsroutes",
            "tcproutes",
            "udproutes",
            "referencegrants",
        ),
    ],
    "verbs": ["*"],
}


def want(source: KubernetesSource, *names: str, kind: str = "Secret") -> None:
    source.want(frozenset(ObjectId(kind, *name.split("/")) for name in names), settled=True)


def content(ears: Ears, name: str = "tls") -> bytes:
    ears.listen()
    found = ears.objects.get(ObjectId("Secret", "demo", name))
    assert found is None or isinstance(found, Secret)
    return (found.data or {}).get("tls.crt", b"") if found else b""


def test_without_references_no_secret_is_asked_for(api: FakeAPI, start: Start, ears: Ears) -> None:
    """As long as nothing names a Secret or ConfigMap, none is listed, watched or read."""
    api.apply(secret(tls_crt="one"))
    start()
    ears.until(lambda: {"Secret", "ConfigMap"} <= ears.synced())
    assert not api.seen(resource="secrets")
    assert not api.seen(resource="configmaps")


def test_synced_waits_for_the_last_names(api: FakeAPI, start: Start, ears: Ears) -> None:
    """Secrets are called synced when those wanted for the first table have been looked for, not before."""
    api.apply(secret(tls_crt="one"))
    one = KubernetesSource.want
    source = start()
    assert one is KubernetesSource.want
    want(source, "demo/tls", "demo/missing")
    ears.until(lambda: content(ears) == b"one")
    ears.until(lambda: Delete("Secret", "demo", "missing") in ears.heard)


def test_only_what_is_named_is_read(api: FakeAPI, start: Start, ears: Ears) -> None:
    """Of other Secrets not even the content is asked for: metadata for all, GET for the named ones."""
    api.apply(secret(tls_crt="one"), secret("other", tls_crt="two"))
    want(start(), "demo/tls")
    ears.until(lambda: content(ears) == b"one")
    assert ears.names("Secret") == {"demo/tls"}
    assert [request.name for request in api.seen("get", "secrets")] == ["tls"]


def test_rotation(api: FakeAPI, start: Start, ears: Ears) -> None:
    """A new version of a named Secret arrives by itself; other Secrets' changes cause no request."""
    api.apply(secret(tls_crt="one"))
    want(start(), "demo/tls")
    ears.until(lambda: content(ears) == b"one")
    reads = len(api.seen("get", "secrets"))
    api.apply(secret("other", tls_crt="x"))
    api.apply(secret(tls_crt="two"))
    ears.until(lambda: content(ears) == b"two")
    assert len(api.seen("get", "secrets")) == reads + 1


def test_named_before_it_exists(api: FakeAPI, start: Start, ears: Ears) -> None:
    """For a name that does not exist a deletion is sent, and the Secret when it is made."""
    want(start(), "demo/tls")
    ears.until(lambda: Delete("Secret", "demo", "tls") in ears.heard)
    api.apply(secret(tls_crt="one"))
    ears.until(lambda: content(ears) == b"one")
    api.remove("Secret", "demo", "tls")
    ears.until(lambda: ears.heard[-1] == Delete("Secret", "demo", "tls"))


def test_what_is_needed_no_longer_is_forgotten(api: FakeAPI, start: Start, ears: Ears) -> None:
    """A Secret that nothing names any more is deleted from the store, and read again when it is named again."""
    api.apply(secret(tls_crt="one"))
    source = start()
    want(source, "demo/tls")
    ears.until(lambda: content(ears) == b"one")
    want(source)
    ears.until(lambda: not ears.names("Secret"))
    want(source, "demo/tls")
    ears.until(lambda: content(ears) == b"one")


def test_many_at_once_come_from_a_list(api: FakeAPI, start: Start, ears: Ears, monkeypatch: pytest.MonkeyPatch) -> None:
    """When many Secrets are named at once they are taken from pages of a list; those of an unusual type by name."""
    monkeypatch.setattr(module, "BULK", 5)
    monkeypatch.setattr(reading, "PAGE", 4)
    api.apply(
        *(secret(f"s{number}", tls_crt="x") for number in range(12)), secret("opaque", kind="Opaque", tls_crt="x")
    )
    want(start(), *(f"demo/s{number}" for number in range(10)), "demo/opaque")
    ears.until(lambda: len(ears.names("Secret")) == 11)
    assert [request.name for request in api.seen("get", "secrets")] == ["opaque"]


def test_a_failing_read_is_repeated(api: FakeAPI, start: Start, ears: Ears) -> None:
    """Errors and broken connections while reading are not the end of it."""
    api.apply(secret(tls_crt="one"))
    api.fail("status", verb="get", code=500)
    api.fail("drop", verb="get")
    want(start(), "demo/tls")
    ears.until(lambda: content(ears) == b"one")


def test_a_secret_that_cannot_be_decoded(api: FakeAPI, start: Start, ears: Ears) -> None:
    """A Secret with broken base64 is reported; the version before stays."""
    api.apply(secret(tls_crt="one"))
    want(start(), "demo/tls")
    ears.until(lambda: content(ears) == b"one")
    api.apply({**secret(), "data": {"tls.crt": "***"}})
    ears.until(ears.faults)
    assert ears.faults()[0].name == "tls"
    assert content(ears) == b"one"


def test_one_that_cannot_be_given_keeps_no_other_waiting(api: FakeAPI, start: Start, ears: Ears) -> None:
    """The others are read at once, those named later too, and the kind is synced with the fault reported."""
    api.apply(*(secret(name, tls_crt="x") for name in ("a", "b", "c")))
    broken = api.fail("status", verb="get", name="a", code=500, message="unable to transform key", times=10_000)
    source = start()
    want(source, "demo/a", "demo/b")
    ears.until(lambda: content(ears, "b") == b"x")
    want(source, "demo/a", "demo/b", "demo/c")
    ears.until(lambda: content(ears, "c") == b"x")
    ears.until(lambda: "Secret" in ears.synced() and ears.faults())
    assert "unable to transform key" in ears.faults()[0].message
    broken.times = 0
    ears.until(lambda: content(ears, "a") == b"x")


def test_a_server_that_cannot_give_any_is_waited_for(api: FakeAPI, start: Start, ears: Ears) -> None:
    """Nothing is called unreadable, nor the kind synced, by an API server that is unwell; the reason is reported."""
    api.apply(secret("a", tls_crt="x"))
    broken = api.fail("status", verb="get", resource="secrets", code=500, message="no key service", times=10_000)
    source = start()
    want(source, "demo/a")
    eventually(lambda: len(api.seen("get", "secrets")) >= 5)
    eventually(lambda: [text for text in source.unsynced() if text.startswith("Secret") and "no key service" in text])
    assert not ears.faults()
    assert "Secret" not in ears.synced()
    broken.times = 0
    ears.until(lambda: content(ears, "a") == b"x" and "Secret" in ears.synced())


def test_metadata_that_cannot_be_listed(
    api: FakeAPI, start: Start, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If Secrets cannot be listed at all, the named ones are polled instead."""
    monkeypatch.setattr(module, "POLL", 0.3)
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    api.fail("status", verb="list", resource="secrets", code=500, times=10_000)
    api.apply(secret(tls_crt="one"))
    want(start(), "demo/tls")
    ears.until(lambda: content(ears) == b"one")
    api.apply(secret(tls_crt="two"))
    ears.until(lambda: content(ears) == b"two")


def test_a_page_of_a_proxy_is_no_secret(api: FakeAPI, start: Start, ears: Ears) -> None:
    """What answers in place of the API server is asked again, and spoils nothing."""
    api.apply(secret(tls_crt="one"))
    api.fail("page", verb="get", resource="secrets", times=2)
    want(start(), "demo/tls")
    ears.until(lambda: content(ears) == b"one")
    assert not ears.faults()


# --- permissions ------------------------------------------------------------------------------------------------------


def test_get_alone_is_enough(api: FakeAPI, start: Start, ears: Ears, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Secrets may not be listed, the named ones are read again and again instead."""
    monkeypatch.setattr(module, "POLL", 0.3)
    api.apply(secret(tls_crt="one"))
    api.rules = Rules([ALL, {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}])
    want(start(), "demo/tls")
    ears.until(lambda: content(ears) == b"one")
    api.apply(secret(tls_crt="two"))
    ears.until(lambda: content(ears) == b"two")
    upserts = [change for change in ears.heard if isinstance(change, Upsert) and change.object.kind == "Secret"]
    assert len(upserts) == 2


def test_no_permission_at_all(api: FakeAPI, start: Start, ears: Ears) -> None:
    """A Secret that may not be read is reported with the missing verb, and does not keep the rest from being served."""
    api.apply(secret(tls_crt="one"))
    api.rules = Rules([ALL])
    want(start(), "demo/tls")
    ears.until(lambda: "Secret" in ears.synced() and ears.faults())
    assert "grant the verb get" in ears.faults()[0].message


def test_a_permission_that_comes_later(api: FakeAPI, start: Start, ears: Ears, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Secret that may be watched but not read is read as soon as it may be, though it does not change."""
    monkeypatch.setattr(module, "POLL", 0.3)
    api.apply(secret(tls_crt="one"))
    watching = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]}
    api.rules = Rules([ALL, watching])
    want(start(), "demo/tls")
    ears.until(lambda: "Secret" in ears.synced() and ears.faults())
    assert not content(ears)
    api.rules = Rules([ALL, watching, {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}])
    ears.until(lambda: content(ears) == b"one")


def test_outside_of_the_watched_namespace(
    api: FakeAPI, start: Start, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With --watch-namespace, a named Secret of another namespace (the default certificate) is read by name."""
    monkeypatch.setattr(module, "POLL", 0.3)
    api.apply(secret(tls_crt="one"))
    want(start(watch_namespace="other"), "demo/tls")
    ears.until(lambda: content(ears) == b"one")
    api.apply(secret(tls_crt="two"))
    ears.until(lambda: content(ears) == b"two")
    eventually(lambda: api.seen("list", "secrets"))
    assert {request.namespace for request in api.seen("list", "secrets")} == {"other"}


def test_what_a_flag_names_outside_of_the_watched_namespace_is_watched_by_its_name(
    api: FakeAPI, start: Start, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a change is in force at once, and nothing else of that namespace is listed."""
    monkeypatch.setattr(module, "POLL", 600.0)
    api.apply(secret(tls_crt="one"), secret("other", tls_crt="nothing"))
    want(start(watch_namespace="other", default_ssl_certificate="demo/tls"), "demo/tls")
    ears.until(lambda: content(ears) == b"one")
    api.apply(secret(tls_crt="two"))
    ears.until(lambda: content(ears) == b"two")
    assert {(one.namespace, one.query["fieldSelector"]) for one in api.seen("list", "secrets")} == {
        ("demo", "metadata.name=tls")
    }


def test_it_is_read_again_and_again_where_it_may_not_be_watched(
    api: FakeAPI, start: Start, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL", 0.3)
    api.apply(secret(tls_crt="one"))
    api.rules = Rules([ALL, {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}])
    want(start(watch_namespace="other", default_ssl_certificate="demo/tls"), "demo/tls")
    ears.until(lambda: content(ears) == b"one")
    api.apply(secret(tls_crt="two"))
    ears.until(lambda: content(ears) == b"two")


def test_configmaps_too(api: FakeAPI, start: Start, ears: Ears) -> None:
    """ConfigMaps are treated in the same way."""
    api.apply({"kind": "ConfigMap", "metadata": {"name": "headers", "namespace": "demo"}, "data": {"X-One": "1"}})
    want(start(), "demo/headers", kind="ConfigMap")
    ears.until(lambda: ears.names("ConfigMap") == {"demo/headers"})
    assert not api.seen(resource="secrets")

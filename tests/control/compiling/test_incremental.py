"""After any sequence of changes, table and problems are the same as after compiling all objects at once."""

from __future__ import annotations

import datetime
import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.control.compiling.dns_names import Resolution
from edge.control.kinds.changes import Change, Delete, Invalid, Upsert, Valid
from edge.control.kinds.objects import Object, ObjectId
from edge.settings import Settings
from tests.support import objects
from tests.support.annotated import annotated
from tests.support.certificates import Pair, self_signed
from tests.support.world import Manifest, World, taken

HOSTS = ("", "x.test", "y.test", "*.test", "z.x.test")
NAMESPACES = ("a", "b")
CERTIFICATES = {
    "x": self_signed("x.test"),
    "wild": self_signed("*.test", "y.test"),
    "old": self_signed("x.test", "z.x.test", days=-1),
    "none": Pair(b"nonsense", b"nonsense"),
}
NAMES = ("one.example", "two.example")


class Dns(dict[str, Resolution]):
    """What names stand for, as the DNS answers."""

    def look_up(self, name: str) -> Resolution | None:
        return self.get(name)


def few(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


backends = st.one_of(
    st.builds(
        lambda name, port: {
            "service": {"name": name, "port": {"number": port} if isinstance(port, int) else {"name": port}}
        },
        few("s1", "s2"),
        few(80, 81, "http"),
    ),
    st.just({"resource": {"kind": "Bucket", "name": "b"}}),
)
paths = st.builds(
    lambda path, kind, backend: {"path": path, "pathType": kind, "backend": backend},
    few("/", "/p", "/p/", "/q"),
    few("Prefix", "Exact", "ImplementationSpecific"),
    backends,
)
rules = st.builds(lambda host, some: {"host": host, "http": {"paths": some}}, few(*HOSTS), st.lists(paths, max_size=3))
tls = st.builds(
    lambda hosts, secret: {"hosts": hosts, "secretName": secret} if secret else {"hosts": hosts},
    st.lists(few(*HOSTS[1:]), max_size=2),
    few("t1", "t2", ""),
)


def _ingress(
    name: str, namespace: str, created: str, ingress_class: str | None, spec: Manifest, notes: Manifest
) -> Manifest:
    made = objects.ingress(
        name, namespace=namespace, ingress_class=ingress_class, creationTimestamp=created, annotations=notes
    )
    made["spec"] = {**spec, **({"ingressClassName": ingress_class} if ingress_class else {})}
    return made


ingresses = st.builds(
    _ingress,
    few("i1", "i2", "i3"),
    few(*NAMESPACES),
    few("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    few("edge", "edge", "edge", "other", "unknown", None),
    st.fixed_dictionaries(
        {"rules": st.lists(rules, max_size=3)}, optional={"defaultBackend": backends, "tls": st.lists(tls, max_size=2)}
    ),
    few(
        {},
        {"nginx.ingress.kubernetes.io/ssl-redirect": "false"},
        {"nginx.ingress.kubernetes.io/force-ssl-redirect": "true", "nginx.ingress.kubernetes.io/load-balance": "ewma"},
        {"nginx.ingress.kubernetes.io/service-upstream": "true", "nginx.ingress.kubernetes.io/proxy-read-timeout": "x"},
        {"kubernetes.io/ingress.class": "edge"},
        annotated(canary="true", canary_weight="20", canary_by_header="X-Canary"),
        annotated(canary="true", canary_by_cookie="c"),
        annotated(auth_type="basic", auth_secret="t1"),
        annotated(server_alias="y.test,alias.test,~^w", from_to_www_redirect="true"),
        annotated(server_alias="alias.test,z.x.test"),
        annotated(auth_tls_secret="a/t1", ssl_ciphers="ECDHE-RSA-AES128-GCM-SHA256"),
        annotated(auth_tls_secret="a/t2", ssl_prefer_server_ciphers="false", server_alias="alias.test"),
        annotated(auth_type="basic", auth_secret="b/t2", allowlist_source_range="x"),
        annotated(auth_url="http://$host/auth"),
    ),
)


def _class(name: str, controller: str, default: bool) -> Manifest:
    made = objects.ingress_class(name, controller=controller)
    if default:
        made["metadata"]["annotations"] = {"ingressclass.kubernetes.io/is-default-class": "true"}
    return made


classes = st.builds(_class, few("edge", "other"), few("edge.ingress/controller", "another"), st.booleans())
services = st.builds(
    lambda name, namespace, port, extra: objects.service(name, namespace=namespace, port=port, **extra),
    few("s1", "s2"),
    few(*NAMESPACES),
    few(80, 81),
    few(
        {},
        {"clusterIP": "None"},
        {"type": "ExternalName", "externalName": NAMES[0]},
        {"type": "ExternalName", "externalName": NAMES[1]},
    ),
)
slices = st.builds(
    lambda service, namespace, suffix, address, ready: (
        objects.endpoints(service, address, namespace=namespace, suffix=suffix, ready=ready)
        | {"metadata": {"name": suffix, "namespace": namespace, "labels": {"kubernetes.io/service-name": service}}}
    ),
    few("s1", "s2", ""),
    few(*NAMESPACES),
    few("e1", "e2", "e3"),
    few("10.0.0.1", "10.0.0.2", "fd00::1", "not-an-address"),
    st.booleans(),
)
secrets = st.builds(
    lambda name, namespace, pair, kind: objects.secret(
        name,
        namespace=namespace,
        kind=kind,
        tls_crt=CERTIFICATES[pair].certificate,
        tls_key=CERTIFICATES[pair].key,
        ca_crt=CERTIFICATES[pair].certificate,
    ),
    few("t1", "t2"),
    few(*NAMESPACES),
    few(*CERTIFICATES),
    few("kubernetes.io/tls", "kubernetes.io/tls", "Opaque"),
)
users = st.builds(
    lambda name, namespace, text: objects.secret(name, namespace=namespace, kind="Opaque", auth=text),
    few("t1", "t2"),
    few(*NAMESPACES),
    few("anna:{PLAIN}a", "anna:?\nbert:{PLAIN}b", b"\xff"),
)
manifests = st.one_of(ingresses, ingresses, classes, services, slices, secrets, users)
kinds = few("Ingress", "Ingress", "IngressClass", "Service", "EndpointSlice", "Secret")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), manifests),
        st.tuples(st.just("put"), manifests),
        st.tuples(st.just("put"), manifests),
        st.tuples(st.just("delete"), st.integers(0, 30)),
        st.tuples(st.just("spoil"), st.integers(0, 30)),
        st.tuples(st.just("mend"), few("place 1", "place 2")),
        st.tuples(st.just("dns"), st.tuples(few(*NAMES), few(Resolution(("10.1.1.1",)), Resolution((), "timed out")))),
        st.tuples(st.just("compile"), st.none()),
    ),
    max_size=40,
)
flags = st.builds(
    lambda certificate, backend: Settings(default_ssl_certificate=certificate, default_backend_service=backend),
    few("", "a/t1"),
    few("", "b/s1"),
)


class Cluster:
    """What there is, and what was wrongly written, at one moment."""

    def __init__(self) -> None:
        self.objects: dict[ObjectId, Object] = {}
        self.faults: dict[str, Invalid] = {}
        self.dns = Dns()

    def change(self, what: str, value: Any) -> list[Change]:
        """The changes that a source tells when WHAT happens."""
        if what == "put":
            made = taken(value)
            self.objects[made.id] = made
            self._mend(made.id)
            return [Upsert(made)]
        if what == "delete" and self.objects:
            gone = sorted(self.objects)[value % len(self.objects)]
            del self.objects[gone]
            self._mend(gone)
            return [Delete(gone.kind, gone.namespace, gone.name)]
        if what == "spoil" and self.objects:
            spoilt = sorted(self.objects)[value % len(self.objects)]
            where = f"place {1 + value % 2}"
            self.faults[where] = Invalid(where, spoilt.kind, spoilt.namespace, spoilt.name, "spec.x: is wrong")
            return [self.faults[where]]
        if what == "mend" and value in self.faults:
            del self.faults[value]
            return [Valid(value)]
        return []

    def _mend(self, name: ObjectId) -> None:
        for where, fault in list(self.faults.items()):
            if (fault.kind, fault.namespace, fault.name) == (name.kind, name.namespace, name.name):
                del self.faults[where]

    def from_nothing(self, flags: Settings, now: float, seed: int) -> World:
        """A world that gets all these objects at once."""
        world = World(flags, with_class=False, names=self.dns)
        changes: list[Change] = [Upsert(one) for one in self.objects.values()]
        random.Random(seed).shuffle(changes)
        return world.tell([*changes, *self.faults.values()], now=now, clock=0.0)


@settings(max_examples=150, deadline=None)
@given(flags, steps, st.integers(0, 1000))
def test_changes_in_any_order_come_to_what_compiling_from_nothing_gives(
    flags: Settings, steps: list[Any], seed: int
) -> None:
    now = time.time()
    cluster = Cluster()
    world = World(flags, with_class=False, names=cluster.dns)
    for what, value in steps:
        if what == "compile":
            world.tell(now=now, clock=0.0)
        elif what == "dns":
            cluster.dns[value[0]] = value[1]
            world.compiler.name_changed(value[0])
        else:
            for change in cluster.change(what, value):
                world.compiler.apply(change)
    world.tell(now=now, clock=0.0)
    world.tell(now=now, clock=1000.0)  # what lingers is gone by now
    _assert_same(world, cluster.from_nothing(flags, now, seed))


@settings(max_examples=60, deadline=None)
@given(flags, steps, st.integers(0, 1000))
def test_reading_secrets_by_need_comes_to_the_same(flags: Settings, steps: list[Any], seed: int) -> None:
    now = time.time()
    cluster = Cluster()
    world = World(flags, with_class=False, names=cluster.dns, by_need=True)
    wanted: frozenset[ObjectId] = frozenset()
    for what, value in [*steps, ("compile", None)]:
        if what == "dns" or what == "spoil":
            continue
        if what != "compile":
            for change in cluster.change(what, value):
                secret = taken(value).id if isinstance(change, Upsert) else ObjectId(*_named(change))
                if secret.kind != "Secret" or secret in wanted:
                    world.compiler.apply(change)
            continue
        world.tell(now=now, clock=0.0)
        while world.compiler.wanted != wanted:
            before, wanted = wanted, world.compiler.wanted
            answers: list[Change] = [
                Upsert(cluster.objects[name])
                if name in cluster.objects
                else Delete(name.kind, name.namespace, name.name)
                for name in wanted - before
            ]
            world.tell(
                [*answers, *(Delete(name.kind, name.namespace, name.name) for name in before - wanted)],
                now=now,
                clock=0.0,
            )
    world.tell(now=now, clock=1000.0)
    cluster.faults.clear()
    _assert_same(world, cluster.from_nothing(flags, now, seed))


def _named(change: Any) -> tuple[str, str, str]:
    return change.kind, change.namespace, change.name


def _assert_same(one: World, other: World) -> None:
    assert one.routes == other.routes
    assert one.endpoints == other.endpoints
    assert one.tls == other.tls
    assert one.served == other.served
    assert one.problems == other.problems


def test_a_certificate_that_runs_out_is_reported_without_any_change() -> None:
    pair = self_signed("web.example", days=1)
    world = World().apply(
        objects.ingress(secret="tls"),
        objects.service(),
        objects.endpoints("web", "10.0.0.1"),
        objects.secret(tls_crt=pair.certificate, tls_key=pair.key),
    )
    assert world.reasons() == []
    tomorrow = time.time() + datetime.timedelta(days=2).total_seconds()
    assert world.tell(now=tomorrow).reasons() == ["CertificateOutdated"]


def test_a_secret_that_changes_often_is_expected_to_run_out_once() -> None:
    pair, other = self_signed("web.example", days=1), self_signed("web.example", days=1)
    world = World().apply(objects.ingress(secret="tls"), objects.service(), objects.endpoints("web", "10.0.0.1"))
    for _ in range(20):
        for one in (pair, other):
            world.apply(objects.secret(tls_crt=one.certificate, tls_key=one.key))
    secrets = world.compiler._units.certificates.secrets
    assert len(secrets._due) == 1
    tomorrow = time.time() + datetime.timedelta(days=2).total_seconds()
    assert world.tell(now=tomorrow).reasons() == ["CertificateOutdated"]
    assert not secrets._due


@pytest.mark.parametrize("count", [10, 300])
def test_the_records_of_one_change_do_not_depend_on_how_much_there_is(count: int) -> None:
    world = World()
    for number in range(count):
        name = f"app-{number}"
        world.compiler.apply(Upsert(taken(objects.ingress(name, host=f"{name}.example", service=name))))
        world.compiler.apply(Upsert(taken(objects.service(name))))
    world.tell()
    world.compiler.apply(Upsert(taken(objects.endpoints("app-3", "10.0.0.9"))))
    delta = world.compiler.compile()
    assert list(delta.endpoints) == ["demo/app-3:80"]
    assert not delta.routes
    assert not delta.tls
    assert [owner.name for owner in delta.problems] == ["app-3"]

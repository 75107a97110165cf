"""The pods of deploy/ at work: their containers' own commands and variables, closed in, with their own permissions."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import gateway
from tests.support.backends import Backend
from tests.support.certificates import authority, issue
from tests.support.clients import BrokenError, Client, get
from tests.support.fakeapi import FakeAPI, Rules
from tests.support.objects import Manifest, endpoints, ingress, ingress_class, namespace, secret, service
from tests.support.pods import Pod, require_namespaces
from tests.support.rendering import ROOT, chart, kustomization
from tests.support.waiting import eventually, free_port

TOKEN = "token-of-the-service-account"
Make = Callable[..., "Running"]


class Running(Pod):
    """A pod with ports of its own."""

    http: int
    admin: int

    def is_ready(self) -> bool:
        try:
            return get(self.admin, "/readyz", host="admin").status == 200
        except (OSError, BrokenError):
            return False

    def wait_ready(self) -> None:
        try:
            eventually(self.is_ready, timeout=40)
        except AssertionError:
            raise AssertionError(f"not ready:\n{self.log('control')}\n{self.log('proxy')}") from None

    def answer(self) -> int:
        try:
            return get(self.http, "/", host="web.example").status
        except (OSError, BrokenError):
            return 0


@pytest.fixture
def api(tmp_path: Path) -> Iterator[FakeAPI]:
    """An API server that knows the service account alone."""
    pair = issue("127.0.0.1")
    (tmp_path / "server.pem").write_bytes(pair.certificate + pair.key)
    account = tmp_path / "account"
    account.mkdir()
    (account / "ca.crt").write_bytes(authority().certificate)
    (account / "token").write_text(TOKEN)
    (account / "namespace").write_text("edge-system")
    with FakeAPI(tokens={TOKEN}, certificate=tmp_path / "server.pem", authority=account / "ca.crt") as one:
        one.apply(ingress_class(), namespace("edge-system"))
        yield one


@pytest.fixture
def make(api: FakeAPI, tmp_path: Path) -> Iterator[Make]:
    """Makes pods of a variant: as `kubectl apply -k` would, with other ports, as this machine has but one network."""
    require_namespaces()
    pods: list[Running] = []

    def begin(name: str, variant: str = ".", delay: int = 1) -> Running:
        http, https, admin = free_port(), free_port(), free_port()
        ports = [f"EDGE_HTTP=127.0.0.1:{http}", f"EDGE_HTTPS=127.0.0.1:{https}", f"EDGE_ADMIN=127.0.0.1:{admin}"]
        literals = [*ports, "EDGE_WORKERS=1", f"EDGE_PRE_STOP_DELAY={delay}"]
        overlay = tmp_path / f"{name}.k"
        overlay.mkdir()
        generator = {"name": "edge", "namespace": "edge-system", "behavior": "merge", "literals": literals}
        resources = [os.path.relpath(ROOT / "deploy" / variant, overlay.resolve())]
        settings = yaml.safe_dump({"resources": resources, "configMapGenerator": [generator]})
        (overlay / "kustomization.yaml").write_text(settings)
        objects = kustomization(overlay)
        api.rules = Rules.from_manifests(objects, subject="edge")
        workload = next(one for one in objects if one["kind"] in ("Deployment", "DaemonSet"))
        variables = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(api.port)}
        one = Running(objects, workload, tmp_path / name, account=tmp_path / "account", environment=variables)
        one.http, one.admin = http, admin
        pods.append(one)
        api.apply(*(obj for obj in objects if obj["kind"] in ("Service", "IngressClass")), one.manifest(f"node-{name}"))
        one.start()
        return one

    yield begin
    for one in pods:
        one.close()


def node(name: str, address: str) -> dict[str, Any]:
    listed = [{"type": "InternalIP", "address": address}]
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"addresses": listed}}


def everything(api: FakeAPI, port: int) -> None:
    """An Ingress for each permission that there is to use."""
    pair = issue("web.example")
    headers = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "x", "namespace": "demo"}, "data": {}}
    api.apply(
        ingress(secret="tls", annotations={"nginx.ingress.kubernetes.io/ssl-redirect": "false"}),
        ingress("broken", service="nowhere", host="broken.example"),
        service(),
        endpoints("web", "127.0.0.1", port=port),
        secret(tls_crt=pair.certificate, tls_key=pair.key),
        headers,
    )


def test_a_pod_serves(api: FakeAPI, make: Make) -> None:
    """The two containers, each closed in by itself, are ready, serve, and answer back with what they are permitted."""
    with Backend() as backend:
        everything(api, backend.port)
        one = make("edge-1")
        one.wait_ready()
        eventually(lambda: one.answer() == 200)
        service_address = {**service("edge", namespace="edge-system", type="LoadBalancer")}
        api.apply({**service_address, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}})
        eventually(lambda: shown(api) == [{"ip": "192.0.2.1"}])
        eventually(lambda: {event["type"] for event in api.store.all("Event")} == {"Normal", "Warning"})
        assert not [request for request in api.requests if request.code], "refused"
        assert "mounted" not in one.log("proxy")
        one.stop()
        assert one.wait() == {"control": 0, "proxy": 0}


def shown(api: FakeAPI) -> Any:
    stored = api.store.get("Ingress", "demo", "web")
    assert stored is not None
    return ((stored.get("status") or {}).get("loadBalancer") or {}).get("ingress")


@pytest.fixture
def of_chart(api: FakeAPI, tmp_path: Path) -> Iterator[Callable[[dict[str, Any]], Running]]:
    """Makes the pod of a release of the chart by the `controller` of a file of values."""
    require_namespaces()
    pods: list[Running] = []

    def begin(controller: dict[str, Any]) -> Running:
        http, https, admin = free_port(), free_port(), free_port()
        ours = {"containerPort": {"http": http, "https": https}, "metrics": {"port": admin}, "preStopDelay": 1}
        objects = chart({"controller": {**controller, **ours}}, namespace="edge-system")
        api.rules = Rules.from_manifests(objects, subject="edge-ingress")
        workload = next(one for one in objects if one["kind"] == "Deployment")
        variables = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(api.port)}
        one = Running(objects, workload, tmp_path / "edge-1", account=tmp_path / "account", environment=variables)
        one.http, one.admin = http, admin
        pods.append(one)
        kinds = ("ConfigMap", "IngressClass", "Service")
        api.apply(*(obj for obj in objects if obj["kind"] in kinds), one.manifest("node"))
        one.start()
        return one

    yield begin
    for one in pods:
        one.close()


def test_keys_of_a_file_of_values_act_and_a_change_of_one_needs_no_new_pod(
    api: FakeAPI, of_chart: Callable[[dict[str, Any]], Running]
) -> None:
    """As the values of ingress-nginx's chart have them, in the ConfigMap of the name that it has there."""
    with Backend() as backend:
        everything(api, backend.port)
        one = of_chart({"config": {"proxy-body-size": "50", "hide-headers": "X-Backend"}, "extraArgs": {"v": 2}})
        one.wait_ready()
        eventually(lambda: one.answer() == 200)
        response = get(one.http, "/", host="web.example", method="POST", body=b"x" * 50)
        assert (response.status, response.get("x-backend"), response.get("server")) == (200, None, None)
        assert get(one.http, "/", host="web.example", method="POST", body=b"x" * 51).status == 413
        stored = api.store.get("ConfigMap", "edge-system", "edge-ingress-controller")
        assert stored is not None
        api.apply({**stored, "data": {**stored["data"], "proxy-body-size": "60"}})
        eventually(lambda: get(one.http, "/", host="web.example", method="POST", body=b"x" * 60).status == 200)


def test_a_rollout_fails_no_request(api: FakeAPI, make: Make) -> None:
    """While one pod takes the place of another, behind a balancer that goes by /readyz, every request is answered."""
    with Backend() as backend:
        everything(api, backend.port)
        old = make("edge-old", delay=PRE_STOP_DELAY)
        old.wait_ready()
        balancer = Balancer([old])
        balancer.start()
        new = make("edge-new")
        new.wait_ready()
        balancer.pods.append(new)
        eventually(lambda: balancer.answered > 50)
        api.apply(
            {**old.manifest("node-old"), "metadata": {**old.manifest("")["metadata"], "deletionTimestamp": "now"}}
        )
        old.stop()
        assert old.wait() == {"control": 0, "proxy": 0}
        before = balancer.answered
        eventually(lambda: balancer.answered > before + 50)
        assert balancer.end() == []


PRE_STOP_DELAY = 4
"""Seconds for which a pod that ends is still there for balancers that have not noticed."""
FRESH = 0.5
"""Seconds for which the balancer trusts an answer of /readyz. One that gets no processor for a while asks again: what
it knows may be older than the delay."""


class Balancer(threading.Thread):
    """Sends requests over kept connections to the pods that are ready, which it asks ten times a second."""

    def __init__(self, pods: list[Running]) -> None:
        super().__init__(daemon=True)
        self.pods = pods
        self.answered = 0
        self._failures: list[str] = []
        self._over = threading.Event()

    def run(self) -> None:
        connections: dict[str, Client] = {}
        ready: list[Running] = []
        asked = 0.0
        while not self._over.is_set():
            if time.monotonic() > asked + 0.1:
                asked = time.monotonic()
                ready = [pod for pod in self.pods if pod.is_ready()]
            for pod in ready:
                if time.monotonic() > asked + FRESH:
                    break
                try:
                    client = connections.pop(pod.name, None) or Client(pod.http)
                    response = client.request("/", host="web.example")
                except (OSError, BrokenError) as error:
                    self._failures.append(f"{pod.name}: {error!r}")
                    continue
                if response.status != 200:
                    self._failures.append(f"{pod.name}: {response.status}")
                if (response.get("Connection") or "").lower() != "close":
                    connections[pod.name] = client
                self.answered += 1
            time.sleep(0.002)

    def end(self) -> list[str]:
        """Stop; gives what went wrong."""
        self._over.set()
        self.join(40)
        return self._failures


def of_each_kind() -> list[Manifest]:
    """One object of each kind of the Gateway API that gets a status, beside the Gateway."""
    to_web = gateway.rule("web")
    streams: list[Manifest] = [
        {**gateway.route(to_web, hosts=hosts), "kind": kind}
        for kind, hosts in (("TLSRoute", ("web.example",)), ("TCPRoute", ()), ("UDPRoute", ()))
    ]
    routes = [gateway.route(to_web), gateway.grpc_route(to_web), *streams]
    return [*routes, gateway.listener_set(), gateway.backend_tls_policy("web")]


def test_each_permission_for_the_services_of_gateways_is_used(api: FakeAPI, make: Make) -> None:
    """Whatever deploy/gateway-services grants beyond deploy/, and none that is missing is asked for."""
    api.apply(namespace("demo"), gateway.gateway_class())
    one = make("edge-3", "gateway-services")
    one.wait_ready()
    running = one.manifest("node-edge-3")
    running["status"] = {**running["status"], "podIPs": [{"ip": "10.1.0.3"}]}
    api.apply(running, gateway.gateway())
    eventually(lambda: api.store.get("EndpointSlice", "demo", "edge-edge-ipv4"))
    api.apply(gateway.gateway(gateway.listener(port=8080)))
    changed = {("patch", "services"), ("patch", "endpointslices")}
    eventually(lambda: changed <= {(request.verb, request.resource) for request in api.requests})
    api.remove("Gateway", "demo", "edge")
    eventually(lambda: api.store.get("Service", "demo", "edge-edge") is None)
    eventually(lambda: api.store.get("EndpointSlice", "demo", "edge-edge-ipv4") is None)
    assert not [request for request in api.requests if request.code], "refused"


def test_each_permission_is_used(api: FakeAPI, make: Make) -> None:
    """With both variants at work, each verb of each rule is used, and none that is missing is asked for."""
    api.apply(node("node-edge-2", "10.0.0.2"))
    with Backend() as backend:
        everything(api, backend.port)
        api.apply(gateway.gateway_class(), gateway.gateway(), *of_each_kind())
        one = make("edge-2", "daemonset")
        one.wait_ready()
        eventually(lambda: shown(api) == [{"ip": "10.0.0.2"}])
        eventually(lambda: api.seen("create", "events"))
        rules = api.rules
        assert rules is not None
        granted = {
            (verb, resource)
            for rule in [*rules.cluster, *rules.namespaced["edge-system"]]
            for resource in rule["resources"]
            for verb in rule["verbs"]
        }
        used = lambda: {(request.verb, request.resource) for request in api.requests}  # noqa: E731
        # Of these, one needs an annotation that names a ConfigMap, the other a problem that comes back a minute later.
        rarely = {(verb, "configmaps") for verb in ("get", "list", "watch")} | {("patch", "events")}
        eventually(lambda: granted - rarely <= used(), timeout=40)
        assert not [request for request in api.requests if request.code], "refused"
        one.stop()
        assert one.wait() == {"control": 0, "proxy": 0}
        assert not shown(api)

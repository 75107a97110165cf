"""A cluster for end-to-end tests: the fake API server, or the real one that EDGE_TEST_KUBECONFIG names.

Tests speak to either over HTTP alone, in namespaces and with a class of their own, and what they made is deleted
afterwards. Endpoints are this machine's: a real API server must run where it can be seen under the same address.
"""

from __future__ import annotations

import contextlib
import os
import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from edge.control.api import configuration
from edge.control.api.errors import KubernetesError, RefusedError
from edge.control.api.transport import MERGE_PATCH, Transport
from edge.settings import Settings
from tests.support.certificates import authority, issue
from tests.support.fakeapi import FakeAPI, Rules
from tests.support.fakeapi.resources import BY_KIND
from tests.support.objects import Manifest, endpoints, ingress, ingress_class, namespace, service
from tests.support.rendering import ROOT, kustomization
from tests.support.waiting import eventually

REAL = os.environ.get("EDGE_TEST_KUBECONFIG", "")
ADMIN, EDGE = "admin", "edge"
"""Tokens of the fake API server."""


@dataclass
class Cluster:
    """One API server, and what a test does there."""

    kubeconfig: Path
    """Edge's; its permissions are those of deploy/, unless the cluster is a real one."""
    admin_kubeconfig: Path
    transport: Transport
    address: str
    """Where endpoints listen."""
    api: FakeAPI | None
    """None: the cluster is a real one."""
    name: str = field(default_factory=lambda: f"edge-test-{uuid.uuid4().hex[:8]}")
    """Of namespace and class."""
    made: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def flags(self) -> list[str]:
        """What to give Edge."""
        return [
            f"--kubeconfig={self.kubeconfig}",
            f"--ingress-class={self.name}",
            f"--controller-class=edge.ingress/{self.name}",
            f"--election-namespace={self.name if self.api is None else 'edge-system'}",
        ]

    # --- objects ----------------------------------------------------------------------------------------------------

    def apply(self, *objects: Manifest) -> None:
        """Create the objects, or make those that exist so; a status is written too."""
        for obj in objects:
            self._apply(obj)

    def _apply(self, obj: Manifest) -> None:
        kind, name, where = obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace", "")
        path = self._path(kind, where)
        try:
            self.transport.request("POST", path, body=obj)
            self.made.append((kind, where, name))
        except RefusedError as error:
            if error.code != 409:
                raise
            eventually(lambda: self._replace(obj, path))
        if "status" in obj and kind != "Namespace":
            patch = {"status": obj["status"]}
            self.transport.request("PATCH", f"{path}/{name}/status", body=patch, content_type=MERGE_PATCH)

    def _replace(self, obj: Manifest, path: str) -> bool:
        """Make the object as OBJ says; False: Edge has written its status meanwhile."""
        found = self.get(obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace", ""))
        assert found is not None
        versioned = {**obj["metadata"], "resourceVersion": found["metadata"]["resourceVersion"]}
        try:
            self.transport.request("PUT", f"{path}/{obj['metadata']['name']}", body={**obj, "metadata": versioned})
        except RefusedError as error:
            if error.code != 409:
                raise
            return False
        return True

    def get(self, kind: str, name: str, where: str | None = None) -> Any:
        """The object; None when there is none."""
        path = self._path(kind, self.name if where is None else where)
        try:
            return msgspec.json.decode(self.transport.request("GET", f"{path}/{name}"))
        except RefusedError as error:
            if error.code == 404:
                return None
            raise

    def delete(self, kind: str, name: str, where: str | None = None) -> None:
        """Delete the object if it is there."""
        with contextlib.suppress(KubernetesError):
            self.transport.request("DELETE", f"{self._path(kind, self.name if where is None else where)}/{name}")

    def events(self, name: str, where: str | None = None) -> list[Any]:
        """The Events about the Ingress NAME."""
        page = msgspec.json.decode(self.transport.request("GET", self._path("Event", where or self.name)))
        return [event for event in page["items"] if event["regarding"]["name"] == name]

    def addresses(self, name: str = "web") -> list[Any]:
        """The addresses in the status of the Ingress NAME."""
        found = self.get("Ingress", name)
        balancer: Manifest = ((found or {}).get("status") or {}).get("loadBalancer") or {}
        return balancer.get("ingress") or []

    @staticmethod
    def _path(kind: str, where: str) -> str:
        resource = BY_KIND[kind]
        prefix = f"/apis/{resource.api_version}" if resource.group else "/api/v1"
        middle = f"/namespaces/{where}" if resource.namespaced else ""
        return f"{prefix}{middle}/{resource.plural}"

    # --- what most tests need ---------------------------------------------------------------------------------------

    def ingress(self, name: str = "web", **rest: Any) -> Manifest:
        """An Ingress of ours."""
        return ingress(name, namespace=rest.pop("namespace", self.name), ingress_class=self.name, **rest)

    def service(self, name: str = "web", **rest: Any) -> Manifest:
        """A Service with neither selector nor address, whose endpoints are ours to say."""
        return service(name, namespace=rest.pop("namespace", self.name), clusterIP="None", **rest)

    def endpoints(self, port: int, name: str = "web", **rest: Any) -> Manifest:
        """An EndpointSlice with a server on PORT of this machine."""
        return endpoints(name, self.address, namespace=rest.pop("namespace", self.name), port=port, **rest)

    def web(self, port: int, name: str = "web", **rest: Any) -> list[Manifest]:
        """An Ingress for the host NAME.example, its Service, and a server on PORT of this machine."""
        return [
            self.ingress(name, service=name, host=f"{name}.example", **rest),
            self.service(name),
            self.endpoints(port, name),
        ]

    def clean(self) -> None:
        """Delete what was made, namespaces last."""
        for kind, where, name in reversed(self.made):
            self.delete(kind, name, where)


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A cluster with a namespace and a class for one test; FOLDER is for its files."""
    with contextlib.ExitStack() as stack:
        one = _real() if REAL else _fake(stack, folder)
        stack.callback(one.transport.close)
        stack.callback(one.clean)
        one.apply(namespace(one.name), ingress_class(one.name, controller=f"edge.ingress/{one.name}"))
        yield one


def _fake(stack: contextlib.ExitStack, folder: Path) -> Cluster:
    """The fake one, where Edge may do what deploy/ permits and nothing else."""
    pair = issue("127.0.0.1")
    server, ca = folder / "server.pem", folder / "ca.crt"
    server.write_bytes(pair.certificate + pair.key)
    ca.write_bytes(authority().certificate)
    api = stack.enter_context(FakeAPI(tokens={EDGE}, certificate=server, authority=ca))
    manifests = kustomization(ROOT / "deploy")
    api.admins.add(ADMIN)
    api.rules = Rules.from_manifests(manifests, subject="edge")
    api.apply(*(one for one in manifests if one["kind"] in ("Namespace", "ServiceAccount")))
    admin = api.kubeconfig(folder / "admin.kubeconfig", token=ADMIN)
    edge = api.kubeconfig(folder / "edge.kubeconfig", token=EDGE)
    return Cluster(edge, admin, _transport(admin), "127.0.0.1", api)


def _real() -> Cluster:
    path = Path(REAL)
    transport = _transport(path)
    server = urlsplit(configuration.load(Settings(kubeconfig=REAL)).host)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        # No packet is sent: which address of ours leads there? A real API server takes no loopback address.
        target = server.hostname or ""
        sock.connect((target if not target.startswith("127.") and target != "localhost" else "192.0.2.1", 9))
        address = sock.getsockname()[0]
    return Cluster(path, path, transport, address, None)


def _transport(kubeconfig: Path) -> Transport:
    return Transport(lambda: configuration.load(Settings(kubeconfig=str(kubeconfig))))

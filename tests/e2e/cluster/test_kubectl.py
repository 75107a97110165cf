"""Driven by hand, with kubectl."""

from __future__ import annotations

import subprocess

import yaml

from tests.support.backends import Backend
from tests.support.cluster import Cluster
from tests.support.edge import Edge
from tests.support.rendering import KUBECTL
from tests.support.waiting import eventually


def test_kubectl(where: Cluster, edge: Edge, backend: Backend) -> None:
    """An Ingress that is applied, changed and deleted with kubectl is served accordingly, and shows its address."""

    def kubectl(*words: str, text: str = "") -> str:
        line = [KUBECTL, f"--kubeconfig={where.admin_kubeconfig}", f"--namespace={where.name}", *words]
        done = subprocess.run(line, input=text, capture_output=True, text=True, check=False, timeout=40)
        assert done.returncode == 0, done.stderr
        return done.stdout

    manifests = yaml.safe_dump_all(where.web(backend.port, "web"))
    kubectl("apply", "--validate=false", "-f", "-", text=manifests)
    for kind, name in (("Ingress", "web"), ("Service", "web"), ("EndpointSlice", "web-1")):
        where.made.append((kind, where.name, name))
    eventually(lambda: edge.get("/").status == 200)
    eventually(lambda: "192.0.2.7" in kubectl("get", "ingress", "web", "-o", "jsonpath={.status}"))
    kubectl("annotate", "ingress", "web", "nginx.ingress.kubernetes.io/no-such-annotation=1")
    eventually(lambda: "no-such-annotation" in kubectl("get", "events.events.k8s.io", "-o", "yaml"))
    kubectl("patch", "ingress", "web", "--type=merge", "-p", '{"spec":{"rules":[{"host":"new.example"}]}}')
    eventually(lambda: edge.get("/").status == 404)
    kubectl("delete", "ingress", "web")
    assert where.get("Ingress", "web") is None

"""The manifests of `examples/ingress-nginx`, and what a cluster has beside them: endpoints, Secrets, a class."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from edge.settings import Settings
from tests.support import objects
from tests.support.certificates import authority, self_signed
from tests.support.configured import config_map

if TYPE_CHECKING:
    from collections.abc import Mapping

Manifest = dict[str, Any]

FOLDER = Path(__file__).parents[2] / "examples/ingress-nginx"
FILES = tuple(sorted(FOLDER.glob("*.yaml")))
NAMESPACE = "apps"
CONFIG_MAP = "ingress/controller"
SETTINGS = Settings(controller_class="k8s.io/ingress-nginx", ingress_class="nginx", configmap=CONFIG_MAP)
"""The flags by which Edge takes the place of ingress-nginx."""
FLAGS = ("--controller-class=k8s.io/ingress-nginx", "--ingress-class=nginx", f"--configmap={CONFIG_MAP}")
"""The same as a command line."""
STREAMS = {"tcp_services_configmap": "ingress/tcp", "udp_services_configmap": "ingress/udp"}
CERTIFICATES = ("shop-tls", "front-tls", "back-tls")
"""Secrets with a certificate for all hosts of the examples."""


def read(path: Path) -> list[Manifest]:
    """The objects in the file at PATH."""
    return [one for one in yaml.safe_load_all(path.read_text()) if isinstance(one, dict)]


def together(*leaving_out: str) -> list[Manifest]:
    """The objects of all files of manifests but those LEAVING OUT, each once, without the ConfigMap of keys."""
    found: dict[tuple[str, ...], Manifest] = {}
    for path in FILES:
        if path.stem in leaving_out or path.stem.startswith("values-"):
            continue
        for one in read(path):
            found[one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]] = one
    found.pop(("ConfigMap", "ingress", "controller"), None)
    return list(found.values())


def rest_of(
    cluster: list[Manifest], keys: Mapping[str, str] | None = None, ports: Mapping[str, int] | None = None
) -> list[Manifest]:
    """What the objects of CLUSTER take for granted. KEYS: of the ConfigMap, if it is not among them. PORTS: where
    endpoints listen on 127.0.0.1, by Service; "": all others."""
    there = {(one["kind"], one["metadata"]["name"]) for one in cluster}
    found = [_slice(one, ports or {"": 8080}) for one in cluster if one["kind"] == "Service"]
    pair = self_signed("shop.example", "*.shop.example")
    texts = {"tls_crt": pair.certificate, "tls_key": pair.key}
    found += [objects.secret(name, namespace=NAMESPACE, **texts) for name in CERTIFICATES]
    found.append(objects.secret("partners-ca", namespace=NAMESPACE, kind="Opaque", ca_crt=authority().certificate))
    found.append(objects.secret("dh", namespace="ingress", kind="Opaque", dhparam_pem=_dh_parameters()))
    if ("IngressClass", "nginx") not in there:
        found.append(objects.ingress_class("nginx", controller="k8s.io/ingress-nginx"))
    if ("ConfigMap", "controller") not in there:
        found.append(config_map(dict(keys or {}), CONFIG_MAP))
    return found


@cache
def _dh_parameters() -> str:
    command = ["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _slice(service: Manifest, ports: Mapping[str, int]) -> Manifest:
    name = service["metadata"]["name"]
    port = ports.get(name, ports[""])
    made = objects.endpoints(name, "127.0.0.1", namespace=NAMESPACE, port=port)
    (wanted,) = service["spec"]["ports"]
    made["ports"] = [{"name": wanted["name"], "port": port, "protocol": wanted.get("protocol", "TCP")}]
    return made

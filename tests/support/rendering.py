"""Renders the chart and the kustomizations, and holds what comes out against the schemas of a current Kubernetes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import helm_python
import kubernetes_validate
import yaml

Object = dict[str, Any]

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/helm/edge-ingress"
FILES = CHART / "files"
"""Dashboards and alerts."""
KUBERNETES = "1.37"
KUBECTL = Path(sys.executable).parent / "kubectl"


def chart(values: Object | None = None, *, name: str = "edge-ingress", namespace: str = "edge-ingress") -> list[Object]:
    """The objects of a release NAME in NAMESPACE."""
    with helm_python.Chart.load(CHART) as loaded:
        loaded.validate_schema(values or {})
        rendered = loaded.render(values or {}, name=name, namespace=namespace)
    texts = [text for path, text in rendered.items() if path.endswith(".yaml")]
    return [found for text in texts for found in yaml.safe_load_all(text) if found]


def notes(values: Object | None = None) -> str:
    """What `helm install` prints at its end."""
    with helm_python.Chart.load(CHART) as loaded:
        rendered = loaded.render(values or {}, name="edge-ingress", namespace="edge-ingress")
    return next(text for path, text in rendered.items() if path.endswith("NOTES.txt"))


def kustomization(folder: Path) -> list[Object]:
    """The objects of `kubectl kustomize FOLDER`."""
    done = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True, check=True)
    return [found for found in yaml.safe_load_all(done.stdout) if found]


def of_kind(objects: list[Object], kind: str, name: str | None = None) -> Object:
    """The only one of KIND (and NAME)."""
    found = [one for one in objects if one["kind"] == kind and name in (None, one["metadata"]["name"])]
    assert len(found) == 1, f"{kind} {name or ''}: {[one['metadata']['name'] for one in found]}"
    return found[0]


def check(objects: list[Object]) -> None:
    """That each of OBJECTS is one that Kubernetes takes, without a field that it does not know."""
    assert objects
    for one in objects:
        try:
            kubernetes_validate.validate(one, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            path = ".".join(map(str, error.path))
            raise AssertionError(f"{one['kind']} {one['metadata']['name']}: {path}: {error.message}") from None

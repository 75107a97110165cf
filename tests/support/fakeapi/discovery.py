"""Discovery documents, enough for kubectl to map its arguments to paths."""

from __future__ import annotations

from tests.support.fakeapi.errors import Object
from tests.support.fakeapi.resources import RESOURCES, Resource

_VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


def answer(path: str) -> Object | None:
    """The document at PATH, None when there is none."""
    if path == "/version":
        return {"major": "1", "minor": "34", "gitVersion": "v1.34.0-fake"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = {resource.group: resource.version for resource in RESOURCES if resource.group}
        return {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [_group(group, version) for group, version in groups.items()],
        }
    api_version = path.removeprefix("/apis/").removeprefix("/api/")
    resources = [resource for resource in RESOURCES if resource.api_version == api_version]
    if not resources:
        return None
    rows = [row for resource in resources for row in _rows(resource)]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": rows}


def _group(group: str, version: str) -> Object:
    entry = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [entry], "preferredVersion": entry}


def _rows(resource: Resource) -> list[Object]:
    row = {
        "name": resource.plural, "singularName": resource.kind.lower(), "namespaced": resource.namespaced,
        "kind": resource.kind, "verbs": _VERBS, "shortNames": list(resource.shortnames),
    }  # fmt: skip
    status = {
        "name": f"{resource.plural}/status",
        "singularName": "",
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": ["get", "patch", "update"],
    }
    return [row, status] if resource.has_status else [row]

"""Who may do what, by the rules of Role and ClusterRole manifests.

https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.support.fakeapi.resources import Target


@dataclass
class Rules:
    """What one user may do; without any rule: nothing."""

    cluster: list[dict[str, Any]] = field(default_factory=list)
    """Rules of ClusterRoles bound cluster-wide."""
    namespaced: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By namespace: rules of the Roles and ClusterRoles bound there."""

    @classmethod
    def from_manifests(cls, objects: Iterable[dict[str, Any]], *, subject: str) -> Rules:
        """What the bindings among OBJECTS give to the service account named SUBJECT."""
        objects = list(objects)
        roles = {
            (obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]): obj["rules"]
            for obj in objects
            if obj["kind"] in ("Role", "ClusterRole")
        }
        rules = cls()
        for obj in objects:
            if obj["kind"] not in ("RoleBinding", "ClusterRoleBinding") or all(
                one["name"] != subject for one in obj["subjects"]
            ):
                continue
            namespace = obj["metadata"].get("namespace", "")
            reference = obj["roleRef"]
            granted = roles[reference["kind"], namespace if reference["kind"] == "Role" else "", reference["name"]]
            if obj["kind"] == "ClusterRoleBinding":
                rules.cluster += granted
            else:
                rules.namespaced.setdefault(namespace, []).extend(granted)
        return rules

    def allow(self, verb: str, target: Target, name: str) -> bool:
        """Whether VERB on TARGET is granted; NAME is the object's, from the path or a metadata.name field selector."""
        rules = self.cluster + self.namespaced.get(target.namespace, []) if target.namespace else self.cluster
        return any(_matches(rule, verb, target, name) for rule in rules)


def _matches(rule: dict[str, Any], verb: str, target: Target, name: str) -> bool:
    resource = target.resource.plural + ("/" + target.subresource if target.subresource else "")
    return (
        bool({verb, "*"} & set(rule["verbs"]))
        and bool({target.resource.group, "*"} & set(rule["apiGroups"]))
        and bool({resource, "*"} & set(rule["resources"]))
        and (not rule.get("resourceNames") or name in rule["resourceNames"])
    )

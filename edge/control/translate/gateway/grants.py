"""References into other namespaces, which a ReferenceGrant there has to allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.kinds.gateway import GROUP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.control.kinds.objects import ObjectId
    from edge.control.kinds.reference_grants import ReferenceGrant

_REFERRING: Final = ("Gateway", "ListenerSet", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
GROUPS: Final = {**dict.fromkeys(_REFERRING, GROUP), "Secret": "", "ConfigMap": "", "Service": ""}
"""API groups of the kinds that refer and are referred to."""


def allowed(grants: Iterable[ReferenceGrant], owner: ObjectId, target: ObjectId) -> bool:
    """Whether one of GRANTS, which are in the namespace of TARGET, lets OWNER refer to it."""
    source = (GROUPS[owner.kind], owner.kind, owner.namespace)
    for grant in grants:
        if any((one.group, one.kind, one.namespace) == source for one in grant.spec.sources) and any(
            (one.group, one.kind) == (GROUPS[target.kind], target.kind) and one.name in ("", target.name)
            for one in grant.spec.to
        ):
            return True
    return False


def remedy(owner: ObjectId, target: ObjectId) -> str:
    """What to do if a grant is missing."""
    return (
        f"no ReferenceGrant in namespace {target.namespace} allows it; "
        f"make one from {owner.kind} in namespace {owner.namespace} to {target.kind} {target.name}"
    )

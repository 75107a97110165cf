"""The rules for which the CRD of ReferenceGrant refuses an object.

Rules of this file: those of `edge.control.kinds.gateway_validation`.

Source: Gateway API v1.6, apis/v1, the kubebuilder and CEL rules of its types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control.kinds.objects import ObjectError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.kinds.reference_grants import ReferenceGrant


def grant(one: ReferenceGrant) -> Iterator[ObjectError]:
    """What is wrong with a ReferenceGrant."""
    for name, entries in (("from", one.spec.sources), ("to", one.spec.to)):
        if not entries:
            yield ObjectError(f"spec.{name}", "required")
    for number, source in enumerate(one.spec.sources):
        for part, value in (("kind", source.kind), ("namespace", source.namespace)):
            if not value:
                yield ObjectError(f"spec.from[{number}].{part}", "required")
    for number, target in enumerate(one.spec.to):
        if not target.kind:
            yield ObjectError(f"spec.to[{number}].kind", "required")

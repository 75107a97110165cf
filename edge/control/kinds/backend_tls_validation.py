"""The rules for which the CRD of BackendTLSPolicy refuses an object.

Rules of this file: those of `edge.control.kinds.gateway_validation`.

Source: Gateway API v1.6, apis/v1, the kubebuilder and CEL rules of its types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control.kinds import names
from edge.control.kinds.objects import ObjectError
from edge.control.kinds.validation import fault_at, one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.kinds.backend_tls import BackendTLSPolicy


def backend_tls_policy(one: BackendTLSPolicy) -> Iterator[ObjectError]:
    """What is wrong with a BackendTLSPolicy."""
    if not one.spec.target_refs:
        yield ObjectError("spec.targetRefs", "required")
    for number, target in enumerate(one.spec.target_refs):
        for part, value in (("kind", target.kind), ("name", target.name)):
            if not value:
                yield ObjectError(f"spec.targetRefs[{number}].{part}", "required")
    validation, field = one.spec.validation, "spec.validation"
    yield from fault_at(
        f"{field}.hostname", names.subdomain_fault(validation.hostname) if validation.hostname else "required"
    )
    if bool(validation.ca_certificate_refs) == bool(validation.well_known):
        yield ObjectError(field, "must have either caCertificateRefs or wellKnownCACertificates")
    if validation.well_known:
        yield from one_of(f"{field}.wellKnownCACertificates", validation.well_known, ("System",))
    for number, name in enumerate(validation.subject_alt_names):
        at = f"{field}.subjectAltNames[{number}]"
        yield from one_of(f"{at}.type", name.type, ("Hostname", "URI"))
        if (name.type == "Hostname") != bool(name.hostname) or (name.type == "URI") != bool(name.uri):
            yield ObjectError(at, "must have hostname with type Hostname, and uri with type URI")

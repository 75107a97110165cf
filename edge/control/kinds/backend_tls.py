"""BackendTLSPolicy of the Gateway API as a typed struct: TLS to the endpoints of Services.

Rules of this file: those of `edge.control.kinds.gateway`.
"""

from __future__ import annotations

import msgspec

from edge.control.kinds.gateway import VERSION, AuthorityReference
from edge.control.kinds.objects import Named, Struct


class PolicyTarget(Struct, frozen=True):
    """What a policy is for (LocalPolicyTargetReferenceWithSectionName)."""

    group: str = ""
    kind: str = ""
    name: str = ""
    section_name: str = ""
    """Name of a port of the Service; empty: all of them."""


class SubjectAltName(Struct, frozen=True):
    """A name that the certificate of an endpoint must have."""

    type: str = ""
    hostname: str = ""
    uri: str = ""


class BackendValidation(Struct, frozen=True):
    """How certificates of endpoints are verified (BackendTLSPolicyValidation)."""

    ca_certificate_refs: tuple[AuthorityReference, ...] = ()
    well_known: str = msgspec.field(default="", name="wellKnownCACertificates")
    """`System`: those of the machine, in place of references."""
    hostname: str = ""
    """Sent as the server name; without `subject_alt_names` the certificate must be for it."""
    subject_alt_names: tuple[SubjectAltName, ...] = ()


class BackendTLSSpec(Struct, frozen=True):
    """What a BackendTLSPolicy asks for."""

    target_refs: tuple[PolicyTarget, ...] = ()
    validation: BackendValidation = BackendValidation()


class BackendTLSPolicy(Named, frozen=True):
    """TLS to the endpoints of Services."""

    kind = "BackendTLSPolicy"
    api_version = VERSION
    spec: BackendTLSSpec = BackendTLSSpec()

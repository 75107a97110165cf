"""TLS to the endpoints of Services, as BackendTLSPolicies ask for it.

Rules of this file:
- Of several policies for a port of a Service the one that names the port goes first, then the older one.
- If the policy that counts cannot be applied, nothing is sent to the endpoints: otherwise requests would be sent
  without the verification that is asked for.

Source: Gateway API v1.6, BackendTLSPolicy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from edge.control.kinds.problems import Problem, error
from edge.control.kinds.services import Service
from edge.control.translate.gateway.facts import FINE, PolicyFacts, Verdict
from edge.control.translate.gateway.trusted import Trusted, trusted
from edge.control.translate.parts import Translation
from edge.table.records import Tls, TlsMaterial, material_key

if TYPE_CHECKING:
    from edge.control.kinds.backend_tls import BackendTLSPolicy
    from edge.control.kinds.objects import Key
    from edge.control.translate.gateway.view import View

FIELD: Final = "spec.validation.caCertificateRefs"


class Terms(NamedTuple):
    """The terms of TLS to the endpoints of a port."""

    tls: Tls | None
    """None: nothing may be sent to them."""
    material: TlsMaterial | None
    policies: tuple[BackendTLSPolicy, ...]
    """Those that are for the Service; the first one counts."""


def terms(service: Key, port: str, view: View) -> Terms | None:
    """The terms for PORT of SERVICE; None: no policy is for it."""
    policies = view.tls_policies(service)
    if not policies:
        return None
    name = view.port_name(service, port)
    meant = [one for one in policies if _section(one, service[1]) in ("", name)]
    if not meant:
        return None
    chosen = min(meant, key=lambda one: not _section(one, service[1]))  # of equal ones the first is the oldest
    tls, material = _read(chosen, _authorities(chosen, view))
    return Terms(tls, material, policies)


def _section(policy: BackendTLSPolicy, service: str) -> str:
    """The port that POLICY names of SERVICE, which is among its targets; empty: all."""
    return next(one.section_name for one in policy.spec.target_refs if one.name == service)


def _authorities(policy: BackendTLSPolicy, view: View) -> Trusted:
    return trusted(policy.id, policy.spec.validation.ca_certificate_refs, FIELD, view)


def _read(policy: BackendTLSPolicy, found: Trusted) -> tuple[Tls | None, TlsMaterial | None]:
    validation = policy.spec.validation
    if not found.pem and not validation.well_known:
        return None, None
    names = tuple(one.hostname for one in validation.subject_alt_names if one.hostname)
    uris = tuple(one.uri for one in validation.subject_alt_names if one.uri)
    tls = Tls(validation.hostname, verify=True, names=names if names or uris else (validation.hostname,), uris=uris)
    if not found.pem:
        return tls, None
    return replace(tls, material=material_key(found.pem, b"", b"")), TlsMaterial(found.pem)


def translate(policy: BackendTLSPolicy, view: View) -> Translation:
    """The result for POLICY."""
    found = _authorities(policy, view)
    problems: list[Problem] = list(found.problems)
    resolved = accepted = FINE
    if problems:
        resolved = Verdict(problems[0].reason, problems[0].message)
    if not found.pem and not policy.spec.validation.well_known:
        accepted = Verdict("NoValidCACertificate", "there is nothing to verify certificates by")
    missing = _missing(policy, view)
    if missing:
        accepted = Verdict("TargetNotFound", missing)
        problems.append(error("TargetNotFound", "spec.targetRefs", missing))
    elif conflict := _conflict(policy, view):
        accepted = Verdict("Conflicted", conflict)
        problems.append(error("Conflicted", "spec.targetRefs", conflict))
    facts = PolicyFacts(accepted, resolved) if not found.pending else None
    return Translation(policy.order, {}, None, (), (), tuple(problems), facts=facts)


def _missing(policy: BackendTLSPolicy, view: View) -> str:
    """Why POLICY has no target; empty: it has one."""
    for one in policy.spec.target_refs:
        if (one.group, one.kind) == ("", Service.kind):
            key = policy.metadata.namespace, one.name
            if view.service_fault(key, "") != "MissingService":
                return ""
    return "none of the Services exists"


def _conflict(policy: BackendTLSPolicy, view: View) -> str:
    """Why POLICY has no effect; empty: it has one."""
    winners = []
    for one in policy.spec.target_refs:
        others = view.tls_policies((policy.metadata.namespace, one.name))
        same = [other for other in others if _section(other, one.name) == one.section_name]
        if not same or same[0] is policy or same[0].id == policy.id:
            return ""
        winners.append(same[0].id)
    return f"{winners[0]} is for the same Service, and is older" if winners else ""

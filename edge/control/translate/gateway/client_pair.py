"""The client certificate of a Gateway for endpoints (Gateway API, GatewayBackendTLS)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from edge.control.kinds.core import Secret
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, error
from edge.control.translate import key_pairs
from edge.control.translate.gateway.grants import remedy
from edge.control.translate.key_pairs import CertificateError

if TYPE_CHECKING:
    from edge.control.kinds.gateway import Gateway, SecretReference
    from edge.control.translate.gateway.view import View

FIELD = "spec.tls.backend.clientCertificateRef"
INVALID = "InvalidClientCertificateRef"


class ClientPair(NamedTuple):
    """Certificate and key, PEM; empty: none."""

    chain: bytes = b""
    key: bytes = b""
    problem: Problem | None = None
    """Why the certificate cannot be used."""


def client_pair(gateway: Gateway, view: View) -> ClientPair | None:
    """The client certificate of GATEWAY; None: it names none."""
    tls = gateway.spec.tls
    reference = tls.backend.client_certificate_ref if tls is not None and tls.backend is not None else None
    if reference is None:
        return None
    found = _find(gateway, reference, view)
    if found is None or isinstance(found, ClientPair):
        return found or ClientPair()
    try:
        certificate = key_pairs.read(found).certificate
    except CertificateError as fault:
        return _faulty(INVALID, f"{FIELD}.name", f"{found.id} cannot be used: {fault}")
    return ClientPair(certificate.chain, certificate.key)


def _find(gateway: Gateway, reference: SecretReference, view: View) -> Secret | ClientPair | None:
    """The Secret of REFERENCE, or why it cannot be used; None: it has not been read yet."""
    if (reference.group, reference.kind) != ("", Secret.kind):
        return _faulty(INVALID, f"{FIELD}.kind", f"{reference.kind} is not supported; name a Secret")
    target = ObjectId(Secret.kind, reference.namespace or gateway.metadata.namespace, reference.name)
    if target.namespace != gateway.metadata.namespace and not view.is_granted(gateway.id, target):
        message = f"{target} is in another namespace, and {remedy(gateway.id, target)}"
        return _faulty("RefNotPermitted", FIELD, message)
    found = view.referent(target)
    return found if found is None or isinstance(found, Secret) else _faulty(INVALID, f"{FIELD}.name", str(found))


def _faulty(reason: str, field: str, message: str) -> ClientPair:
    return ClientPair(problem=error(reason, field, f"{message}; no certificate is shown to endpoints"))

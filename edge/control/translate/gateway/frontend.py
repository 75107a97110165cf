"""Certificates of clients at the listeners of a Gateway (Gateway API, FrontendTLSValidation).

Rules of this file:
- A handshake without a certificate that verifies fails, unless the Gateway allows the insecure fallback.
- Without usable authorities the listener is not served.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from edge.control.kinds.problems import Problem, error
from edge.control.translate.gateway.facts import FINE, Verdict
from edge.control.translate.gateway.trusted import KIND, trusted
from edge.table.records import TlsOptions

if TYPE_CHECKING:
    from edge.control.kinds.gateway import FrontendValidation, Gateway
    from edge.control.translate.gateway.view import View

INSECURE: Final = "AllowInsecureFallback"
SHARED: Final = (
    "client certificates need addresses of the Gateway's own (--gateway-addresses or --gateway-services);"
    " the listener is not served"
)
DEPTH: Final = 100
"""Most certificates between a client's and an authority's: OpenSSL's default."""


class Verified(NamedTuple):
    """How the clients of a listener are verified."""

    options: TlsOptions | None = None
    """None: they are not asked for a certificate."""
    accepted: Verdict = FINE
    resolved: Verdict = FINE
    problems: tuple[Problem, ...] = ()


UNASKED: Final = Verified()


def verification(gateway: Gateway, port: int) -> tuple[FrontendValidation | None, str]:
    """The verification of clients that GATEWAY asks for at PORT, and its field; None: none."""
    asked = gateway.spec.tls.frontend if gateway.spec.tls is not None else None
    if asked is None:
        return None, ""
    for number, one in enumerate(asked.per_port):
        if one.port == port:
            return one.tls.validation, f"spec.tls.frontend.perPort[{number}].tls.validation"
    return asked.default.validation, "spec.tls.frontend.default.validation"


def verified(gateway: Gateway, port: int, view: View) -> Verified:
    """How clients of an HTTPS listener of GATEWAY at PORT are verified."""
    asked, field = verification(gateway, port)
    if asked is None:
        return UNASKED
    if view.assignment(gateway).shared:
        return Verified(None, Verdict("UnsupportedValue", SHARED), FINE, (error("UnsupportedValue", field, SHARED),))
    found = trusted(gateway.id, asked.ca_certificate_refs, f"{field}.caCertificateRefs", view)
    resolved = accepted = FINE
    if found.problems:
        first = found.problems[0]
        resolved = Verdict("InvalidCACertificateKind" if first.reason == KIND else first.reason, first.message)
    if not found.pem:
        accepted = Verdict("NoValidCACertificate", "there is nothing to verify certificates of clients by")
        return Verified(None, accepted, resolved, found.problems)
    required = asked.mode != INSECURE
    digest = hashlib.blake2b(b"%d\0%b" % (required, found.pem), digest_size=16).hexdigest()
    return Verified(TlsOptions(digest, found.pem, depth=DEPTH, required=required), FINE, resolved, found.problems)


def is_insecure(gateway: Gateway) -> bool:
    """Whether some listener of GATEWAY accepts clients whose certificate does not verify."""
    asked = gateway.spec.tls.frontend if gateway.spec.tls is not None else None
    if asked is None:
        return False
    every = (asked.default.validation, *(one.tls.validation for one in asked.per_port))
    return any(one is not None and one.mode == INSECURE for one in every)

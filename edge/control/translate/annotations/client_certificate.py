"""Certificates of clients: auth-tls-secret and auth-tls-*. They hold for whole hosts.

If any of them cannot be read, or the Secret is missing, the hosts of the Ingress are closed (403, as in ingress-nginx).
"""

from __future__ import annotations

import hashlib
import re
import ssl
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from edge.control.kinds.core import Secret
from edge.control.translate import authorities, pem
from edge.control.translate.annotations.wanted import ContentError, Reference
from edge.control.translate.authorities import AuthorityError
from edge.control.translate.parts import ClientTrust
from edge.control.translate.pem import PemError
from edge.system import openssl
from edge.table.patterns.matching import PatternError, compile_pattern
from edge.table.policies.client_certificate import ClientCertificate, ClientVerification
from edge.table.policies.closed import Closed
from edge.table.records import TlsOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.control.kinds.core import ConfigMap
    from edge.control.translate.annotations.values import Values

_SECRET: Final = "auth-tls-secret"  # noqa: S105 - the name of an annotation
_VERIFY: Final = "auth-tls-verify-client"
_DEPTH: Final = "auth-tls-verify-depth"
_PAGE: Final = "auth-tls-error-page"
_SUBJECT: Final = "auth-tls-match-cn"
_PASS: Final = "auth-tls-pass-certificate-to-upstream"  # noqa: S105
NAMES: Final = frozenset({_SECRET, _VERIFY, _DEPTH, _PAGE, _SUBJECT, _PASS})
AUTHORITIES: Final = "ca.crt"
REVOKED: Final = "ca.crl"
LIST: Final = "X509 CRL"
"""Label of a list of revoked certificates."""
CLOSES: Final = "requests for its hosts are answered 403"
STATUS: Final = 403
_MODES: Final = {one.name.lower(): one for one in ClientVerification}
_URL: Final = re.compile(r"(?:https?://)?[A-Za-z0-9.-]+(?::\d+)?(?:/[A-Za-z0-9_.-]+)*/?")
DIFFERENCES: Final = {
    _SECRET: (
        "A Secret without `ca.crt` closes the host; ingress-nginx asks no client for a certificate then. Where one "
        "is required, plain http that is neither redirected nor a challenge of ACME is answered 400, and not served. A "
        "TLS connection that was made for a host with another `ca.crt`, `ca.crl` or depth gets 421."
    ),
    _PAGE: "Is a URL; a path or a named location is reported, and the answer stays 400.",
    _SUBJECT: "What cannot be read closes the host (403); in ingress-nginx the whole Ingress is refused.",
}
"""How Edge differs from ingress-nginx, by annotation."""


class DeferredTrust(msgspec.Struct, frozen=True, gc=False):
    """As `Deferred`, for a `ClientTrust`; without a usable Secret the hosts of the Ingress are closed."""

    reference: Reference
    make: Callable[[Secret | ConfigMap], ClientTrust]


def read(values: Values) -> DeferredTrust | Closed | None:
    """`auth-tls-secret` asks for it."""
    if not values.text(_SECRET):
        return None
    source = values.source(_SECRET)
    reference = values.reference("Secret", _SECRET, CLOSES)
    if reference is not None and not reference.namespace:
        values.report(_SECRET, f"the Secret must be named with its namespace, as namespace/name; {CLOSES}")
    if reference is None or not reference.namespace:
        return Closed(source, "auth-tls-secret is not namespace/name of a Secret", STATUS)
    subject = values.text(_SUBJECT)
    fault = _subject_fault(subject) if subject else ""
    if fault:
        values.report(_SUBJECT, f"{fault}; {CLOSES}")
        return Closed(values.source(_SUBJECT), fault, STATUS)
    verification = values.choice(_VERIFY, _MODES, ClientVerification.ON)
    depth = values.integer(_DEPTH, 1) or 1
    policy = ClientCertificate(
        source,
        verification=verification,
        subject=subject,
        error_page=values.parsed(_PAGE, "an http or https URL", _url, ""),
        pass_certificate=bool(values.boolean(_PASS)),
    )

    def make(secret: Secret | ConfigMap) -> ClientTrust:
        options = _options(secret, depth)
        if verification is ClientVerification.OFF:
            return ClientTrust(policy, TlsOptions())
        return ClientTrust(replace(policy, trust=options.trust), options)

    return DeferredTrust(reference, make)


def _url(text: str) -> str | None:
    return text if _URL.fullmatch(text) else None


def _subject_fault(text: str) -> str:
    if not text.startswith("CN="):
        return f'"{text}" does not begin with "CN="'
    try:
        compile_pattern(text, ignore_case=False, anchored=False)
    except PatternError as error:
        return f'"{text}" cannot be used as a regular expression: {error}'
    return ""


def _options(secret: Secret | ConfigMap, depth: int) -> TlsOptions:
    """The trust of SECRET.

    Raises:
        ContentError: nothing, or OpenSSL cannot read it.
    """
    data = (secret.data if isinstance(secret, Secret) else None) or {}
    if not data.get(AUTHORITIES):
        raise ContentError(f"it has no {AUTHORITIES}")
    try:
        trusted = authorities.parse(data[AUTHORITIES])
    except AuthorityError as error:
        raise ContentError(f"its {AUTHORITIES} cannot be used: {error}") from error
    revoked = _revoked(data[REVOKED]) if data.get(REVOKED) else b""
    try:
        openssl.trust_clients(openssl.server_context(), trusted, revoked)
    except ssl.SSLError as error:
        raise ContentError(f"OpenSSL refuses its {REVOKED}: {error.reason or error}") from error
    digest = hashlib.blake2b(b"%d\0%b\0%b" % (depth, trusted, revoked), digest_size=16)
    return TlsOptions(digest.hexdigest(), trusted, revoked, depth)


def _revoked(text: bytes) -> bytes:
    """The lists of revoked certificates in the PEM TEXT, and nothing else.

    Raises:
        ContentError: there are none.
    """
    try:
        found = b"".join(block.text() for block in pem.blocks(text) if block.label == LIST)
    except PemError as error:
        raise ContentError(f"its {REVOKED} cannot be read: {error}") from error
    if not found:
        raise ContentError(f'its {REVOKED} has no PEM block "{LIST}"')
    return found

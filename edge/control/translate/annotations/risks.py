"""The risk level of each annotation in ingress-nginx, and the highest one that the operator allows.

Rules of this file:
- An Ingress with an annotation above `annotations-risk-level`, or with a value that contains a word of
  `annotation-value-word-blocklist`, is refused as a whole, as in ingress-nginx.
- The default is High, as there, so that Ingresses with snippets are not served until the operator allows both.
- Values never become configuration text here, so the levels enforce a rule of the operator; the proxy does not need
  them.

Source: kubernetes/ingress-nginx 1.15, internal/ingress/annotations (the risk of each).
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

from edge.control.kinds.problems import Problem, error
from edge.control.translate.annotations.names import REFUSED as UNSUPPORTED
from edge.control.translate.annotations.values import field

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge.control.translate.annotations.values import Defaults

LEVEL: Final = "annotations-risk-level"
WORDS: Final = "annotation-value-word-blocklist"
SNIPPETS: Final = "--allow-snippet-annotations"
REFUSED: Final = "AnnotationRefused"
"""Reason of the problem."""


class Risk(IntEnum):
    """The levels, by the names that they have in the ConfigMap."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


_MEDIUM: Final = """
affinity-mode allowlist-source-range app-root auth-cache-duration auth-cache-key auth-proxy-set-headers auth-realm
auth-request-redirect auth-response-headers auth-signin-redirect-param auth-tls-secret auth-tls-verify-client
canary-by-cookie canary-by-header canary-by-header-pattern canary-by-header-value cors-allow-headers
cors-allow-methods cors-allow-origin cors-expose-headers custom-headers denylist-source-range fastcgi-index
fastcgi-params-configmap force-ssl-redirect opentelemetry-operation-name permanent-redirect
preserve-trailing-slash proxy-body-size proxy-cookie-domain proxy-cookie-path proxy-next-upstream
proxy-redirect-from proxy-redirect-to proxy-ssl-ciphers proxy-ssl-secret rewrite-target session-cookie-domain
session-cookie-expires session-cookie-max-age session-cookie-name session-cookie-path temporal-redirect
whitelist-source-range x-forwarded-prefix
"""
_HIGH: Final = """
auth-signin auth-tls-error-page auth-tls-match-cn auth-url mirror-host mirror-target modsecurity-transaction-id
proxy-ssl-name server-alias upstream-hash-by
"""
_CRITICAL: Final = "auth-snippet configuration-snippet modsecurity-snippet server-snippet stream-snippet"
RISKS: Final = {
    **dict.fromkeys(_MEDIUM.split(), Risk.MEDIUM),
    **dict.fromkeys(_HIGH.split(), Risk.HIGH),
    **dict.fromkeys(_CRITICAL.split(), Risk.CRITICAL),
}
"""Those above LOW."""


def allowed(defaults: Defaults) -> Risk:
    """The highest level that the operator allows."""
    text = defaults.get(LEVEL, ("", ""))[0].strip().upper()
    return Risk[text] if text in Risk.__members__ else Risk.HIGH


def refused(annotations: Iterable[tuple[str, str]], defaults: Defaults) -> Iterator[Problem]:
    """Why the Ingress with ANNOTATIONS (without prefix) is refused as a whole; empty: it is not."""
    most = allowed(defaults)
    words = [word.strip() for word in defaults.get(WORDS, ("", ""))[0].split(",") if word.strip()]
    for name, value in annotations:
        risk = RISKS.get(name, Risk.LOW)
        if risk > most:
            message = f"its risk is {risk.name.capitalize()}, and {LEVEL} allows {most.name.capitalize()} at most"
            needed = f" (and {SNIPPETS})" if name.endswith("-snippet") else ""
            way = f"--{LEVEL}={risk.name.capitalize()}{needed} would allow it"
            if name in UNSUPPORTED:
                way = "Edge does not support it: remove it"
            yield error(REFUSED, field(name), f"{message}; the Ingress is not served. {way}")
        for word in words:
            if word in value:
                yield error(REFUSED, field(name), f'has the word "{word}" of {WORDS}; the Ingress is not served')

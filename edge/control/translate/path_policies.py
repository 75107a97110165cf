"""Adjusts the policies of an Ingress to one of its paths."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from msgspec.structs import replace

from edge.table.policies import (
    Affinity,
    AnyPolicy,
    CustomHeaders,
    HashBy,
    Hsts,
    HttpsRedirect,
    NoAccessLog,
    RegexRewrite,
)
from edge.table.policies.auth import BasicAuth, DigestAuth
from edge.table.policies.external_auth import ExternalAuth, SignIn

if TYPE_CHECKING:
    from edge.control.translate.annotations.exempt_paths import Exempt
    from edge.control.translate.parts import RoutePart
    from edge.table.policies.policy import Policy
    from edge.table.records import Route

OF_BACKENDS: Final[tuple[type[Policy], ...]] = (Affinity, HashBy)
"""Policies that are put on the backend: a canary beside it has others."""
_AUTHENTICATION: Final[tuple[type[Policy], ...]] = (BasicAuth, DigestAuth, ExternalAuth, SignIn)
_NOT_IN_COOKIES: Final = re.compile(r"[^!-:<-~]+")
"""What the Path of a cookie cannot hold: `;`, and all but visible ASCII (RFC 6265, section 4.1.1)."""


def without(policies: tuple[AnyPolicy, ...], kinds: tuple[type[Policy], ...]) -> tuple[AnyPolicy, ...]:
    """POLICIES except those of KINDS."""
    return tuple(one for one in policies if not isinstance(one, kinds))


def of_answers(policies: tuple[AnyPolicy, ...]) -> tuple[AnyPolicy, ...]:
    """Those of POLICIES that act on any answer, or log it: what holds for a redirect that Edge makes of itself."""
    return tuple(one for one in policies if isinstance(one, CustomHeaders | Hsts | NoAccessLog))


def on_path(policy: AnyPolicy, written: str) -> AnyPolicy:
    """POLICY of a backend on the path WRITTEN, which is that of its cookie by default."""
    if isinstance(policy, Affinity) and not policy.path:
        return replace(policy, path=_NOT_IN_COOKIES.sub(lambda found: quote(found[0]), written))
    return policy


def rewritten(route: Route, written: str) -> tuple[Route, bool]:
    """ROUTE with the pattern of its rewrite, which is its path as WRITTEN, and whether it has a rewrite.

    A target that is the path itself rewrites nothing, as in ingress-nginx.
    """
    for number, policy in enumerate(route.policies):
        if isinstance(policy, RegexRewrite):
            others = route.policies[:number], route.policies[number + 1 :]
            if policy.target == written:
                return replace(route, policies=(*others[0], *others[1])), False
            made = replace(policy, pattern=written)
            return replace(route, policies=(*others[0], made, *others[1])), True
    return route, False


def exempted(part: RoutePart, path: str, exempt: Exempt) -> RoutePart:
    """PART of PATH without redirects to https, and without authentication, where that is EXEMPT."""
    if path.startswith(exempt.from_https):
        part = _lacking(part, (HttpsRedirect,))
    return _lacking(part, _AUTHENTICATION) if path.startswith(exempt.from_authentication) else part


def _lacking(part: RoutePart, kinds: tuple[type[Policy], ...]) -> RoutePart:
    route = replace(part.route, policies=without(part.route.policies, kinds))
    return replace(part, route=route, with_tls=without(part.with_tls, kinds))

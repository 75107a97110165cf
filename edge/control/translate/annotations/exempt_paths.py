"""Paths whose requests are not redirected to https, or need no authentication, even if their Ingress asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from edge.control.translate.annotations.values import Values

ACME: Final = "/.well-known/acme-challenge"
"""Requests there may be needed to issue the certificate (RFC 8555, 8.3)."""


class Exempt(msgspec.Struct, frozen=True, gc=False):
    """Beginnings of the paths of Ingresses."""

    from_https: tuple[str, ...] = (ACME,)
    from_authentication: tuple[str, ...] = (ACME,)


def read(values: Values) -> Exempt:
    """By the keys no-tls-redirect-locations and no-auth-locations."""
    return Exempt(_listed(values, "no-tls-redirect-locations"), _listed(values, "no-auth-locations"))


def _listed(values: Values, name: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in values.process_wide(name).split(",") if one.strip()) or (ACME,)

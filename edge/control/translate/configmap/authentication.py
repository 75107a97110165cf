"""Authentication of all requests by another server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.forms import PATHS
from edge.control.translate.configmap.keys import routes

CLOSES: Final = "A value that cannot be read closes the routes (503); ingress-nginx would serve them without a check."

if TYPE_CHECKING:
    from edge.control.translate.configmap.keys import Key

KEYS: Final[tuple[Key, ...]] = (
    routes("global-auth-url", remark=f'{CLOSES} `enable-global-auth: "false"` takes an Ingress out.'),
    routes("global-auth-method", remark=CLOSES),
    routes("global-auth-signin"),
    routes("global-auth-signin-redirect-param"),
    routes("global-auth-response-headers", remark=CLOSES),
    routes("global-auth-request-redirect"),
    routes("global-auth-cache-key"),
    routes("global-auth-cache-duration", remark=CLOSES),
    routes("global-auth-always-set-cookie"),
    routes(
        "global-auth-snippet",
        remark="As `auth-snippet`.",
    ),
    routes("no-auth-locations", PATHS, "Prefixes of the paths of Ingresses, as in ingress-nginx."),
)

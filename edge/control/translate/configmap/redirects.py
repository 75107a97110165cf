"""Redirects that Edge makes of itself, and Strict-Transport-Security."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.forms import PATHS
from edge.control.translate.configmap.keys import routes

if TYPE_CHECKING:
    from edge.control.translate.configmap.keys import Key

KEYS: Final[tuple[Key, ...]] = (
    routes("ssl-redirect"),
    routes("force-ssl-redirect"),
    routes("preserve-trailing-slash"),
    routes("http-redirect-code"),
    routes("no-tls-redirect-locations", PATHS, "Prefixes of the paths of Ingresses, as in ingress-nginx."),
    routes("app-root"),
    routes("relative-redirects"),
    routes("use-port-in-redirects"),
    routes("hsts"),
    routes("hsts-max-age"),
    routes("hsts-include-subdomains"),
    routes("hsts-preload"),
)

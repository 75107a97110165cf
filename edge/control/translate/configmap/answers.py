"""Fields of the responses of endpoints: cookies and redirects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.keys import routes

if TYPE_CHECKING:
    from edge.control.translate.configmap.keys import Key

KEYS: Final[tuple[Key, ...]] = (
    routes("proxy-cookie-domain"),
    routes("proxy-cookie-path"),
    routes("proxy-redirect-from"),
    routes("proxy-redirect-to"),
)

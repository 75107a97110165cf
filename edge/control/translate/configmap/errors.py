"""Errors that another backend answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.keys import routes

if TYPE_CHECKING:
    from edge.control.translate.configmap.keys import Key

KEYS: Final[tuple[Key, ...]] = (
    routes("custom-http-errors", remark="From 400 to 599; ingress-nginx also takes statuses of redirects."),
    routes("disable-proxy-intercept-errors"),
)

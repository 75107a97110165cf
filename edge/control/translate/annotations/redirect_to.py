"""Redirects of all requests: permanent-redirect, temporal-redirect, the -code of each, and for a path as the target
relative-redirects and use-port-in-redirects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table import templates, variables
from edge.table.policies.redirect_to import RedirectTo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset(
    {
        "permanent-redirect",
        "permanent-redirect-code",
        "temporal-redirect",
        "temporal-redirect-code",
        "relative-redirects",
        "use-port-in-redirects",
    }
)
_URL: Final = re.compile(r"(?:(?i:https?|\$scheme)://|/)[!#-~]*")
"""Visible ASCII without a quote."""
DIFFERENCES: Final = {
    **dict.fromkeys(
        ("permanent-redirect", "temporal-redirect"),
        (
            "May be a path, and may have the variables of [requests](#variables), which ingress-nginx refuses by "
            "default."
        ),
    ),
    "use-port-in-redirects": (
        "The port is named also where it is the default one of its scheme. That of the redirect from http to https is "
        "`--public-https-port`."
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""


def _url(text: str) -> str | None:
    try:
        return templates.parse(text, variables.REQUEST).text if _URL.fullmatch(text) else None
    except templates.TemplateError:
        return None


def base(values: Values) -> str:
    """The beginning of redirects to a path, before the path, with variables."""
    port = ":$server_port" if values.boolean("use-port-in-redirects") else ""
    return "" if values.boolean("relative-redirects") else f"$scheme://$host{port}"


def read(values: Values) -> Iterator[Wanted]:
    """The temporal one takes precedence. Another status than these is ignored, as in ingress-nginx."""
    wanted = "an http or https URL or a path, with no variable but those of a request"
    before = base(values)
    for name, default, last in (("temporal-redirect", 302, 307), ("permanent-redirect", 301, 308)):
        statuses = {str(status): status for status in range(300, last + 1)}
        status = values.choice(f"{name}-code", statuses, default)
        url = values.parsed(name, wanted, _url, "")
        if url:
            yield Wanted(RedirectTo(values.source(name), status, before + url if url.startswith("/") else url))
            return

"""The Host that endpoints get: upstream-vhost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table import templates, variables
from edge.table.policies.upstream_host import UpstreamHost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset({"upstream-vhost"})
_HOST: Final = re.compile(r"[A-Za-z0-9._~:$\[\]{}-]+")
DIFFERENCES: Final = {
    "upstream-vhost": (
        "Has the variables of [requests](#variables) and those of routes, such as `$service_name` and `$namespace`. A "
        "result that is not a host leaves the client's Host."
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""


def _host(text: str) -> str | None:
    try:
        return templates.parse(text, variables.REQUEST | variables.ROUTE).text if _HOST.fullmatch(text) else None
    except templates.TemplateError:
        return None


def read(values: Values) -> Iterator[Wanted]:
    """A host, which may have variables of the request and of the route."""
    wanted = "a host and maybe a port, with no variable but those of a request or route"
    host = values.parsed("upstream-vhost", wanted, _host, "")
    if host:
        yield Wanted(UpstreamHost(values.source("upstream-vhost"), host))

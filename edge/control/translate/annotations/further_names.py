"""Further names of hosts: server-alias, from-to-www-redirect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.kinds.names import SUBDOMAIN_LENGTH
from edge.control.translate.annotations.https_redirect import redirect_status
from edge.control.translate.annotations.values import field
from edge.control.translate.parts import FurtherNames
from edge.table.patterns.matching import PatternError, compile_pattern
from edge.table.policies.www_redirect import WwwRedirect

if TYPE_CHECKING:
    from edge.control.translate.annotations.values import Values

_ALIASES: Final = "server-alias"
_WWW: Final = "from-to-www-redirect"
NAMES: Final = frozenset({_ALIASES, _WWW})
_LABEL: Final = r"[a-z0-9_](?:[-a-z0-9_]*[a-z0-9_])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
DIFFERENCES: Final = {
    _ALIASES: (
        "A name that cannot be read is reported and ignored, and the others count; in ingress-nginx the whole Ingress "
        "is refused. A pattern whose cost cannot be bounded is refused. Names that only a pattern covers are not "
        "redirected to https by `ssl-redirect`."
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""


def read(values: Values) -> FurtherNames | None:
    """The names that VALUES ask for; None: none."""
    found: list[str] = []
    for text in values.text(_ALIASES).split(","):
        name = text.strip()
        if name:
            records, fault = _records(name)
            if fault:
                values.report(_ALIASES, f"{fault}; this name is ignored")
            found += records
    www = bool(values.boolean(_WWW))
    return FurtherNames(tuple(sorted(set(found))), www, redirect_status(values)) if found or www else None


def redirect(host: str, status: int) -> WwwRedirect:
    """The policy of the other name of HOST: a redirect with STATUS."""
    return WwwRedirect(field(_WWW), host, status)


def _records(name: str) -> tuple[list[str], str]:
    """The names of records for nginx's server NAME, and its problems."""
    if name.startswith("~"):
        try:
            compile_pattern(name[1:], anchored=False)
        except PatternError as fault:
            return [], f'"{name}" cannot be used as a regular expression: {fault}'
        return [name], ""
    name = name.lower().rstrip(".")
    for prefix, records in (("*.", ["**.{}"]), (".", ["{}", "**.{}"]), ("", ["{}"])):
        host = name.removeprefix(prefix)
        if name.startswith(prefix) and _HOST.fullmatch(host) and len(name) <= SUBDOMAIN_LENGTH:
            return [record.format(host) for record in records], ""
    host = name.removesuffix(".*")
    if host != name and _HOST.fullmatch(host):
        return [rf"~^{re.escape(host)}\..+$"], ""
    return [], f'"{name}" is no host name, no wildcard, and no regular expression after a "~"'

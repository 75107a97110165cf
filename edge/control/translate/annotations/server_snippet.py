"""Pieces of nginx's configuration for hosts: server-snippet.

Not a unit of policies: if several Ingresses of a host have one, one of them counts, which is known when hosts are
merged (`edge.control.compiling.host_options`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.snippets import allowed
from edge.control.translate.annotations.values import field
from edge.control.translate.snippets.dialect import SERVER, statements
from edge.control.translate.snippets.lexer import SnippetError
from edge.table.policies.closed import Closed
from edge.table.policies.snippet import ServerSnippet

if TYPE_CHECKING:
    from edge.control.translate.annotations.values import Values

_SERVER: Final = "server-snippet"
NAMES: Final = frozenset({_SERVER})
CLOSES: Final = "all requests to its hosts are answered 503"
DIFFERENCES: Final = {
    _SERVER: (
        "As `configuration-snippet`, without `proxy_set_header`, which has no effect there, and within `if` with "
        "`return` and `set` only. One with anything else closes the host (503). Its variables are its own; "
        "`configuration-snippet` does not know them. It cannot open a closed route."
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""


def read(values: Values) -> ServerSnippet | Closed | None:
    """The policy of the hosts of the Ingress; None: there is none."""
    text = allowed(values, _SERVER)
    if not text:
        return None
    try:
        found = statements(text, SERVER, values.process_wide("default-type"))
    except SnippetError as error:
        values.report(_SERVER, f"{error}; {CLOSES}")
        return Closed(field(_SERVER), str(error))
    return ServerSnippet(values.source(_SERVER), found) if found else None

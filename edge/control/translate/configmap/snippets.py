"""Pieces of nginx's configuration for all hosts and all paths: server-snippet and location-snippet.

Rules of this file:
- The directives are those of the annotations server-snippet and configuration-snippet, without those about TLS to
  endpoints, which belong to the Services of one Ingress.
- The operator writes these keys, so they need no permission, as in ingress-nginx.
- A snippet with anything else is refused as a whole, as those of other contexts are: it does not close all routes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.configmap.forms import TEXT
from edge.control.translate.configmap.keys import IGNORED_KEY, group
from edge.control.translate.snippets import dialect, endpoint_tls
from edge.control.translate.snippets.lexer import SnippetError
from edge.table.policies.snippet import LocationSnippet, ServerSnippet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.configmap.keys import Found, Key
    from edge.table.policies import AnyPolicy
    from edge.table.policies.snippet import If, Statement

_SERVER: Final = "server-snippet"
_LOCATION: Final = "location-snippet"
_PATHS: Final = dialect.LOCATION._replace(directives=dialect.LOCATION.directives - endpoint_tls.NAMES)
_REFUSED: Final = "One with anything else is reported, and the key is ignored."
KEYS: Final[tuple[Key, ...]] = (
    group(_SERVER, TEXT, f"Has the directives of the annotation `server-snippet`, and acts before it. {_REFUSED}"),
    group(
        _LOCATION,
        TEXT,
        "Has the directives of `configuration-snippet` but `proxy_ssl_name` and its like, and acts after it, with "
        f"variables of its own. {_REFUSED}",
    ),
)


def policies(found: Found) -> Iterator[AnyPolicy]:
    """That of all hosts, and that of all paths."""
    if of_hosts := _statements(found, _SERVER, dialect.SERVER):
        yield ServerSnippet(found.source(_SERVER), of_hosts)
    if of_paths := _statements(found, _LOCATION, _PATHS):
        yield LocationSnippet(found.source(_LOCATION), of_paths)


def _statements(found: Found, name: str, place: dialect.Place) -> tuple[Statement | If, ...]:
    try:
        return dialect.statements(found.get(name, ""), place, found.get("default-type", ""))
    except SnippetError as error:
        found.report(name, f"{error}; {IGNORED_KEY}")
        return ()

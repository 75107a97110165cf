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
from edge.table.policies.snippet import ServerSnippet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.configmap.keys import Found, Key
    from edge.table.policies import AnyPolicy
    from edge.table.policies.snippet import If, Statement

_SERVER: Final = "server-snippet"
LOCATION: Final = "location-snippet"
_PATHS: Final = dialect.LOCATION._replace(directives=dialect.LOCATION.directives - endpoint_tls.NAMES)
_REFUSED: Final = "One with anything else is reported, and the key is ignored."
KEYS: Final[tuple[Key, ...]] = (
    group(_SERVER, TEXT, f"Has the directives of the annotation `server-snippet`, and acts before it. {_REFUSED}"),
    group(
        LOCATION,
        TEXT,
        "Has the directives of `configuration-snippet` but `proxy_ssl_name` and its like, and acts before it; in "
        f"ingress-nginx after it. {_REFUSED}",
    ),
)


def policies(found: Found) -> Iterator[AnyPolicy]:
    """That of all hosts."""
    read = _statements(found, _SERVER, dialect.SERVER)
    if read:
        yield ServerSnippet(found.source(_SERVER), read)


def of_paths(found: Found) -> tuple[Statement | If, ...]:
    """The statements for all paths, which share a policy with other keys (`fields`)."""
    return _statements(found, LOCATION, _PATHS)


def _statements(found: Found, name: str, place: dialect.Place) -> tuple[Statement | If, ...]:
    try:
        return dialect.statements(found.get(name, ""), place, found.get("default-type", ""))
    except SnippetError as error:
        found.report(name, f"{error}; {IGNORED_KEY}")
        return ()

"""Pieces of nginx's configuration: configuration-snippet.

Rules of this file:
- A snippet is read only if the operator allows it. Otherwise it is reported and has no effect, as in ingress-nginx.
- A snippet with anything that Edge does not support closes the routes of the Ingress, because it may be an access
  check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.control.translate.snippets.dialect import statements
from edge.control.translate.snippets.lexer import SnippetError
from edge.table.policies.snippet import Snippet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

LOCATION: Final = "configuration-snippet"
NAMES: Final = frozenset({LOCATION})
ALLOWED: Final = "allow-snippet-annotations"
DIFFERENCES: Final = {
    LOCATION: (
        "Never evaluated as text. Its Ingress is refused unless `--allow-snippet-annotations` and "
        "`--annotations-risk-level=Critical` are set, as in ingress-nginx. Then Edge has "
        "`add_header`, `more_set_headers`, `more_clear_headers`, `proxy_hide_header`, `proxy_set_header`, "
        "`more_set_input_headers`, `more_clear_input_headers`, `return`, `default_type`, `set` and `if`, and "
        "`proxy_ssl_name` and its like. A snippet with anything else closes its routes (503), and the report names the "
        "line."
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""


def allowed(values: Values, name: str) -> str:
    """The snippet NAME; empty: there is none, or it is not allowed, which is reported."""
    text = values.text(name)
    if text and not values.allowed(ALLOWED):
        values.report(name, "snippets are not allowed (--allow-snippet-annotations); the annotation is ignored")
        return ""
    return text


def is_read(values: Values) -> bool:
    """Whether there is a configuration-snippet that may be read."""
    return bool(values.text(LOCATION)) and values.allowed(ALLOWED)


def read(values: Values) -> Iterator[Wanted]:
    """The statements of the snippet, in their order."""
    text = allowed(values, LOCATION)
    if not text:
        return
    try:
        found = statements(text, content_type=values.process_wide("default-type"))
    except SnippetError as error:
        yield values.refuse(LOCATION, str(error))
        return
    if found:
        yield Wanted(Snippet(values.source(LOCATION), found))

"""The directives of a snippet about TLS to endpoints: proxy_ssl_* and grpc_ssl_*.

Rules of this file:
- They are no statements: they hold for the connections to the endpoints of the route, in place of the annotations.
- As in nginx, proxy_ssl_* hold where endpoints are asked by HTTP/1.1, and grpc_ssl_* where by gRPC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from edge.control.translate import tls_words
from edge.control.translate.snippets.lexer import SnippetError, directives

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.control.translate.snippets.lexer import Directive
    from edge.table.records import Tls

_FAMILIES: Final = ("proxy_ssl_", "grpc_ssl_")
_READERS: Final[dict[str, tuple[str, Callable[[str], Any]]]] = {
    "name": ("name", tls_words.host),
    "server_name": ("sends_name", tls_words.SWITCH.get),
    "ciphers": ("ciphers", tls_words.ciphers),
    "protocols": ("versions", tls_words.versions),
    "session_reuse": ("", tls_words.SWITCH.get),
}
"""The field of `EndpointTls` that a directive sets (empty: it has no effect), and what reads its value."""
NAMES: Final = frozenset(family + kind for family in _FAMILIES for kind in _READERS)


class EndpointTls(msgspec.Struct, frozen=True):
    """What the directives ask for."""

    name: str = ""
    """Of the endpoints; empty: they do not say."""
    sends_name: bool | None = None
    ciphers: str = ""
    versions: tuple[int, ...] = ()

    def over(self, tls: Tls, usual_name: str) -> Tls:
        """TLS with these terms; USUAL_NAME: of endpoints that have none."""
        known = tls.server_name or next(iter(tls.names), usual_name)
        name = self.name or known
        sends = self.sends_name if self.sends_name is not None else bool(tls.server_name)
        return replace(
            tls,
            server_name=name if sends else "",
            names=(name,) if tls.verify else (),
            ciphers=self.ciphers or tls.ciphers,
            least=min(self.versions, default=tls.least),
            most=max(self.versions, default=tls.most),
        )


def read(text: str, *, grpc: bool) -> EndpointTls | None:
    """The terms of the snippet TEXT for endpoints that speak gRPC or not; None: it has none, or it cannot be read."""
    family = _FAMILIES[grpc]
    try:
        found = [check(one) for one in directives(text) if one.name in NAMES and one.name.startswith(family)]
    except SnippetError:
        return None  # the reader of statements has reported it, and closes the routes
    terms = EndpointTls(**{name: value for pair in found for name, value in pair.items()}) if found else None
    return terms if terms != EndpointTls() else None


def check(one: Directive) -> dict[str, Any]:
    """The field of `EndpointTls` that the directive ONE sets.

    Raises:
        SnippetError: its value cannot be used.
    """
    if one.block is not None or not one.words:
        raise SnippetError(one.line, f'"{one.name}" needs a value')
    field, reader = _READERS[one.name.partition("_ssl_")[2]]
    text = " ".join(one.words)
    value = reader(text)
    if value is None:
        raise SnippetError(one.line, f'"{text}" cannot be the value of "{one.name}"')
    return {field: value} if field else {}

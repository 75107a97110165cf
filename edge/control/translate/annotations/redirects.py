"""Redirects from http to https."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset({"ssl-redirect", "force-ssl-redirect", "preserve-trailing-slash"})


class Redirects(msgspec.Struct, frozen=True, gc=False):
    """Whether http requests are sent to https."""

    with_tls: bool | None = None
    """Where the host has TLS; None: as `--ssl-redirect` says."""
    always: bool = False
    """Even where it has none here, because TLS ends in front of us."""
    preserve_trailing_slash: bool = False


def read(values: Values) -> Redirects:
    """What VALUES say about redirects."""
    return Redirects(
        with_tls=values.boolean("ssl-redirect"),
        always=bool(values.boolean("force-ssl-redirect")),
        preserve_trailing_slash=bool(values.boolean("preserve-trailing-slash")),
    )

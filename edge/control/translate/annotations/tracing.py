"""Traces: enable-opentelemetry, opentelemetry-trust-incoming-span and opentelemetry-operation-name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.tracing import Tracing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

_ENABLED: Final = "enable-opentelemetry"
_TRUSTS: Final = "opentelemetry-trust-incoming-span"
_NAME: Final = "opentelemetry-operation-name"
NAMES: Final = frozenset({_ENABLED, _TRUSTS, _NAME})
DIFFERENCES: Final = {
    _ENABLED: (
        "`true` needs the flag `--enable-opentelemetry` of the proxy, which traces all other Ingresses, too: `false` "
        "takes one out."
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""
_OPERATION: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")


def _operation(text: str) -> str | None:
    return text if _OPERATION.fullmatch(text) else None


def read(values: Values) -> Iterator[Wanted]:
    """As in ingress-nginx the other two count together with `enable-opentelemetry: true` only."""
    enabled = values.boolean(_ENABLED)
    trusts = values.boolean(_TRUSTS)
    name = values.parsed(_NAME, "made of letters, digits, _ and -", _operation, "")
    if enabled is False:
        yield Wanted(Tracing(values.source(_ENABLED), on=False))
    elif enabled and (trusts is not None or name):
        yield Wanted(Tracing(values.source(_ENABLED), trusts=trusts, name=name))

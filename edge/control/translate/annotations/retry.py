"""Retries: proxy-next-upstream and its -tries and -timeout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

_NAMES: Final = ("proxy-next-upstream", "proxy-next-upstream-tries", "proxy-next-upstream-timeout")
NAMES: Final = frozenset(_NAMES)
CONDITIONS: Final = frozenset(
    {"error", "timeout", "invalid_header", "non_idempotent", "off"}
    | {f"http_{status}" for status in (500, 502, 503, 504, 403, 404, 429)}
)
"""Words of `proxy-next-upstream` (nginx, ngx_http_proxy_module, proxy_next_upstream)."""
DEFAULT_CONDITIONS: Final = frozenset({"error", "timeout"})


def read(values: Values) -> Iterator[Wanted]:
    """One policy for all three, if any of them differs from its default."""
    conditions = values.words("proxy-next-upstream", CONDITIONS) or DEFAULT_CONDITIONS
    tries = values.integer("proxy-next-upstream-tries", Retry("").tries)
    within = values.integer("proxy-next-upstream-timeout", 0)
    asked = Retry(
        values.source(*_NAMES),
        tries=1 if "off" in conditions else tries,
        timeout=float(within),
        non_idempotent="non_idempotent" in conditions or bool(values.boolean("retry-non-idempotent")),
        on_error="error" in conditions,
        on_timeout="timeout" in conditions,
        on_invalid="invalid_header" in conditions,
        on_statuses=tuple(sorted(int(word[5:]) for word in conditions if word.startswith("http_"))),
    )
    if asked != Retry(asked.source):
        yield Wanted(asked)

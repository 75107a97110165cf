"""The exchange with an endpoint: timeouts, further tries, size of the request body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from edge.table.records import Retry, Timeouts

if TYPE_CHECKING:
    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset(
    {
        "proxy-body-size",
        "proxy-connect-timeout",
        "proxy-read-timeout",
        "proxy-send-timeout",
        "proxy-next-upstream",
        "proxy-next-upstream-tries",
        "proxy-next-upstream-timeout",
    }
)
CONDITIONS: Final = frozenset(
    {"error", "timeout", "invalid_header", "non_idempotent", "off"}
    | {f"http_{status}" for status in (500, 502, 503, 504, 403, 404, 429)}
)
"""Words of `proxy-next-upstream` (nginx, ngx_http_proxy_module, proxy_next_upstream)."""
DEFAULT_CONDITIONS: Final = frozenset({"error", "timeout"})


class Exchanges(msgspec.Struct, frozen=True, gc=False):
    """How requests are passed on."""

    timeouts: Timeouts = Timeouts()
    retry: Retry = Retry()
    body_limit: int = 0
    """Bytes; 0: no limit."""


def read(values: Values) -> Exchanges:
    """What VALUES say about the exchange with an endpoint."""
    normal = Timeouts()
    conditions = values.words("proxy-next-upstream", CONDITIONS) or DEFAULT_CONDITIONS
    tries = values.integer("proxy-next-upstream-tries", Retry().tries)
    return Exchanges(
        timeouts=Timeouts(
            connect=float(values.integer("proxy-connect-timeout", int(normal.connect), least=1)),
            send=float(values.integer("proxy-send-timeout", int(normal.send), least=1)),
            read=float(values.integer("proxy-read-timeout", int(normal.read), least=1)),
        ),
        retry=Retry(
            tries=1 if "off" in conditions else tries,
            timeout=float(values.integer("proxy-next-upstream-timeout", 0)),
            non_idempotent="non_idempotent" in conditions,
            on_error="error" in conditions,
            on_timeout="timeout" in conditions,
            on_invalid="invalid_header" in conditions,
            on_statuses=tuple(sorted(int(word[5:]) for word in conditions if word.startswith("http_"))),
        ),
        body_limit=values.size("proxy-body-size", 0),
    )

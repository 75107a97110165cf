"""Time-outs and retries of a rule (Gateway API, HTTPRouteTimeouts and HTTPRouteRetry).

Rules of this file:
- A rule with time-outs is limited by them alone: the limits on an endpoint's silence that other routes have would end
  requests that the author allows.
- A rule without `retry` is retried like other routes of Edge, but not after a time-out of its own.
- With `retry` there are no more attempts than it says: one that follows the end of a kept connection counts, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.kinds.durations import seconds
from edge.table.policies import Deadline, Retry, Timeouts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.kinds.http_routes import RouteRule
    from edge.table.policies import AnyPolicy

ENDLESS: Final = 1e9
"""Seconds."""
BACKOFF: Final = 0.025
"""Seconds between two attempts where `backoff` is not given. Envoy's default, too."""
UNAVAILABLE: Final = 503


def policies(rule: RouteRule, field: str) -> Iterator[AnyPolicy]:
    """What RULE at FIELD asks for."""
    limited = rule.timeouts is not None and (rule.timeouts.request or rule.timeouts.backend_request)
    if rule.timeouts is not None and limited:
        at = f"{field}.timeouts"
        limits = Deadline(at, seconds(rule.timeouts.request) or 0.0, seconds(rule.timeouts.backend_request) or 0.0)
        yield Timeouts(at, send=ENDLESS, read=ENDLESS)
        if limits.request or limits.attempt:
            yield limits
    if rule.retry is not None:
        retry = rule.retry
        backoff = seconds(retry.backoff)
        yield Retry(
            f"{field}.retry",
            tries=retry.attempts + 1,
            on_statuses=tuple(sorted(set(retry.codes))),
            same_endpoint=True,
            backoff=BACKOFF if backoff is None else backoff,
            counts_all=True,
            when_broken=UNAVAILABLE,
        )
    elif limited:
        yield Retry(f"{field}.timeouts", on_timeout=False)

"""What /metrics shows."""

from __future__ import annotations

from dataclasses import dataclass

from edge.settings.field import CONTROL, PROXY, setting


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """What /metrics shows."""

    enable_metrics: bool = setting(True, "Serve /metrics on the admin address.", commands=CONTROL)
    nginx_metrics: bool = setting(
        True, "Also serve metrics under the names of ingress-nginx, for its dashboards and alerts.", commands=CONTROL
    )
    metrics_per_host: bool = setting(
        True, "Give metrics under the names of ingress-nginx the label `host`.", commands=CONTROL
    )
    report_status_classes: bool = setting(
        False, "Count requests by the class of their status (2xx) instead of the status.", commands=CONTROL
    )
    exclude_socket_metrics: tuple[str, ...] = setting(
        (),
        "Leave out this metric of ingress-nginx, without its prefix: requests, request_duration_seconds, "
        "response_duration_seconds, request_size or response_size. Other names have no effect.",
        placeholder="NAME",
        commands=CONTROL,
    )
    max_metric_series: int = setting(
        50_000,
        "Combinations of route, method and status that a worker counts apart; further routes are counted together.",
        placeholder="N",
        commands=PROXY,
    )

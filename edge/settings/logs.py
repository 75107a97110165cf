"""What is logged, and how."""

from __future__ import annotations

from dataclasses import dataclass

from edge.settings.field import ALL, PROXY, setting


@dataclass(frozen=True, kw_only=True)
class Logs:
    """What is logged, and how."""

    access_log: bool = setting(True, "Write a line per request to standard output.", commands=PROXY)
    log_format: str = setting(
        "text",
        "Format of all logs: text (access lines as ingress-nginx writes them) or json.",
        choices=("text", "json"),
        commands=ALL,
    )
    log_format_stream: str = setting(
        "[$remote_addr] [$time_local] $protocol $status $bytes_sent $bytes_received $session_time",
        "Text log lines of TCP and UDP sessions: the variables of nginx's stream module, $namespace, $ingress_name.",
        placeholder="TEXT",
        commands=PROXY,
    )
    log_level: str = setting(
        "info", "Least severe messages to log.", choices=("debug", "info", "warning", "error"), commands=ALL
    )

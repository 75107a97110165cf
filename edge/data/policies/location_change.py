"""Replaces the beginning of the URLs to which endpoints redirect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.data.exchange.exchange import Exchange
    from edge.data.http._message import Message
    from edge.data.policies.phases import Phases
    from edge.table.policies import LocationChange

REFRESH_URL: Final = re.compile(rb"(?i)url=")
"""What stands before the URL in a Refresh field."""


def add(policy: LocationChange, phases: Phases) -> None:
    """An edit of endpoints' responses (nginx docs, ngx_http_proxy_module, proxy_redirect)."""
    beginning, replacement = policy.beginning.encode(), policy.replacement.encode()

    def change(exchange: Exchange, response: Message, name: bytes, at: int, value: bytes) -> None:
        if value.startswith(beginning, at):
            response.hide(name.lower())
            exchange.fields += name + b": " + value[:at] + replacement + value[at + len(beginning) :] + b"\r\n"

    def edit(exchange: Exchange, response: Message | None) -> None:
        if response is None:
            return
        for location in response.passed_on(b"location")[:1]:
            change(exchange, response, b"Location", 0, location)
        for refresh in response.passed_on(b"refresh")[:1]:
            found = REFRESH_URL.search(refresh)
            if found is not None:
                change(exchange, response, b"Refresh", found.end(), refresh)

    phases.answers.append(edit)

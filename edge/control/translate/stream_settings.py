"""Settings of flags for all streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.table.records import Balance
from edge.table.streams import StreamRoute

if TYPE_CHECKING:
    from edge.settings import Settings

BALANCES: Final = {"round_robin": Balance.ROUND_ROBIN, "least_conn": Balance.LEAST_CONNECTIONS}
"""Values of --stream-load-balance that are load-balancing algorithms of a Service."""
BY_CLIENT: Final = "client_address"
"""The one that is not."""


def by_settings(settings: Settings) -> StreamRoute:
    """A stream to nowhere, as SETTINGS have all of them."""
    return StreamRoute(
        by_client=settings.stream_load_balance == BY_CLIENT,
        idle_timeout=settings.proxy_stream_timeout,
        connect_timeout=settings.proxy_stream_connect_timeout,
        tries=settings.proxy_stream_next_upstream_tries if settings.proxy_stream_next_upstream else 1,
        tries_timeout=settings.proxy_stream_next_upstream_timeout,
        responses=settings.proxy_stream_responses,
    )

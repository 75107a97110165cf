"""Exchanges with a span around each; used with `--enable-opentelemetry` only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.handling.handler import Handler

if TYPE_CHECKING:
    from edge.data.exchange.client import Client
    from edge.data.handling.handling import Handling
    from edge.data.observe.spans import Tracing


class TracedHandler(Handler):
    """Serves the requests of one client half within spans of TRACING."""

    def __init__(self, handling: Handling, client: Client, tracing: Tracing) -> None:
        super().__init__(handling, client)
        self._tracing = tracing
        self._routes = handling.router

    def run(self) -> bool:
        """As `Handler`."""
        plan = self._routes.match(self.exchange.client.request)
        wanted = plan.tracing if plan is not None else None
        if wanted is not None and not wanted.on:
            return super().run()
        self._tracing.run(self.exchange, self.serve, wanted)
        return True

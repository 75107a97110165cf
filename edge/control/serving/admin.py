"""The admin server: the page, /api, /metrics, /healthz and /readyz over HTTP, on an address of its own.

What it answers is in `edge.control.serving.admin_requests`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge.control.serving.access import Access
from edge.control.serving.admin_requests import AdminSockets, Parts
from edge.control.serving.bounded_server import Serving
from edge.control.serving.health import Health
from edge.control.serving.identity import Identity
from edge.control.serving.pages import Pages
from edge.control.serving.scrapes import Metrics
from edge.control.serving.view.api import Api
from edge.system import addresses

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from edge.control.kinds.objects import Object, ObjectId
    from edge.control.publishing.state import State
    from edge.control.serving.admission.reviews import Reviews
    from edge.control.serving.metrics.collector import Collector
    from edge.settings import Settings
    from edge.table.counters import CountersReader

logger = logging.getLogger(__name__)


class AdminServer(Serving):
    """Serves in threads of its own from `start` to `stop`."""

    def __init__(
        self,
        state: State,
        reader: CountersReader,
        settings: Settings,
        directory: Path,
        *,
        leads: Callable[[], bool] | None = None,
        stuck: Callable[[], str] | None = None,
        reviews: Reviews | None = None,
        find: Callable[[ObjectId], Object | None] = lambda _: None,
    ) -> None:
        """DIRECTORY is the table's; LEADS and REVIEWS as for `Collector`, STUCK as for `Health`, FIND as for `Api`.

        Raises:
            ConfigurationError: some of the files for TLS are not named.
        """

        def collector() -> Collector:
            from edge.control.serving.metrics.collector import Collector  # noqa: PLC0415 - see `Metrics`

            return Collector(state, reader, settings, self.health, leads=leads, reviews=reviews)

        super().__init__(addresses.parse(settings.admin), "admin")
        self.health = Health(state, reader, settings, directory, stuck=stuck)
        self.metrics = Metrics(collector)
        self.identity = Identity.of_admin(settings)
        self.access = Access(settings)
        self.api = Api(state, reader, self.health, find)
        self.pages = Pages(self.access, self.api.plain)
        self._parts = Parts(self.health, self.metrics, self.access, self.api, self.pages, settings)

    def server(self, sock: socket.socket) -> AdminSockets:
        """As `Serving`."""
        return AdminSockets(sock, self._parts, self.identity)

    def start(self) -> None:
        """As `Serving`."""
        super().start()
        if self.identity is not None:
            self.identity.context()  # so that files which cannot be used are reported at once
        self.api.start()
        logger.info("admin server on %s://%s", "https" if self.identity is not None else "http", self.address)

    def stop(self) -> None:
        """As `Serving`."""
        self.api.stop()
        super().stop()

"""What all exchanges of a worker share, and the answer where no route takes a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.data.handling.encoded import Threads
from edge.data.http import replies
from edge.table.counters import WorkerWord

if TYPE_CHECKING:
    from edge.data.handling.calls import Calls
    from edge.data.http._message import Message
    from edge.data.http.replies import Reply
    from edge.data.net.spool import Spools
    from edge.data.observe.access_log import AccessLog
    from edge.data.routing.router import Router
    from edge.table.counters import WorkerCounters


class Handling:
    """What all exchanges of a worker share.

    - `spools`: temporary files for bodies.
    - `threads`: those in which content is encoded.
    - `tunnel_timeout`: seconds of silence that a switched connection may keep.
    """

    def __init__(
        self,
        router: Router,
        calls: Calls,
        counters: WorkerCounters,
        access_log: AccessLog | None,
        spools: Spools,
        *,
        tunnel_timeout: float,
    ) -> None:
        self.router = router
        self.calls = calls
        self.counters = counters
        self.access_log = access_log
        self.spools = spools
        self.tunnel_timeout = tunnel_timeout
        self.threads = Threads()

    def unmatched(self, request: Message) -> Reply:
        """The answer to REQUEST, which no route takes, or which is a load balancer's probe."""
        self.counters.add(WorkerWord.UNMATCHED, 1)
        if self.router.generation <= 0:
            return replies.UNAVAILABLE
        return replies.HEALTHY if self.router.probed(request) else replies.NOT_FOUND

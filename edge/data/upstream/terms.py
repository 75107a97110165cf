"""The limits and retries of calls to a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.settings import LARGEST_HEAD
from edge.table.policies.request_buffering import ANY

if TYPE_CHECKING:
    from edge.table.policies import Deadline, Retry, Timeouts


class Terms:
    """How long a call may take, and when it may ask another endpoint.

    - `connect_timeout`, `send_timeout`, `read_timeout`: seconds. `retry`: when another endpoint is asked.
    - `unwanted`: statuses for which another endpoint is asked; None: there are none.
    - `body_limit`: most bytes of content that are carried from the client.
    - `largest_head`: most bytes of a response's head.
    - `deadline`: how long the request as a whole may take; None: any time.
    """

    def __init__(
        self,
        timeouts: Timeouts,
        retry: Retry,
        body_limit: int = ANY,
        largest_head: int = LARGEST_HEAD,
        deadline: Deadline | None = None,
    ) -> None:
        self.connect_timeout = timeouts.connect
        self.send_timeout = timeouts.send
        self.read_timeout = timeouts.read
        self.retry = retry
        self.unwanted = frozenset(retry.on_statuses) or None
        self.body_limit = body_limit
        self.largest_head = largest_head
        self.deadline = deadline

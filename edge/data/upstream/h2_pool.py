"""Connections to endpoints that speak HTTP/2: shared by requests, and few.

Rules of this file:
- A request goes by the first connection that has room for it; a further one is made when none has.
- One connection to an endpoint is made at a time: who needs one meanwhile waits for it, and shares its failure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gevent import Timeout
from gevent.event import AsyncResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.data.upstream.h2 import H2Upstream
    from edge.data.upstream.h2_connection import H2Connection
    from edge.data.upstream.target import Target


def take(target: Target, check: bool = False) -> H2Upstream | None:
    """A half for a request to TARGET on a connection that has room; None: there is none. CHECK: as for `Idle`."""
    for connection in target.shared:
        if connection.has_room(check):
            upstream: H2Upstream = connection.upstream()
            return upstream
    return None


def connect(target: Target, timeout: float, dial: Callable[[], H2Connection]) -> H2Upstream:
    """A half for a request to TARGET, on a new connection where none has room; DIAL makes one.

    Raises:
        TimeoutError: another request has been making one for TIMEOUT seconds.
        Exception: what DIAL has raised.
    """
    while True:
        upstream = take(target)
        if upstream is not None:
            return upstream
        attempt = target.attempt
        if attempt is None:
            _dial(target, dial)
            continue
        try:
            attempt.get(timeout=timeout or None)
        except Timeout as error:
            raise TimeoutError from error


def _dial(target: Target, dial: Callable[[], H2Connection]) -> None:
    """Make a connection to TARGET, for all who wait for one."""
    attempt = target.attempt = AsyncResult()
    try:
        connection = dial()
        if target.users:
            target.shared.append(connection)
        attempt.set(None)
    except Exception as error:
        attempt.set_exception(error)
        raise
    except BaseException:
        attempt.set(None)  # this request was ended: the others look again
        raise
    finally:
        target.attempt = None

"""Connections to endpoints that speak HTTP/2: shared by requests, and few.

Rules of this file:
- A request uses the first connection that has room for it; another one is made if none has.
- One connection to an endpoint is made at a time: requests that need one meanwhile wait for it, and share its failure.
- A request uses the connection that it has made, shared or not, so that it makes one at most.
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
    """A half for a request to TARGET, on a new connection if none has room; DIAL makes one that has room.

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
            return _dial(target, dial)
        try:
            attempt.get(timeout=timeout or None)
        except Timeout as error:
            raise TimeoutError from error


def _dial(target: Target, dial: Callable[[], H2Connection]) -> H2Upstream:
    """A half on a new connection to TARGET, which is for all requests that wait for one."""
    attempt = target.attempt = AsyncResult()
    try:
        connection = dial()
        if target.users:  # else it closes after this request
            target.shared.append(connection)
        upstream: H2Upstream = connection.upstream()
        attempt.set(None)
    except Exception as error:
        attempt.set_exception(error)
        raise
    except BaseException:
        attempt.set(None)  # this request was ended: the others try again
        raise
    else:
        return upstream
    finally:
        target.attempt = None

"""A request body on its way to an endpoint, beside the greenlet that waits for the response.

An endpoint may answer before it has read everything, or answer piece by piece while it reads: so a body that does not
fit into one buffer is carried by a greenlet of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import gevent

from edge.data.errors import MessageError, StreamError

if TYPE_CHECKING:
    from edge.data._stream import Stream
    from edge.data.exchange import Client


class Pump:
    """Carries the body of CLIENT's request to the endpoint behind STREAM."""

    def __init__(self, client: Client, stream: Stream, *, limit: int) -> None:
        """Start; LIMIT bytes at most, 0: any number."""
        self._client = client
        self._stream = stream
        self._limit = limit
        self._fault: Exception | None = None
        self.finished = False
        """Whether the endpoint has been sent all of it."""
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """End at once, wherever it is."""
        self._greenlet.kill()

    def check(self) -> None:
        """Raise the client's fault if that is why the body ended."""
        if self._fault is not None:
            raise self._fault

    def _run(self) -> None:
        client, stream = self._client, self._stream
        body, source = client.body, client.stream
        chunked = 1 if client.request.chunked else 0
        try:
            while count := body.fill():
                self._check_size(body.received)
                stream.send_from(source, count, chunked)
            if chunked:
                stream.write(b"0\r\n")
                client.write_trailers(stream)
            stream.flush()
            self.finished = True
        except StreamError as error:
            # An endpoint that stops reading may have answered: the other greenlet sees that.
            if error.stream is not stream:
                self._break(error)
        except MessageError as error:
            self._break(error)

    def _check_size(self, received: int) -> None:
        if self._limit and received > self._limit:
            raise MessageError(413, "request body too large")

    def _break(self, error: Exception) -> None:
        """The client's body is unusable: the endpoint must not take what it got for a request."""
        self._fault = error
        self._stream.fail(error)

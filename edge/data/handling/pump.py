"""A request body on its way to an endpoint, beside the greenlet that waits for the response.

An endpoint may answer before it has read everything, or answer piece by piece while it reads: so a body that does not
fit into one buffer is carried by a greenlet of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import gevent

from edge.data.net.errors import MessageError, StreamError, StreamTimeout

if TYPE_CHECKING:
    from edge.data.exchange.client import Client
    from edge.data.net._stream import Stream

FOREVER = 1e9
"""Seconds."""


class Pump:
    """Carries the body of CLIENT's request to the endpoint behind STREAM.

    While it does, the endpoint need not say anything: `stream.read_timeout` is put off until all has been sent. If the
    endpoint takes nothing for its `write_timeout`, or the body turns out to be unusable, then whoever waits for the
    response is told why.
    """

    def __init__(self, client: Client, stream: Stream, *, limit: int) -> None:
        """Start; LIMIT bytes at most, 0: any number."""
        self._client = client
        self._stream = stream
        self._limit = limit
        self._patience = stream.read_timeout
        self._fault: Exception | None = None
        self.answered = False
        """Whether the response has begun: an endpoint that takes no more of the body is left to finish it."""
        self.finished = False
        """Whether the endpoint has been sent all of it."""
        stream.read_timeout = FOREVER
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
        try:
            self._carry()
            self.finished = True
            client.stream.watch(stream)
        except StreamError as error:
            # An endpoint that hangs up may have answered: whoever waits for the response sees that.
            if error.stream is not stream or (isinstance(error, StreamTimeout) and not self.answered):
                self._break(error)
        except Exception as error:  # noqa: BLE001 - raised again where it is accounted for
            self._break(error)
        finally:
            stream.restart(self._patience)

    def _carry(self) -> None:
        client, stream = self._client, self._stream
        body, source = client.body, client.stream
        chunked = 1 if client.request.chunked else 0
        while count := body.fill():
            if self._limit and body.received > self._limit:
                raise MessageError(413, "request body too large")
            stream.send_from(source, count, chunked)
        if chunked:
            stream.write(b"0\r\n")
            client.write_trailers(stream)
        stream.flush()

    def _break(self, error: Exception) -> None:
        """The client's body is unusable: the endpoint must not take what it got for a request."""
        self._fault = error
        self._stream.fail(error)

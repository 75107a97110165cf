"""A request's content on its way to an endpoint, beside the greenlet that waits for the response.

An endpoint may answer before it has read everything, or answer piece by piece while it reads: so content that does not
fit into one buffer is carried by a greenlet of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import gevent

from edge.data.net.errors import ExchangeError, MessageError, StreamTimeout

if TYPE_CHECKING:
    from edge.data.exchange.client import Client
    from edge.data.exchange.upstream import Upstream
    from edge.data.http._content import Content


class Pump:
    """Carries CONTENT, that of CLIENT's request, to UPSTREAM.

    While it does, the endpoint may be silent for any time. If the endpoint takes nothing for its send timeout, or the
    content turns out to be unusable, then the wait for the response ends with that error.
    """

    def __init__(self, client: Client, upstream: Upstream, content: Content, *, limit: int) -> None:
        """Start; LIMIT bytes at most."""
        self._client = client
        self._content = content
        self._upstream = upstream
        self._limit = limit
        self._patience = upstream.be_patient()
        self._fault: Exception | None = None
        self.answered = False
        """Whether the response has begun: then an endpoint may stop reading the content and finish its response."""
        self.finished = False
        """Whether the endpoint has been sent all of it."""
        self._greenlet = gevent.spawn(self._run)

    def stop(self) -> None:
        """End at once."""
        self._greenlet.kill()

    def check(self) -> None:
        """Raise the client's fault if that is why the content ended."""
        if self._fault is not None:
            raise self._fault

    def _run(self) -> None:
        upstream = self._upstream
        try:
            self._carry()
            self.finished = True
            self._client.watch(upstream)
        except ExchangeError as error:
            # An endpoint that hangs up may have answered: the wait for the response finds out.
            if not error.endpoint or (isinstance(error, StreamTimeout) and not self.answered):
                self._break(error)
        except Exception as error:  # noqa: BLE001 - raised again where it is accounted for
            self._break(error)
        finally:
            upstream.be_impatient(self._patience)

    def _carry(self) -> None:
        content, upstream = self._content, self._upstream
        while count := content.fill():
            if content.received > self._limit:
                raise MessageError(413, "request body too large")
            upstream.send(content.buffer, count)
        upstream.finish(self._client.trailers())

    def _break(self, error: Exception) -> None:
        """The content is malformed: fail, so that the endpoint does not take it for a complete request."""
        self._fault = error
        self._upstream.fail(error)

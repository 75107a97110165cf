"""The output of a FastCGI application, decoded from its records.

What it writes to its standard error goes to the log.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge.data.net._buffer import Buffer
from edge.data.net.errors import IncompleteResponse, ResponseError
from edge.data.upstream import fast_cgi_records as records

if TYPE_CHECKING:
    from edge.data.net._stream import Stream

log = logging.getLogger("edge.data")

MOST_ERRORS = 4096
"""Bytes of one request's standard error that are logged."""
ROOM = 65536
"""Bytes that a buffer takes."""


class Output(Buffer):
    """The standard output of an application, out of the records on STREAM.

    `ended`: all of it has come. `errors`: what has come of the standard error.
    """

    def __init__(self, stream: Stream, name: str) -> None:
        """NAME: of the endpoint, for the log."""
        super().__init__()
        self.ended = False
        self.errors = b""
        self._stream = stream
        self._name = name
        self._left = 0
        self._padding = 0

    def fill(self, wait: bool = False) -> int:  # noqa: ARG002 - the stream knows it
        """As `Buffer`.

        Raises:
            ResponseError: it is not FastCGI, or the application refuses the request.
            StreamError: the stream broke or was silent for too long.
        """
        while not self._left:
            if self.ended or not self._next():
                return 0
        count = min(self._left, len(self._some()), ROOM - len(self))
        self.feed(self._stream.take(count))
        self._left -= count
        return count

    def _next(self) -> bool:
        """Read on to the next record with output; False: there is none any more."""
        self._take(self._padding)
        self._padding = 0
        header = records.read_header(self._take(records.HEADER.size))
        if header is None:
            raise ResponseError("malformed FastCGI record")
        self._padding = header.padding
        if header.kind == records.STDOUT:
            self._left = header.content
        elif header.kind == records.STDERR:
            self._note(self._take(header.content))
        elif header.kind == records.END_REQUEST and header.content == records.END.size:
            self.ended = True
            status = records.END.unpack(self._take(header.content))[1]
            if status:
                raise ResponseError(f"the application {records.FAILURES.get(status, 'refuses')}")
        else:
            raise ResponseError("unexpected FastCGI record")
        return not self.ended

    def _note(self, text: bytes) -> None:
        if text and len(self.errors) < MOST_ERRORS:
            log.error(
                "endpoint %s: FastCGI stderr: %s", self._name, ascii(text.rstrip().decode("utf-8", "replace"))[1:-1]
            )
        self.errors += text[: MOST_ERRORS - len(self.errors)]

    def _some(self) -> Stream:
        """The stream, with bytes in its buffer."""
        if not len(self._stream) and self._stream.fill() == 0:
            raise IncompleteResponse("the endpoint closed the connection within its answer")
        return self._stream

    def _take(self, count: int) -> bytes:
        taken = b""
        while len(taken) < count:
            stream = self._some()
            taken += stream.take(min(count - len(taken), len(stream)))
        return taken

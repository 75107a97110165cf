"""The endpoint's half of an exchange over FastCGI: one connection, one request (FastCGI Specification; RFC 3875).

Rules of this file:
- The fields of a request are those that an endpoint that speaks HTTP would get, as HTTP_*, unless a parameter has that
  name.
- An application needs the length of the content (RFC 3875, section 4.2): content of unknown length is read first
  (`edge.data.policies.fast_cgi`); if it has not been, the request is answered 411.
- The head of the response is parsed as in HTTP/1.1, so an application can send nothing that an HTTP endpoint cannot.
  Lines may end with LF alone (RFC 3875, section 6.2).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edge.data.exchange.upstream import Upstream
from edge.data.http.h1._body import Body
from edge.data.http.h1._head import Head
from edge.data.http.h1._writing import HeadWriter
from edge.data.net._buffer import Buffer
from edge.data.net.errors import MessageError, ResponseError
from edge.data.upstream import fast_cgi_records as records
from edge.data.upstream.fast_cgi_output import Output
from edge.data.upstream.h1 import FOREVER

if TYPE_CHECKING:
    from edge.data.http._fields import FieldLines, Limits
    from edge.data.http._message import Outgoing
    from edge.data.net._stream import Stream
    from edge.data.upstream.target import Target

_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"[1-9][0-9][0-9](?: [^\r\n]*)?")
_NOT_PASSED_ON = re.compile(rb"(?:status|connection|transfer-encoding|x-accel-[a-z-]+)[ \t]*:", re.IGNORECASE)


class FastCgiUpstream(Upstream):
    """A connection to TARGET."""

    def __init__(self, target: Target, stream: Stream, limits: Limits) -> None:
        """LIMITS: of the heads of responses."""
        stream.to_endpoint = True
        self.name = target.name
        self.stream = self.waiter = stream
        self.response = self.head = Head()
        self.output = Output(stream, target.name)
        self.content = self.body = Body(self.output, False)
        self._limits = limits

    # --- the request ----------------------------------------------------------------------------------------------

    def begin(self, request: Outgoing, send_timeout: float, read_timeout: float) -> None:
        """As `Upstream`."""
        if request.streamed():
            raise MessageError(411, "an application that speaks FastCGI must know the length of the content")
        stream = self.stream
        stream.write_timeout = send_timeout
        stream.read_timeout = read_timeout
        HeadWriter(stream).request(request)
        parameters = dict(request.parameters)
        parameters.setdefault(b"CONTENT_LENGTH", b"%d" % request.length if request.length >= 0 else b"")
        for name, value in _fields(stream.take_output()).items():
            parameters.setdefault(name, value)
        stream.write(records.begin(parameters.items()))

    def send_all(self, content: bytes) -> None:
        """As `Upstream`."""
        self.stream.send(records.stream(records.STDIN, content))

    def send(self, source: Buffer, count: int) -> None:
        """As `Upstream`."""
        while count:
            piece = min(count, records.MOST)
            count -= piece
            self.stream.write(records.header(records.STDIN, piece))
            self.stream.send_from(source, piece)

    def flush(self) -> None:
        """As `Upstream`."""
        self.stream.flush()

    def finish(self, trailers: FieldLines | None) -> None:  # noqa: ARG002 - CGI has none
        """As `Upstream`."""
        self.stream.send(records.header(records.STDIN, 0))

    # --- the response ---------------------------------------------------------------------------------------------

    def receive(self, first: bool) -> None:  # noqa: ARG002 - there is only one
        """As `Upstream`."""
        source = Buffer()
        source.feed(_as_http(self._head_text()))
        self.head.read_response(source, self._limits, False)
        if self.head.status < 200:
            raise ResponseError("an interim response by FastCGI")

    def _head_text(self) -> bytes:
        """The head of the response, without the empty line at its end."""
        output = self.output
        while (found := _END_OF_HEAD.search(b"\n" + output.peek())) is None:
            if len(output) > self._limits.head:
                raise ResponseError("head too large")
            if output.fill() == 0:
                raise ResponseError("the application ended without an answer")
        text = output.take(found.end() - 1)
        return text[: found.start() - 1] if found.start() else b""

    def start_content(self, bodiless: bool) -> None:
        """As `Upstream`."""
        if bodiless:
            self.body.start(-1, False, False)
        else:
            self.body.start(self.head.length, False, True)

    def trailers(self) -> FieldLines | None:
        """As `Upstream`."""
        return None

    def length(self) -> int:
        """As `Upstream`."""
        return self.head.length

    def waiting(self) -> bool:
        """As `Upstream`."""
        return not len(self.output) and not len(self.stream)

    def be_patient(self) -> float:
        """As `Upstream`."""
        patience = self.stream.read_timeout
        self.stream.read_timeout = FOREVER
        return patience

    def be_impatient(self, timeout: float) -> None:
        """As `Upstream`."""
        self.stream.restart(timeout)

    def fail(self, error: Exception) -> None:
        """As `Upstream`."""
        self.stream.fail(error)

    # --- afterwards -----------------------------------------------------------------------------------------------

    def unprocessed(self) -> bool:
        """As `Upstream`; it cannot be known."""
        return False

    def reusable(self, bodiless: bool) -> bool:  # noqa: ARG002 - in no case
        """As `Upstream`: each connection serves one request."""
        return False

    def close(self) -> None:
        """As `Upstream`."""
        self.stream.close()

    def switched(self) -> Stream:
        """As `Upstream`."""
        raise ResponseError("FastCGI switches to no other protocol")


def _fields(head: bytes) -> dict[bytes, bytes]:
    """The fields in HEAD of a request as parameters; several of one name are joined (RFC 9110, section 5.3)."""
    found: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n")[1:-2]:
        name, _, value = line.partition(b":")
        name, value = b"HTTP_" + name.upper().replace(b"-", b"_"), value.strip(b" \t")
        between = b"; " if name == b"HTTP_COOKIE" else b", "
        found[name] = found[name] + between + value if name in found else value
    return found


def _as_http(head: bytes) -> bytes:
    """HEAD, that of a CGI response, in HTTP/1.1 (RFC 3875, section 6.3)."""
    lines = [line.removesuffix(b"\r") for line in head.split(b"\n")] if head else []
    status, located = b"", False
    for line in lines:
        name, colon, value = line.partition(b":")
        if colon and name.strip().lower() == b"status":
            status = value.strip()
            if not _STATUS.fullmatch(status):
                raise ResponseError("malformed Status")
        located = located or bool(colon and name.lower() == b"location")
    status = status or (b"302 Found" if located else b"200 OK")
    kept = [line for line in lines if not _NOT_PASSED_ON.match(line)]
    return b"\r\n".join([b"HTTP/1.1 " + (status if b" " in status else status + b" "), *kept, b"", b""])

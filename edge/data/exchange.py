"""One request's way: match, policies, endpoint, upstream, relay.

Rules of this file:
- It does not know which HTTP version the client speaks: it sees a `Client`, a `Head` and bodies that are filled and
  sent piece by piece. Nothing is held back, and nothing beyond a buffer is held.
- Every fault ends here. The type and the stream of an exception say whose it is; `_answer_fault` is the one place
  that turns it into an answer.
- An answer that has begun is never repaired: what comes too late breaks the connection, visibly for the client.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from edge.data import replies
from edge.data._head import new_request_id
from edge.data.errors import MessageError, PeerGone, StreamError, StreamTimeout
from edge.data.pump import Pump
from edge.data.tunnel import tunnel
from edge.data.upstream import ConnectError
from edge.table.counters import Process

if TYPE_CHECKING:
    from edge.data._body import Body
    from edge.data._head import Head
    from edge.data._stream import Buffer, Stream
    from edge.data.balancing import Target
    from edge.data.plan import Plan
    from edge.data.replies import Reply
    from edge.data.service import Service
    from edge.data.upstream import Upstream

IDEMPOTENT = frozenset((b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"TRACE"))
"""RFC 9110, section 9.2.2."""
WHOLE_BODY = 32768
"""Bytes up to which a request body of known length is read before an endpoint is asked: it can then be sent again,
and a slow client occupies no endpoint."""
MOST_INTERIM = 32
"""Responses of status 1xx to one request."""
CLIENT_CLOSED = 499
"""nginx's status, for logs and metrics, of a request whose client did not wait for the answer."""


class Client:
    """What an exchange needs of the client's side, whatever its HTTP version.

    - `request`, `body`, `stream`: the head, and where the content comes from and the answer goes to.
    - `secure`, `address`: whether it came by TLS, and from where.
    - `forwarded_host`, `upstream_host`: Host as the client addressed it, and for the endpoint.
    - `added`: field lines that tell an endpoint about the client.
    """

    request: Head
    body: Body
    stream: Stream
    secure: bool
    address: str
    forwarded_host: bytes
    upstream_host: bytes
    added: bytes

    def expect_body(self) -> None:
        """The body is wanted now (RFC 9110, section 10.1.1)."""
        raise NotImplementedError

    def reply(self, reply: Reply) -> None:
        """Send a complete answer."""
        raise NotImplementedError

    def interim(self, response: Head) -> None:
        """Pass on a 1xx response."""
        raise NotImplementedError

    def begin(self, response: Head, length: int, hsts: bytes) -> None:
        """Begin the final response; LENGTH of its body, -1 where it is not known, -2 where there is none."""
        raise NotImplementedError

    def send(self, source: Buffer, count: int, last: bool) -> None:
        """Send the first COUNT bytes of SOURCE as a piece of the body; LAST: it is the end, without trailers."""
        raise NotImplementedError

    def flush(self) -> None:
        """Send what has been begun."""
        raise NotImplementedError

    def finish(self, trailers: bytes) -> None:
        """End the response."""
        raise NotImplementedError

    def write_trailers(self, stream: Stream) -> None:
        """Put the request's trailers, and the end of a chunked body, into STREAM's output buffer."""
        raise NotImplementedError

    def abort(self) -> None:
        """End the response so that the client sees that it is not complete."""
        raise NotImplementedError


class Exchange:
    """A request and its response; reused for all requests of a client connection that come one after another."""

    def __init__(self, service: Service, client: Client) -> None:
        self._service = service
        self._router = service.router
        self._upstreams = service.upstreams
        self._endpoints = service.endpoints
        self._budget = service.retry_budget
        self._limits = service.response_limits
        self._access_log: Any = service.access_log
        self._lines: Any = service.access_log.lines if service.access_log is not None else None
        self.client = client
        self.request_id = b""
        self.upstream_status = 0
        self._target: Target | None = None
        self._begun = False
        self._again = False
        self._upstream_started = 0.0
        self._upstream_time = -1.0
        self._body_sent = 0
        self._pump: Pump | None = None

    def run(self) -> None:
        """Serve the request that stands in `client.request`."""
        started = monotonic()
        service, client = self._service, self.client
        request = client.request
        sent = client.stream.sent
        self._budget.requests += 1
        self._begun = False
        self._body_sent = 0
        self._target = None
        self._upstream_time = -1.0
        self.request_id = request.id or new_request_id()
        plan = self._router.match(request.host, request.target)
        try:
            reply = self._serve(plan) if plan is not None else service.default_reply(request)
            status = reply.status if reply is not None else self.upstream_status
        except (StreamError, MessageError) as error:
            status, reply = self._answer_fault(error)
        if reply is not None:
            try:
                client.reply(reply)
                self._body_sent = len(reply.body) if request.method != b"HEAD" else 0
            except StreamError:
                client.abort()
                status = CLIENT_CLOSED
        if plan is not None:
            self._account(plan, status, started, client.stream.sent - sent)
        else:
            self._log_unmatched(status, monotonic() - started)

    # --- the way out ----------------------------------------------------------------------------------------------

    def _serve(self, plan: Plan) -> Reply | None:
        """The answer to make, or None when an endpoint's has been passed on."""
        client = self.client
        for step in plan.steps:
            reply = step(client)
            if reply is not None:
                return reply
        balancer = plan.balancer
        assert balancer is not None  # noqa: S101 - a plan without one ends in a step that answers
        if balancer.generation != self._endpoints.generation:
            balancer.update()
        target = balancer.choose(())
        if target is None:
            return replies.UNAVAILABLE
        request = client.request
        if request.length <= 0 and not request.chunked:
            return self._attempts(plan, target, b"", True)
        client.expect_body()
        if 0 < request.length <= WHOLE_BODY:
            return self._attempts(plan, target, self._whole_body(request.length), True)
        return self._attempts(plan, target, None, False)

    def _whole_body(self, length: int) -> bytes:
        pieces = []
        body = self.client.body
        while count := body.fill():
            pieces.append(self.client.stream.take(count))
        whole = b"".join(pieces)
        assert len(whole) == length  # noqa: S101 - what `Body` is for
        return whole

    def _attempts(self, plan: Plan, target: Target, payload: bytes | None, replayable: bool) -> Reply | None:
        """Ask endpoints until one answers; PAYLOAD None: the body is streamed and can be sent once only."""
        service, limits = self._service, plan.route.retry
        give_up = monotonic() + limits.timeout if limits.timeout else 0.0
        replayable = replayable and (self.client.request.method in IDEMPOTENT or limits.non_idempotent)
        tried: tuple[Target, ...] = ()
        while True:
            self._target = target
            failure = self._attempt(plan, target, payload, replayable)
            if failure is None:
                return None
            tried += (target,)
            if not self._again or len(tried) == limits.tries or (give_up and monotonic() > give_up):
                return failure
            another = plan.balancer.choose(tried) if plan.balancer is not None else None
            if another is None or not service.retry_budget.take():
                return failure
            service.counters.add(Process.RETRIES, 1)
            target = another

    def _attempt(self, plan: Plan, target: Target, payload: bytes | None, replayable: bool) -> Reply | None:
        """Ask TARGET; None: its answer has been passed on.

        Otherwise what to answer if nobody else helps; `_again` says whether somebody else may be asked, which is when
        nothing has been sent, or nothing has come back and the request is REPLAYABLE.
        """
        upstream = self._upstreams.reuse(target, not replayable)
        while True:
            reused = upstream is not None
            if upstream is None:
                try:
                    upstream = self._upstreams.connect(target, plan.route.timeouts.connect)
                except ConnectError as error:
                    self._connect_failed(target, error)
                    self._again = True
                    return replies.GATEWAY_TIMEOUT if error.status == 504 else replies.BAD_GATEWAY
                target.succeeded()
            target.in_flight += 1
            try:
                self._send(upstream, plan, payload)
                self._receive(upstream)
                self._relay(upstream, plan)
            except (StreamError, MessageError) as error:
                self._end_upstream(upstream)
                if self._begun or self._is_clients(error):
                    raise
                self._service.log.debug("endpoint %s: %s", target.name, error)
                late = isinstance(error, StreamTimeout)
                self._again = replayable and not upstream.head.size
                if not (self._again and reused) or late:
                    return replies.GATEWAY_TIMEOUT if late else replies.BAD_GATEWAY
            except BaseException:
                self._end_upstream(upstream)
                raise
            else:
                return None
            finally:
                target.in_flight -= 1
            upstream = None  # the kept connection had been closed meanwhile: that says nothing about the endpoint

    def _connect_failed(self, target: Target, error: ConnectError) -> None:
        service = self._service
        service.counters.add(Process.UPSTREAM_CONNECT_FAILURES, 1)
        if target.failed():
            service.counters.add(Process.EJECTIONS, 1)
            service.log.warning("endpoint %s is left out for a while: %s", target.name, error)

    def _send(self, upstream: Upstream, plan: Plan, payload: bytes | None) -> None:
        client, stream = self.client, upstream.stream
        timeouts = plan.route.timeouts
        stream.write_timeout = timeouts.send
        stream.read_timeout = timeouts.read
        upstream.requests += 1
        upstream.head.size = 0
        self._upstream_started = monotonic()
        client.request.write_request(
            stream, client.request.target, client.upstream_host, client.forwarded_host, client.added, self.request_id
        )
        client.stream.partner = stream
        if payload:
            stream.send(payload)
        else:
            stream.flush()
            if payload is None:
                self._pump = Pump(client, stream, limit=plan.route.body_limit)

    # --- the way back ---------------------------------------------------------------------------------------------

    def _receive(self, upstream: Upstream) -> None:
        """Read the head of the final response; 1xx are passed on or, for 100, dropped (RFC 9110, section 15.2)."""
        response, stream, client = upstream.head, upstream.stream, self.client
        limits = self._limits
        response.read_response(stream, limits, True)
        interim = 0
        while response.status < 200 and not (response.status == 101 and client.request.upgrade):
            interim += 1
            if response.status == 101:
                raise MessageError(502, "switched protocols unasked")
            if interim > MOST_INTERIM:
                raise MessageError(502, "interim responses without end")
            if response.status != 100:
                client.interim(response)
            response.read_response(stream, limits, False)
        if self._pump is not None:
            self._pump.check()

    def _relay(self, upstream: Upstream, plan: Plan) -> None:
        """Pass the response on; afterwards UPSTREAM is released or closed."""
        client, response, stream = self.client, upstream.head, upstream.stream
        status = self.upstream_status = response.status
        self._begun = True
        if status == 101:
            self._switch(upstream)
            return
        hsts = plan.hsts if client.secure else b""
        body = upstream.body
        if client.request.method == b"HEAD" or status in (204, 304):
            body.start(-1, False, False)
            client.begin(response, -2, hsts)
            client.flush()
        else:
            body.start(response.length, response.chunked, True)
            client.begin(response, response.length, hsts)
            if not len(stream):
                client.flush()
            while count := body.fill():
                client.send(stream, count, body.done and not body.trailers)
            client.finish(body.trailers)
            self._body_sent = body.received
        now = monotonic()
        self._upstream_time = now - self._upstream_started
        client.stream.partner = None
        if self._pump is not None and not self._pump.finished:
            self._end_upstream(upstream)
        elif (
            response.keep_alive
            and (response.length >= 0 or response.chunked or status in (204, 304))
            and not len(stream)
        ):
            self._pump = None
            self._upstreams.release(upstream, now)
        else:
            self._end_upstream(upstream)

    def _switch(self, upstream: Upstream) -> None:
        """Both sides agreed on another protocol: from here on bytes are only carried."""
        client, service = self.client, self._service
        try:
            client.begin(upstream.head, -2, b"")
            client.flush()
            client.stream.partner = None
            tunnel(
                client.stream, upstream.stream, timeout=service.settings.websocket_timeout, counters=service.counters
            )
        finally:
            self._upstream_time = monotonic() - self._upstream_started
            upstream.close()

    # --- endings --------------------------------------------------------------------------------------------------

    def _end_upstream(self, upstream: Upstream) -> None:
        self.client.stream.partner = None
        if self._pump is not None:
            self._pump.stop()
            self._pump = None
        upstream.close()

    def _is_clients(self, error: StreamError | MessageError) -> bool:
        if isinstance(error, PeerGone):
            return True
        if isinstance(error, StreamError):
            return error.stream is self.client.stream
        return error.status != 502

    def _answer_fault(self, error: StreamError | MessageError) -> tuple[int, Reply | None]:
        """Status to account and answer to give for what went wrong."""
        if isinstance(error, MessageError):
            status = error.status
        elif isinstance(error, StreamTimeout):
            status = 408 if error.stream is self.client.stream else 504
        elif self._is_clients(error):
            self.client.abort()
            return CLIENT_CLOSED, None
        else:
            status = 502
        if self._begun:
            self.client.abort()
            return self.upstream_status, None
        return status, replies.plain(status)

    def _account(self, plan: Plan, status: int, started: float, sent: int) -> None:
        request = self.client.request
        duration = monotonic() - started
        received = request.size + self.client.body.received
        plan.series(request.method, status).record(duration, self._upstream_time, received, sent)
        if plan.logged:
            self._log(plan.log_name, status, duration)

    def log_refused(self, status: int) -> None:
        """Log what was no request and has been answered with STATUS."""
        self._target = None
        self._body_sent = 0
        self.request_id = b""
        self._log_unmatched(status, 0.0)

    def _log_unmatched(self, status: int, duration: float) -> None:
        log = self._access_log
        if log is not None:
            self._log(log.no_route, status, duration)

    def _log(self, name: bytes, status: int, duration: float) -> None:
        client, target = self.client, self._target
        request = client.request
        if self._lines.add(
            request,
            client.address,
            status,
            self._body_sent,
            request.size + client.body.received,
            duration,
            name,
            target.name if target is not None and self._upstream_time >= 0 else "",
            self._upstream_time,
            self.upstream_status,
            self.request_id,
        ):
            self._access_log.flush()

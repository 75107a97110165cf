"""One request's way: match, policies, endpoint, upstream, relay.

Rules of this file:
- It does not know which HTTP version the client speaks: it sees a `Client`, a `Head` and bodies that are filled and
  sent piece by piece. Nothing is held back, and nothing beyond a buffer is held.
- Every fault ends here. The type and the stream of an exception say whose it is; `_answer_fault` is the one place
  that turns it into an answer.
- An answer that has begun is never repaired: what comes too late breaks the connection, visibly for the client.
- Whatever happens, `_attempts` leaves no connection to an endpoint behind that nobody owns.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from edge.data.handling.pump import Pump
from edge.data.http import replies
from edge.data.net.errors import Incomplete, MessageError, PeerGone, StreamError, StreamTimeout
from edge.data.net.tunnel import tunnel
from edge.data.upstream.attempts import IDEMPOTENT, Attempt, Failure, Kind, allows
from edge.data.upstream.pool import ConnectError
from edge.table.counters import Process
from edge.table.records import Timeouts

if TYPE_CHECKING:
    from edge.data.exchange.client import Client
    from edge.data.http.replies import Reply
    from edge.data.process.proxy import Service
    from edge.data.routing.plan import Plan
    from edge.data.upstream.balancing import Target
    from edge.data.upstream.pool import Upstream

WHOLE_BODY = 32768
"""Bytes up to which a request body of known length is read before an endpoint is asked: it can then be sent again,
and a slow client occupies no endpoint."""
MOST_INTERIM = 32
"""Responses of status 1xx to one request."""
CLIENT_CLOSED = 499
"""nginx's status, for logs and metrics, of a request whose client did not wait for the answer."""


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
        self._upstream: Upstream | None = None
        """The connection that is in use now."""
        self._earlier: list[Attempt] | None = None
        self._begun = False
        self._started = 0.0
        self._upstream_started = 0.0
        self._upstream_time = -1.0
        self._relayed = 0
        """Bytes of the response's body that have been passed on."""
        self._replied = 0
        """Bytes of the body of an answer of our own."""
        self._tunnelled = 0
        """Bytes received from the client after the protocol was switched."""
        self._pump: Pump | None = None

    def run(self) -> None:
        """Serve the request that stands in `client.request`."""
        started = self._started = monotonic()
        service, client = self._service, self.client
        request = client.request
        sent = client.stream.sent
        self._budget.requests += 1
        self._begun = False
        self._relayed = self._replied = self._tunnelled = 0
        self._target = self._earlier = None
        self._upstream_time = -1.0
        self.request_id = request.identify()
        plan = None
        try:
            plan = self._router.match(request.host, request.target)
            reply = self._serve(plan) if plan is not None else service.default_reply(request)
            status = reply.status if reply is not None else self.upstream_status
        except (StreamError, MessageError) as error:
            status, reply = self._answer_fault(error)
        except Exception:  # noqa: BLE001 - a fault of ours costs one request, not the worker
            status, reply = self._answer_bug()
        if reply is not None:
            try:
                client.reply(reply, plan.hsts if plan is not None and client.secure else b"")
                self._replied = len(reply.body) if request.method != b"HEAD" else 0
            except StreamError:
                client.abort(False)
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
            return self._attempts(plan, target, b"")
        client.expect_body()
        if 0 < request.length <= WHOLE_BODY:
            return self._attempts(plan, target, self._whole_body(request.length))
        return self._attempts(plan, target, None)

    def _whole_body(self, length: int) -> bytes:
        pieces = []
        body = self.client.body
        while count := body.fill():
            pieces.append(self.client.stream.take(count))
        whole = b"".join(pieces)
        assert len(whole) == length  # noqa: S101 - what `Body` is for
        return whole

    def _attempts(self, plan: Plan, target: Target, payload: bytes | None) -> Reply | None:
        """Ask endpoints until one answers; PAYLOAD None: the body is streamed and can be sent once only."""
        tried: tuple[Target, ...] = ()
        while True:
            self._target = target
            another = None
            target.in_flight += 1
            try:
                failure = self._ask(plan, target, payload)
                if failure is None and plan.unwanted is not None:
                    failure = self._unwanted(plan, payload)
                if failure is not None:
                    tried = (*tried, target)
                    another = self._another(plan, failure, tried)
                if another is None and self._upstream is not None:
                    self._relay(self._upstream, plan)
                    return None
            finally:
                target.in_flight -= 1
                self._end_upstream()
            assert failure is not None  # noqa: S101 - otherwise there was an answer
            if another is None:
                self._tell(target, "no answer", failure.reason)
                return failure.reply
            self._note(target)
            self._service.counters.add(Process.RETRIES, 1)
            target = another

    def _ask(self, plan: Plan, target: Target, payload: bytes | None) -> Failure | None:
        """Have TARGET answer; None: the head of its response has come, from `_upstream`."""
        replayable = payload is not None and self._repeatable(plan)
        self._upstream_started = monotonic()
        self._upstream_time = -1.0
        self.upstream_status = 0
        upstream = self._upstreams.reuse(target, not replayable)
        while True:
            reused = upstream is not None
            try:
                if upstream is None:
                    upstream = self._upstreams.connect(target, plan.connect_timeout)
                    target.succeeded()
                self._upstream = upstream
                self._send(upstream, plan, payload)
                self._receive(upstream)
            except ConnectError as error:
                return self._not_connected(target, error)
            except (StreamError, MessageError) as error:
                failure = self._broken(error, plan, payload)
                if not reused and failure.kind is Kind.BREAK and target.broke():
                    self._ejected(target, error)
                if not reused or not failure.repeatable or failure.kind is Kind.TIMEOUT:
                    return failure
            else:
                if not reused or not replayable or upstream.head.status != 408:
                    target.breaks = 0
                    return None
            # A kept connection that has been closed meanwhile, or given up with 408, says nothing about the endpoint.
            self._end_upstream()
            upstream = None

    def _send(self, upstream: Upstream, plan: Plan, payload: bytes | None) -> None:
        client, stream = self.client, upstream.stream
        stream.write_timeout = plan.send_timeout
        stream.read_timeout = plan.read_timeout
        upstream.requests += 1
        upstream.sent_before = stream.sent
        upstream.head.size = 0
        client.request.write_request(
            stream, client.request.target, client.upstream_host, client.forwarded_host, client.added, self.request_id
        )
        if payload is None:
            stream.flush()
            self._pump = Pump(client, stream, limit=plan.route.body_limit)
            return
        client.stream.watch(stream)
        if payload:
            stream.send(payload)
        else:
            stream.flush()

    # --- what comes to nothing ------------------------------------------------------------------------------------

    def _repeatable(self, plan: Plan) -> bool:
        return self.client.request.method in IDEMPOTENT or plan.route.retry.non_idempotent

    def _not_connected(self, target: Target, error: ConnectError) -> Failure:
        service = self._service
        self._upstream_time = monotonic() - self._upstream_started
        self.upstream_status = error.status
        if error.ours:
            service.log.error("no connection to endpoint %s", error)
            return Failure(Kind.OURS, replies.plain(error.status), False)
        service.counters.add(Process.UPSTREAM_CONNECT_FAILURES, 1)
        if target.failed():
            self._ejected(target, error)
        timed_out = error.status == 504
        kind = Kind.TIMEOUT if timed_out else Kind.CONNECT
        return Failure(kind, replies.plain(error.status), True, str(error))

    def _broken(self, error: StreamError | MessageError, plan: Plan, payload: bytes | None) -> Failure:
        """What ERROR, before the answer has come, means for the attempt; raised again where it is the client's."""
        upstream = self._upstream
        assert upstream is not None  # noqa: S101 - it has just been asked
        if self._pump is not None:
            self._pump.stop()
        if self._is_clients(error):
            raise error
        ended = isinstance(error, Incomplete)
        repeatable = (payload is not None or self.client.body.received == 0) and (
            self._repeatable(plan) or (ended and not upstream.head.size and upstream.unheard())
        )
        self._end_upstream()
        self._service.log.debug("endpoint %s: %s", upstream.target.name, error)
        if isinstance(error, StreamTimeout):
            kind, reply = Kind.TIMEOUT, replies.GATEWAY_TIMEOUT
        elif isinstance(error, StreamError) or ended:
            kind, reply = Kind.BREAK, replies.BAD_GATEWAY
        else:
            kind, reply = Kind.INVALID, replies.BAD_GATEWAY
        self.upstream_status = reply.status
        return Failure(kind, reply, repeatable, f"{upstream.target.name}: {error}")

    def _unwanted(self, plan: Plan, payload: bytes | None) -> Failure | None:
        """A failure where another endpoint is to be asked because of the status that has come."""
        assert self._upstream is not None  # noqa: S101 - its answer has come
        assert plan.unwanted is not None  # noqa: S101 - asked by the caller
        status = self.upstream_status = self._upstream.head.status
        if status not in plan.unwanted or payload is None or not self._repeatable(plan):
            return None
        return Failure(Kind.STATUS, replies.plain(status), True)

    def _another(self, plan: Plan, failure: Failure, tried: tuple[Target, ...]) -> Target | None:
        """Whom to ask after FAILURE, if that is allowed."""
        retry, balancer = plan.route.retry, plan.balancer
        assert balancer is not None  # noqa: S101 - one has been asked
        if not failure.repeatable or not allows(retry, failure.kind) or len(tried) == retry.tries:
            return None
        if retry.timeout and monotonic() - self._started > retry.timeout:
            return None
        another = balancer.choose(tried)
        if another is None and failure.kind is Kind.BREAK and retry.tries:
            another = balancer.choose(())  # the one that there is may do better at the next attempt
        return another if another is not None and self._budget.take() else None

    def _ejected(self, target: Target, error: Exception) -> None:
        self._service.counters.add(Process.EJECTIONS, 1)
        times = target.failures
        if times & (times - 1) == 0:  # one that is asked all the same, for want of another, would fill the log
            self._service.log.warning("endpoint %s is left out for a while (%d): %s", target.name, times, error)

    def _tell(self, target: Target, what: str, reason: str) -> None:
        """Log, now and then, WHAT came of a request because of TARGET, and for what REASON; empty: it is logged."""
        if reason and target.may_be_told():
            request = self.client.request
            path = request.target.partition(b"?")[0].decode("latin-1")
            host, method = request.host.decode("latin-1"), request.method.decode("latin-1")
            self._service.log.warning("%s to %s %s%s: endpoint %s", what, method, host, path, reason)

    def _note(self, target: Target) -> None:
        """Remember the attempt at TARGET for the log."""
        if self._earlier is None:
            self._earlier = []
        self._earlier.append(Attempt(target.name, self._upstream_time, self.upstream_status))

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
        """Pass the response on; afterwards UPSTREAM has been released, or is still to be ended."""
        client, response, stream, body = self.client, upstream.head, upstream.stream, upstream.body
        pump = self._pump
        status = self.upstream_status = response.status
        self._begun = True
        if status == 101:
            self._switch(upstream, plan)
            return
        if pump is not None:
            pump.answered = True
        hsts = plan.hsts if client.secure else b""
        bodiless = client.request.method == b"HEAD" or status in (204, 304)
        if bodiless:
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
                self._relayed += count
            client.finish(body.trailers)
        now = monotonic()
        self._upstream_time = now - self._upstream_started
        client.stream.watch(None)
        if (
            response.keep_alive
            and (bodiless or response.length >= 0 or response.chunked)
            and not len(stream)
            and (pump is None or pump.finished)
        ):
            self._upstream = self._pump = None
            upstream.doubtful = bodiless
            self._upstreams.release(upstream, now)

    def _switch(self, upstream: Upstream, plan: Plan) -> None:
        """Both sides agreed on another protocol: from here on bytes are only carried."""
        client, stream, settings = self.client, upstream.stream, self._service.settings
        before, received = client.stream.received - len(client.stream), stream.received - len(stream)
        client.begin(upstream.head, -2, b"")
        client.flush()
        client.stream.watch(None)
        client.upgraded = True
        # A route that says how long its endpoints may be silent means this silence too.
        timeout = plan.read_timeout if plan.read_timeout != Timeouts().read else settings.websocket_timeout
        try:
            tunnel(client.stream, stream, timeout=timeout, counters=self._service.counters)
        finally:
            self._tunnelled = client.stream.received - before
            self._relayed = stream.received - received

    # --- endings --------------------------------------------------------------------------------------------------

    def _end_upstream(self) -> None:
        """Close what is still in use."""
        upstream, pump = self._upstream, self._pump
        if upstream is None:
            return
        self._upstream = self._pump = None
        self.client.stream.watch(None)
        if pump is not None:
            pump.stop()
        if self._upstream_time < 0:
            self._upstream_time = monotonic() - self._upstream_started
        upstream.close()

    def _is_clients(self, error: StreamError | MessageError) -> bool:
        if isinstance(error, PeerGone):
            return True
        if isinstance(error, StreamError):
            return error.stream is self.client.stream
        return error.status != 502

    def _answer_fault(self, error: StreamError | MessageError) -> tuple[int, Reply | None]:
        """Status to account and answer to give for what went wrong."""
        clients = self._is_clients(error)
        if clients:
            self._service.log.debug("client %s: %s", self.client.address, error)
        if self._begun:
            if not clients and self._target is not None:
                self._tell(self._target, "an answer broke off", f"{self._target.name}: {error}")
            self.client.abort(not clients)
            return self.upstream_status, None
        if isinstance(error, MessageError):
            return error.status, replies.plain(error.status)
        if clients and not isinstance(error, StreamTimeout):
            self.client.abort(False)
            return CLIENT_CLOSED, None
        status = 408 if clients else 504 if isinstance(error, StreamTimeout) else 502
        return status, replies.plain(status)

    def _answer_bug(self) -> tuple[int, Reply | None]:
        """As `_answer_fault`, for what nobody has foreseen."""
        client = self.client
        request = client.request
        self._service.log.exception("request %r for %r from %s", request.target, request.host, client.address)
        if self._begun:
            client.abort(True)
            return self.upstream_status, None
        return 500, replies.plain(500)

    def _account(self, plan: Plan, status: int, started: float, sent: int) -> None:
        request = self.client.request
        duration = monotonic() - started
        received = request.size + self.client.body.received + self._tunnelled
        plan.series(request.method, status).record(duration, self._upstream_time, received, sent)
        if plan.logged:
            self._log(plan.log_name, status, duration, None)

    def log_refused(self, reply: Reply, line: bytes) -> None:
        """Log what was no request, but began with LINE, and is answered with REPLY."""
        self._target = self._earlier = None
        self._relayed = self._tunnelled = 0
        self._replied = len(reply.body)
        self.request_id = b""
        if self._access_log is not None:
            self._log(self._access_log.no_route, reply.status, 0.0, line)

    def _log_unmatched(self, status: int, duration: float) -> None:
        log = self._access_log
        if log is not None:
            self._log(log.no_route, status, duration, None)

    def _log(self, name: bytes, status: int, duration: float, line: bytes | None) -> None:
        client, target = self.client, self._target
        request = client.request
        if self._lines.add(
            request,
            client.address,
            status,
            self._relayed + self._replied,
            request.size + client.body.received + self._tunnelled,
            duration,
            name,
            target.name if target is not None else "",
            self._relayed,
            self._upstream_time,
            self.upstream_status,
            self.request_id,
            self._earlier,
            line,
        ):
            self._access_log.flush()

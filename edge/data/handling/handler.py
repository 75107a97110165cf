"""The way of one request: match, gates, edits, backend, response, account.

Rules of this file:
- It knows no HTTP version: it sees the two halves of an exchange. A request's body is read first or forwarded as it
  arrives, as the plan says; a response's is forwarded as it arrives. At most one block is in memory per direction.
- Every fault ends here: `faults` says what is answered to whom.
"""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any

from edge.data.exchange.exchange import Exchange
from edge.data.handling import faults, sending
from edge.data.handling.calls import Call
from edge.data.handling.keeping import keep
from edge.data.handling.switching import switch
from edge.data.http import grpc, replies
from edge.data.http._message import NO_CONTENT, UNKNOWN_LENGTH
from edge.data.http.grpc import status_of
from edge.data.net.errors import ExchangeError, MessageError, StreamError
from edge.data.net.spool import Spool, SpoolError
from edge.data.policies.errors import TERMS
from edge.data.routing.plan import WHOLE_CONTENT
from edge.table.policies.request_buffering import ANY

if TYPE_CHECKING:
    from edge.data.exchange.client import Client
    from edge.data.exchange.upstream import Upstream
    from edge.data.handling.handling import Handling
    from edge.data.http._message import Message
    from edge.data.http.replies import Reply
    from edge.data.observe._format import LogName
    from edge.data.policies.steps import GateStep
    from edge.data.routing.plan import Destination, Plan
    from edge.data.upstream.attempts import Failure
    from edge.data.upstream.balancer import Balancer
    from edge.data.upstream.chooser import Chooser
    from edge.data.upstream.target import Target
    from edge.table.counters import RouteLabels

log = logging.getLogger("edge.data")


class Handler:
    """Serves the requests of one client half, one after another."""

    def __init__(self, handling: Handling, client: Client) -> None:
        # Attributes have C types, arguments have none.
        self._handling = handling
        self._router = self._handling.router
        self._budget = self._handling.calls.budget
        self._access_log: Any = self._handling.access_log
        self._lines: Any = self._access_log.lines if self._access_log is not None else None
        self._client = client
        self.exchange = Exchange(client)
        self._call = Call(self._handling.calls, client, self.exchange.outgoing, self.exchange.outcome)
        self._kept: bytes | Spool | None = None
        """The content of the request, where it has been read as a whole."""
        self._plan: Plan | None = None
        self._destination: Destination | None = None
        self._labels: RouteLabels | None = None
        """Of the route that took the last request."""
        self._parts = False
        self._waits = False
        """The request has been sent to an endpoint, and `go_on` is to follow."""

    def run(self) -> bool:
        """Serve the request that stands in `client.request`; whether that is done. False: the client is resumed when an
        endpoint has answered, and has to call `go_on`."""
        self._begin(True)
        return self._proceed(False)

    def go_on(self) -> None:
        """Serve the rest of the request, after `run`."""
        self._waits = False
        self._proceed(True)

    def serve(self) -> RouteLabels | None:
        """As `run`, in one go; the route that took the request, None: none did."""
        self._begin(False)
        self._proceed(False)
        return self._labels

    def _begin(self, parts: bool) -> None:
        """Begin with a request; PARTS: it may be served in two parts."""
        self._parts = parts
        self._waits = False
        self._plan = self._destination = None
        self.exchange.begin()
        self._budget.requests += 1

    def _proceed(self, asked: bool) -> bool:
        """Serve the request, or the rest of it once an endpoint has been ASKED; whether it has been served."""
        exchange = self.exchange
        try:
            reply = self._guarded(asked)
            if self._waits:
                return False
            plan, destination = self._plan, self._destination
            self._plan = self._destination = None
            if plan is not None and plan.errors is not None and reply is not None:
                reply = self._error_page(reply, plan, destination)
            if reply is not None:
                self._reply(reply, plan, destination)
        finally:
            if not self._waits:
                self._kept = None
                if exchange.releases is not None:
                    exchange.release()
        if destination is None and plan is not None:
            destination = plan.destinations[0]
        self._account(plan, destination)
        if not self._parts:  # `serve` gives them back
            self._labels = destination.labels if destination is not None else None
        return True

    def _guarded(self, asked: bool) -> Reply | None:
        """The answer to make, None: a response has been passed on, or is being waited for."""
        outcome = self.exchange.outcome
        try:
            reply = self._response() if asked else self._request()
            if not self._waits:
                outcome.status = reply.status if reply is not None else outcome.upstream_status
        except ExchangeError as error:
            reply = faults.caught(error, self._client, self.exchange, self._call.asked)
        except SpoolError as error:
            reply = faults.failed(error.status, self._client, self.exchange)
        except Exception:  # noqa: BLE001 - a fault of ours costs one request, not the worker
            reply = faults.unexpected(self._client, self.exchange)
        return reply

    # --- the way out ----------------------------------------------------------------------------------------------

    def _request(self) -> Reply | None:
        """As `_guarded`, from the route to the endpoint."""
        client = self._client
        self._plan = plan = self._router.match(client.request)
        if plan is None:
            return self._handling.unmatched(client.request)
        self._destination = destination = plan.only if plan.only is not None else self._chosen(plan)
        return self._pass(plan, destination)

    def _chosen(self, plan: Plan) -> Destination:
        """The backend that takes the request, of several."""
        destination = None
        for choice in plan.choices or ():
            number: int | None = choice(self.exchange)
            if number is not None:
                destination = plan.destinations[number]
                break
        if destination is None:
            destination = plan.draw()
        if destination.canary and destination.balancer is not None and not destination.balancer.ready():
            return plan.destinations[0]
        return destination

    def _pass(self, plan: Plan, destination: Destination) -> Reply | None:
        """The answer to make, or None when an endpoint's response has been passed on."""
        if self._client.length > plan.body_limit:
            return replies.TOO_LARGE
        if plan.gates is not None:
            reply = self._stopped(plan.gates)
            if reply is not None:
                return reply
        balancer = destination.balancer if destination.secure_balancer is None else self._balancer(destination)
        if balancer is None:
            return destination.reply if destination.gates is None else self._stopped(destination.gates)
        chooser: Chooser = balancer if destination.choosing is None else destination.choosing(balancer, self.exchange)
        target = chooser.choose(())
        if target is None:
            return self._stand_in(plan, destination)
        return self._ask(plan, destination, chooser, target)

    def _stand_in(self, plan: Plan, destination: Destination) -> Reply | None:
        """As `_pass`, for a backend without endpoints."""
        balancer = plan.errors.stand_in if plan.errors is not None else None
        target = balancer.choose(()) if balancer is not None else None
        if balancer is None or target is None:
            return replies.UNAVAILABLE  # without a request for content that is not needed
        return self._ask(plan, destination, balancer, target)

    def _ask(self, plan: Plan, destination: Destination, chooser: Chooser, target: Target) -> Reply | None:
        """As `_pass`, with the endpoint TARGET of CHOOSER."""
        exchange = self.exchange
        if plan.edits is not None:
            for edit in plan.edits:
                edit.edit(exchange)
        if destination.edits is not None:
            for edit in destination.edits:
                edit.edit(exchange)
        if plan.errors is not None and chooser is plan.errors.stand_in:
            plan.errors.introduce(exchange, destination.backend)
        try:
            return self._forward(plan, destination, chooser, target)
        finally:
            if not self._waits:
                self._call.end()

    def _forward(self, plan: Plan, destination: Destination, chooser: Chooser, target: Target) -> Reply | None:
        """As `_pass`, for a request as its edits have left it."""
        call = self._call
        content: bytes | Spool | None = b""
        if self._client.has_content:
            self._kept = content = self._content(plan)
            if not isinstance(content, bytes) and isinstance(content, Spool):  # to read it may have taken minutes
                present = chooser.still(target)
                if present is None:
                    return replies.UNAVAILABLE
                target = present
        if plan.tees is not None:
            for tee in plan.tees:
                tee(self.exchange, content)
        call.start(plan, chooser, target, content)
        if self._parts and call.awaits(self._client):
            self._waits = True
            return None
        return self._answered(plan, destination)

    def _balancer(self, destination: Destination) -> Balancer | None:
        """The balancer of DESTINATION, which has one for requests that came by TLS."""
        return destination.secure_balancer if self._client.request.secure else destination.balancer

    def _stopped(self, gates: tuple[GateStep, ...]) -> Reply | None:
        """The answer of the first of GATES that does not let the request pass."""
        exchange = self.exchange
        for gate in gates:
            reply = gate.stop(exchange)
            if reply is not None:
                return reply
        return None

    def _content(self, plan: Plan) -> bytes | Spool | None:
        """The content of the request as a whole; None: it is to be carried to the endpoint as it comes."""
        client = self._client
        length = client.length
        client.expect_content()
        if length == UNKNOWN_LENGTH or length > plan.whole:
            outgoing = self.exchange.outgoing
            # What has no length cannot go to HTTP/1.0 as it comes.
            if plan.kept != ANY and not (outgoing.old if length == UNKNOWN_LENGTH else length <= plan.kept):
                return self._arrived(plan) if plan.streams else None
            return keep(client, outgoing, self._handling.spools, limit=plan.body_limit, memory=plan.memory)
        whole = client.arrived(length)
        if whole is None:
            pieces = []
            content = client.content
            while count := content.fill():
                pieces.append(content.buffer.take(count))
            whole = b"".join(pieces)
        assert len(whole) == length  # noqa: S101 - what `Content` is for
        return whole

    def _arrived(self, plan: Plan) -> bytes | None:
        """The content that need not be carried as it comes, because all of it is there: it can be sent again."""
        client = self._client
        content = client.arrived(WHOLE_CONTENT)
        if content is not None:
            if len(content) > plan.body_limit:
                raise MessageError(413, "request body too large")
            self.exchange.outgoing.length = len(content)
        return content

    # --- the way back ---------------------------------------------------------------------------------------------

    def _response(self) -> Reply | None:
        """As `_guarded`, from the answer of the endpoint on."""
        assert self._plan is not None and self._destination is not None  # noqa: S101, PT018 - it has been asked
        try:
            return self._answered(self._plan, self._destination)
        finally:
            self._call.end()

    def _answered(self, plan: Plan, destination: Destination) -> Reply | None:
        """Wait for the response, then as `_relay`."""
        call = self._call
        failure = call.answer()
        if failure is not None:
            return faults.unanswered(failure, self._client.request)
        assert call.upstream is not None  # noqa: S101 - there was no failure
        return self._relay(call.upstream, plan, destination)

    def _relay(self, upstream: Upstream, plan: Plan, destination: Destination) -> Reply | None:
        """Pass the response on; an answer to make instead, None: it has been passed on."""
        if plan.intercepts is not None:
            for intercept in plan.intercepts:
                reply: Reply | None = intercept(self.exchange, upstream.response)
                if reply is not None:
                    return reply
        self._pass_on(upstream, plan, destination)
        return None

    def _error_page(self, reply: Reply, plan: Plan, destination: Destination | None) -> Reply | None:
        """Have the error backend of PLAN answer in place of REPLY, if that is an error of which it does; as `_pass`."""
        exchange, call, errors = self.exchange, self._call, plan.errors
        if errors is None or reply.status not in errors.statuses:
            return reply
        outcome = exchange.outcome
        destination = destination if destination is not None else plan.destinations[0]
        instead: Reply | None
        try:
            content = self._for_error(plan)
            errors.replace(exchange, reply, destination.backend, content)
            found = errors.choose()
            if found is None:
                instead = replies.NOT_FOUND
            else:
                if outcome.endpoint:
                    outcome.give_up()
                failure: Failure | None = call.ask(TERMS, found[0], found[1], content)
                instead = faults.unanswered(failure, self._client.request) if failure is not None else None
                if instead is None:
                    assert call.upstream is not None  # noqa: S101 - there was no failure
                    self._pass_on(call.upstream, plan, destination)
            outcome.status = instead.status if instead is not None else outcome.upstream_status
        except ExchangeError as error:
            instead = faults.caught(error, self._client, exchange, call.asked)
        except SpoolError as error:
            instead = faults.failed(error.status, self._client, exchange)
        except Exception:  # noqa: BLE001 - as in `run`
            instead = faults.unexpected(self._client, exchange)
        finally:
            call.end()
        return instead

    def _for_error(self, plan: Plan) -> bytes | Spool:
        """The content that goes to an error backend: what has been read, or is read now; nothing where it is itself
        the error, or has gone to an endpoint as it came."""
        client, kept = self._client, self._kept
        if kept is not None or not client.has_content:
            return kept or b""
        if plan.kept != ANY or client.content.received or client.length > plan.body_limit:
            return b""
        return self._content(plan) or b""

    def _pass_on(self, upstream: Upstream, plan: Plan, destination: Destination) -> None:
        """Pass the response on."""
        client, exchange, call = self._client, self.exchange, self._call
        response = upstream.response
        status = response.status
        fields = self._fields(plan, destination, response)
        if self._lines is not None and self._lines.kept is not None:
            self._access_log.keep(exchange, response, fields)
        exchange.begun = True
        if status == 101:
            client.begin(response, NO_CONTENT, fields)
            client.flush()
            switch(upstream, client, exchange, plan, self._handling)
            return
        if call.pump is not None:
            call.pump.answered = True
        bodiless = client.request.method == b"HEAD" or status in (204, 304)
        upstream.start_content(bodiless)
        if bodiless:
            client.begin(response, NO_CONTENT, fields)
            client.flush()
        else:
            client.begin(response, upstream.length() if exchange.coding is None else UNKNOWN_LENGTH, fields)
            if upstream.waiting():
                client.flush()
            if plan.steers or response.accel:
                sending.steer(call, client, exchange, plan, self._handling)
                return
            content, outcome = upstream.content, exchange.outcome
            while count := content.fill():
                client.send(content.buffer, count, content.done and not content.trailers)
                outcome.upstream_content += count
            trailers = upstream.trailers() if content.trailers else None
            client.finish(trailers)
            if plan.streams:
                outcome.grpc = status_of(response, trailers)
        call.release(bodiless)

    def _fields(self, plan: Plan, destination: Destination | None, response: Message | None) -> bytes:
        """The field lines that policies add to RESPONSE, from which they hide what these replace; None: our own
        answer."""
        exchange = self.exchange
        secure = self._client.secure
        if response is not None:  # first, so that no edit makes another field of what is replaced
            replaced = plan.secure_replaced if secure else plan.replaced
            if replaced is not None:
                response.hide_all(replaced)
        if destination is not None and destination.answers is not None:
            for edit in destination.answers:
                edit.answer(exchange, response)
        if plan.answers is not None:
            for edit in plan.answers:
                edit.answer(exchange, response)
        return plan.lines(exchange.fields, secure)

    # --- endings --------------------------------------------------------------------------------------------------

    def _reply(self, reply: Reply, plan: Plan | None, destination: Destination | None) -> None:
        """Answer with REPLY, and what the policies of the route add to it."""
        exchange, client = self.exchange, self._client
        fields = b""
        try:
            fields = self._fields(plan, destination, None) if plan is not None else b""
        except Exception:
            log.exception("the policies of %s%s", plan.host if plan is not None else "", client.request.target)
        try:
            if plan is not None and plan.content_type is not None:
                reply = dataclasses.replace(reply, content_type=plan.content_type)
            if grpc.is_call(client.request):
                reply, exchange.outcome.grpc = grpc.answer(reply)
            if self._lines is not None and self._lines.kept is not None:
                self._access_log.keep(exchange, None, fields, reply)
            client.reply(reply, fields)
            exchange.outcome.content_sent = len(reply.body) if client.request.method != b"HEAD" else 0
        except StreamError:
            client.abort(False)
            exchange.outcome.status = faults.CLIENT_CLOSED

    def _account(self, plan: Plan | None, destination: Destination | None) -> None:
        client, outcome = self._client, self.exchange.outcome
        outcome.finish()
        outcome.received = client.received()
        outcome.sent = client.sent()
        outcome.content_sent += outcome.upstream_content
        if plan is not None and destination is not None:
            series = destination.series(client.request.method, outcome.code())
            balancer = destination.balancer if destination.secure_balancer is None else self._balancer(destination)
            if balancer is not None and balancer.scores is not None:
                balancer.note(outcome)
            series.record(outcome.duration, outcome.upstream_seconds, outcome.received, outcome.sent)
            if plan.logged:
                self._log(destination.log_name)
        elif self._access_log is not None:
            self._log(self._access_log.no_route)

    def refused(self, status: int, line: bytes, sent: int) -> None:
        """Log what was no request, but began with LINE, and is answered with STATUS and SENT bytes of content."""
        if self._access_log is not None:
            outcome = self.exchange.outcome
            outcome.start()
            outcome.request_id = b""
            outcome.status, outcome.line, outcome.content_sent = status, line, sent
            self._log(self._access_log.no_route)

    def _log(self, name: LogName) -> None:
        if self._lines.add(self.exchange, name):
            self._access_log.flush()

"""Asking a backend: attempts at its endpoints until one answers.

Rules of this file:
- A call ends with the head of a response or with a `Failure`. The main way of a request is a call, and so is each
  subrequest.
- Nothing is tried again once `ask` has given a response, nor where that could do harm.
- `end` releases the connection to the endpoint in every case.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import gevent

from edge.data.handling.pump import Pump
from edge.data.http import replies
from edge.data.http._message import is_idempotent
from edge.data.http.kept import Kept
from edge.data.net.errors import ExchangeError, IncompleteResponse, ResponseError, StreamTimeout
from edge.data.upstream import ejection
from edge.data.upstream.attempts import Failure, Kind, allows
from edge.data.upstream.pool import ConnectError
from edge.table.counters import WorkerWord

if TYPE_CHECKING:
    from edge.data.exchange._outcome import Outcome
    from edge.data.exchange.client import Client
    from edge.data.exchange.upstream import Upstream
    from edge.data.http._message import Outgoing
    from edge.data.net._scheduler import Resumable
    from edge.data.net.spool import Spool
    from edge.data.upstream.budget import RetryBudget
    from edge.data.upstream.chooser import Chooser
    from edge.data.upstream.pool import Pool
    from edge.data.upstream.target import Target
    from edge.data.upstream.terms import Terms
    from edge.table.counters import WorkerCounters

log = logging.getLogger("edge.data")

LEAST_PATIENCE = 0.001
"""Seconds: 0 would be no limit."""
TOO_SHORT = 0.01
"""Seconds that are not worth another attempt. A timer may also end a little early, by the clock of the event loop."""
LONG = 1e9
MOST_INTERIM = 32
"""Responses of status 1xx to one request."""


class Calls:
    """What all calls of a worker share."""

    def __init__(self, pool: Pool, budget: RetryBudget, counters: WorkerCounters) -> None:
        self.pool = pool
        self.budget = budget
        self.counters = counters


class Call:
    """One call after another.

    - `upstream`: the half that the response has come by, while it is in use.
    - `pump`: what carries the content of a request that is not sent as a whole.
    """

    def __init__(self, calls: Calls, client: Client, outgoing: Outgoing, outcome: Outcome) -> None:
        """For requests of CLIENT, as OUTGOING has them; OUTCOME is filled with what comes of them."""
        self._pool = calls.pool
        self._budget = calls.budget
        self._counters = calls.counters
        self._client = client
        self._outgoing = outgoing
        self._outcome = outcome
        self._terms: Any = None
        self._chooser: Any = None
        self._content: bytes | Spool | None = None
        self._target: Any = None
        """The endpoint that is being asked, None: none is."""
        self._reused = False
        """It has been asked by a connection that was kept."""
        self._attempts = 0
        """Those that count."""
        self._error: ExchangeError | None = None
        """The error, if sending by it failed at once."""
        self.asked: Target | None = None
        """The endpoint that was asked last, also after `end`."""
        self.upstream: Upstream | None = None
        self.pump: Pump | None = None

    def ask(self, terms: Terms, chooser: Chooser, target: Target, content: bytes | Spool | None) -> Failure | None:
        """Ask TARGET, then others of CHOOSER, on TERMS, until one answers: then None, and `upstream` is in
        use.

        CONTENT None: it is carried from the client as it comes, and can be sent once only.

        Raises:
            ExchangeError: the client is to blame.
        """
        self.start(terms, chooser, target, content)
        return self.answer()

    def start(self, terms: Terms, chooser: Chooser, target: Target, content: bytes | Spool | None) -> None:
        """The first half of `ask`: send the request if TARGET has a connection that is kept. `answer` has to follow."""
        self._terms = terms
        self._chooser = chooser
        self._content = content
        self._attempts = 0
        self._engage(target)

    def awaits(self, one: Resumable) -> bool:
        """Whether ONE is resumed when there is something to do for `answer`; False: call it at once."""
        upstream = self.upstream
        return upstream is not None and self.pump is None and self._error is None and upstream.await_response(one)

    def answer(self) -> Failure | None:
        """The second half of `ask`."""
        terms = self._terms
        tried: tuple[Target, ...] = ()
        while True:
            target = self._target
            failure = self._attempt(terms, target)
            if failure is None and terms.unwanted is not None:
                failure = self._unwanted(terms)
            if failure is None:
                return None
            tried = (*tried, target)
            another = self._another(terms, failure, tried)
            if another is None and self.upstream is not None:
                if not self._late(terms) or self._used_up(terms):
                    return None  # an unwanted status is better than none
                failure = Failure(Kind.TIMEOUT, replies.GATEWAY_TIMEOUT, False)
            self._leave()
            if another is None:
                return _final(failure, terms)
            self._give_up()
            if terms.retry.backoff:
                gevent.sleep(terms.retry.backoff)
            self._engage(another)

    def end(self) -> None:
        """Close what is still in use."""
        self._leave()
        self._terms = self._chooser = self._content = self._error = None

    def _leave(self) -> None:
        """Be done with the endpoint that is being asked."""
        target, self._target = self._target, None
        if target is not None:
            target.in_flight -= 1
        self._end_upstream()

    def release(self, bodiless: bool) -> None:
        """The response is complete: keep the connection where that is possible. BODILESS: it had no content."""
        upstream, pump = self.upstream, self.pump
        assert upstream is not None  # noqa: S101 - the caller has had its response
        now = self._outcome.answered()
        self._client.watch(None)
        if upstream.reusable(bodiless) and (pump is None or pump.finished):
            self.upstream = self.pump = None
            upstream.release(now)

    # --- one attempt ----------------------------------------------------------------------------------------------

    def _engage(self, target: Target) -> None:
        """Ask TARGET, if it has a connection that is kept."""
        self._target = self.asked = target
        self._attempts += 1
        target.in_flight += 1
        self._error = None
        upstream = self._pool.reuse(target, not self._replayable())
        self._reused = upstream is not None
        self._outcome.ask(target.name)
        if upstream is not None:
            try:
                self._send(upstream, self._terms)
            except ExchangeError as error:
                self._error = error  # `_attempt` handles it

    def _attempt(self, terms: Terms, target: Target) -> Failure | None:
        """Have TARGET answer, after `_engage`; None: the head of its response has come."""
        outcome = self._outcome
        while True:
            try:
                if self._error is not None:
                    raise self._error
                if self.upstream is None:
                    upstream = self._pool.connect(target, self._patience(terms, terms.connect_timeout))
                    target.succeeded()
                    self._send(upstream, terms)
                self._receive(terms.largest_head)
                outcome.headed()
            except ConnectError as error:
                return self._not_connected(target, error)
            except ExchangeError as error:
                failure = self._broken(error, terms)
                if not self._reused and failure.kind is Kind.BREAK and target.broke():
                    ejection.report(self._counters, target, error)
                if not self._has_ended(terms) or not failure.repeatable or failure.kind is Kind.TIMEOUT:
                    return failure
            else:
                assert self.upstream is not None  # noqa: S101 - it has answered
                status = self.upstream.response.status
                if status != 408 or not self._has_ended(terms) or not self._replayable():
                    target.breaks = 0
                    outcome.upstream_status = status
                    return None
            # A kept connection that has been closed meanwhile, or given up with 408, says nothing about the endpoint.
            self._end_upstream()
            self._error = None
            self._reused = False
            if terms.retry.counts_all:
                self._attempts += 1
                self._give_up()
            outcome.ask(target.name)

    def _has_ended(self, terms: Terms) -> bool:
        """Whether a failure may be the end of a kept connection, after which the request is sent again."""
        return self._reused and not (terms.retry.counts_all and terms.retry.tries > 1 and self._used_up(terms))

    def _used_up(self, terms: Terms) -> bool:
        """Whether there are no more attempts."""
        return 0 < terms.retry.tries <= self._attempts

    def _give_up(self) -> None:
        """Note that an attempt has failed, and another one follows."""
        self._outcome.give_up()
        self._counters.add(WorkerWord.RETRIES, 1)

    def _send(self, upstream: Upstream, terms: Terms) -> None:
        client, content = self._client, self._content
        self._outcome.connected()
        self.upstream = upstream
        upstream.begin(self._outgoing, terms.send_timeout, terms.read_timeout)
        if terms.deadline is not None:
            upstream.expire_in(self._patience(terms, terms.deadline.attempt))
        if content is not None:
            client.watch(upstream)  # nothing more of this request is read from the client
        if isinstance(content, bytes):
            upstream.send_all(content)
        else:
            upstream.flush()
            source = Kept(content) if content is not None else client.content
            self.pump = Pump(client, upstream, source, limit=terms.body_limit)
            client.watch_sending(upstream)

    def _patience(self, terms: Terms, seconds: float) -> float:
        """SECONDS (0: no limit), or what the deadline of the request leaves of them."""
        deadline = terms.deadline
        if deadline is None or not deadline.request:
            return seconds
        left = max(deadline.request - self._outcome.elapsed(), LEAST_PATIENCE)
        return min(seconds, left) if seconds else left

    def _late(self, terms: Terms) -> bool:
        """Whether the deadline of the request leaves no time for another attempt."""
        return terms.deadline is not None and self._patience(terms, LONG) <= TOO_SHORT + terms.retry.backoff

    def _receive(self, largest: int) -> None:
        """Read the head of the final response, of up to LARGEST bytes; 1xx are passed on or, for 100, dropped (RFC
        9110, section 15.2)."""
        upstream = self.upstream
        assert upstream is not None  # noqa: S101 - it has been asked
        upstream.receive(True)
        response = upstream.response
        interim = 0
        while response.status < 200 and not (response.status == 101 and self._outgoing.message.upgrade):
            interim += 1
            if response.status == 101:
                raise ResponseError("switched protocols unasked")
            if interim > MOST_INTERIM:
                raise ResponseError("interim responses without end")
            if response.status != 100:
                self._client.interim(response)
            upstream.receive(False)
            response = upstream.response
        if response.size > largest:
            raise ResponseError("response head too large")
        if self.pump is not None:
            self.pump.check()

    def _end_upstream(self) -> None:
        upstream, pump = self.upstream, self.pump
        if upstream is None:
            return
        self.upstream = self.pump = None
        self._client.watch(None)
        if pump is not None:
            pump.stop()
        if self._outcome.upstream_seconds < 0:
            self._outcome.answered()
        upstream.close()

    # --- failures -------------------------------------------------------------------------------------------------

    def _repeatable(self, terms: Terms) -> bool:
        return is_idempotent(self._outgoing.method) or terms.retry.non_idempotent

    def _replayable(self) -> bool:
        """Whether the request may be sent again after it has been."""
        return self._content is not None and self._repeatable(self._terms)

    def _not_connected(self, target: Target, error: ConnectError) -> Failure:
        outcome = self._outcome
        outcome.answered()
        outcome.upstream_status = error.status
        if error.ours:
            log.error("no connection to endpoint %s", error)
            return Failure(Kind.OURS, replies.plain(error.status), False)
        ejection.note_failure(self._counters, target, error)
        timed_out = error.status == 504
        kind = Kind.TIMEOUT if timed_out else Kind.CONNECT
        return Failure(kind, replies.plain(error.status), True, target, str(error))

    def _broken(self, error: ExchangeError, terms: Terms) -> Failure:
        """What ERROR, before the response has come, means for the attempt; raised again where it is the client's."""
        upstream = self.upstream
        assert upstream is not None  # noqa: S101 - it has just been asked
        if self.pump is not None:
            self.pump.stop()
        if not error.endpoint:
            raise error
        ended = isinstance(error, IncompleteResponse)
        repeatable = (self._content is not None or self._client.content.received == 0) and (
            self._repeatable(terms) or (ended and upstream.unprocessed())
        )
        self._end_upstream()
        log.debug("endpoint %s: %s", upstream.name, error)
        if isinstance(error, StreamTimeout):
            kind, reply = Kind.TIMEOUT, replies.GATEWAY_TIMEOUT
        elif ended or not isinstance(error, ResponseError):
            kind, reply = Kind.BREAK, replies.BAD_GATEWAY
        else:
            kind, reply = Kind.INVALID, replies.BAD_GATEWAY
        self._outcome.upstream_status = reply.status
        return Failure(kind, reply, repeatable, self._target, f"{upstream.name}: {error}")

    def _unwanted(self, terms: Terms) -> Failure | None:
        """A failure where another endpoint is to be asked because of the status that has come."""
        assert self.upstream is not None  # noqa: S101 - its response has come
        assert terms.unwanted is not None  # noqa: S101 - asked by the caller
        status = self.upstream.response.status
        if status not in terms.unwanted or not self._replayable():
            return None
        return Failure(Kind.STATUS, replies.plain(status), True)

    def _another(self, terms: Terms, failure: Failure, tried: tuple[Target, ...]) -> Target | None:
        """Whom to ask after FAILURE, if that is allowed."""
        retry = terms.retry
        if not failure.repeatable or not allows(retry, failure.kind) or self._used_up(terms):
            return None
        if retry.timeout and self._outcome.elapsed() > retry.timeout:
            return None
        if self._late(terms):
            return None
        chooser = self._chooser
        another = chooser.choose(tried)
        if another is None and (retry.same_endpoint or (failure.kind is Kind.BREAK and retry.tries)):
            another = chooser.choose(())  # the only one may do better at the next attempt
        return another if another is not None and self._budget.take() else None


def _final(failure: Failure, terms: Terms) -> Failure:
    """FAILURE as that of the last attempt on TERMS."""
    status = terms.retry.when_broken
    if failure.kind in (Kind.CONNECT, Kind.BREAK) and status != failure.reply.status:
        return failure._replace(reply=replies.plain(status))
    return failure

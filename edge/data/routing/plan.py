"""A compiled route: every decision that does not depend on the request is taken here, once.

Rules of this file:
- A plan is made when its host is first requested, and dropped when its route changes; a request needs no look-ups in
  it.
- A phase in which no policy acts is None.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from edge.data.http._fields import Names, joined
from edge.data.observe.formats import named
from edge.data.policies import steps
from edge.data.policies.phases import Phases, phase
from edge.data.routing.demands import Demands
from edge.data.upstream.terms import Terms
from edge.table.counter_layout import labels_of
from edge.table.policies.request_buffering import ANY

if TYPE_CHECKING:
    from edge.data.http._message import Message
    from edge.data.http.replies import Reply
    from edge.data.upstream.balancer import Balancer
    from edge.table.counters import Series, WorkerCounters
    from edge.table.records import Backend, Route

WHOLE_CONTENT = 32768
"""Bytes up to which content of known length that is read first is sent in one piece with the head."""


class Destination:
    """One backend of a route: where requests go, and where they are counted.

    - `balancer`: chooses the endpoint; None: a gate of `gates` answers, or where they are None `reply` is the answer.
    - `secure_balancer`: does so for requests that came by TLS; None: `balancer` does.
    - `choosing`: what chooses the endpoint by the request; None: the balancer does.
    - `edits`, `answers`: steps of the backend's own policies.
    - `canary`: without an endpoint it leaves its requests to the first destination of the plan.
    """

    def __init__(
        self,
        host: str,
        route: Route,
        backend: Backend,
        *,
        balancer: Balancer | None,
        secure_balancer: Balancer | None = None,
        reply: Reply | None,
        phases: Phases | None,
        counters: WorkerCounters,
    ) -> None:
        self.balancer = balancer
        self.secure_balancer = secure_balancer
        self.reply = reply
        self.gates = steps.gates(phases.gates) if phases is not None else None
        self.choosing = phases.choosing if phases is not None else None
        self.edits = steps.edits(phases.edits) if phases is not None else None
        self.answers = steps.answers(phases.answers) if phases is not None else None
        self.backend = backend
        self.weight = backend.weight
        self.labels = labels_of(host, route, backend)
        self.canary = backend.canary
        main = route.backends[0] if backend.canary else None
        self.log_name = named(route.owner, backend, main, host=host, path=route.path)
        self._counters = counters
        self._series: dict[tuple[bytes, int], Series] = {}
        self._last_method = b""
        self._last_code = 0
        self._last_series: Series | None = None
        """The last result, because most requests to a backend are alike."""

    def series(self, method: bytes, code: int) -> Series:
        """Where requests with METHOD that end in CODE are counted; see `Outcome.code`."""
        if method is self._last_method and code == self._last_code and self._last_series is not None:
            return self._last_series
        series = self._series.get((method, code))
        if series is None:
            series = self._counters.series(self.labels, method, code)
            if len(self._series) < 256:
                self._series[method, code] = series
        self._last_method, self._last_code, self._last_series = method, code, series
        return series


class Plan(Terms):
    """Everything that serves the requests of one route.

    - `destinations`: the backends. `only`: the single one, None where there is a choice to make for each request.
    - `asked`: the balancers of other backends that steps ask.
    - `demands`: the conditions of the route; `otherwise`: the plan to try if they are not met, None: there is none.
    - The phases are those of `edge.data.policies.phases`.
    """

    def __init__(
        self,
        host: str,
        route: Route,
        destinations: tuple[Destination, ...],
        phases: Phases,
        *,
        asked: tuple[Balancer, ...] = (),
        streams: bool = False,
        logged: bool,
        largest_head: int,
    ) -> None:
        """STREAMS: endpoints may answer before the request ends, so nothing is buffered, and streams may be long.
        LOGGED, LARGEST_HEAD: what the process has for all routes."""
        largest_head = phases.largest_head or largest_head
        limit = ANY if streams and not phases.body_limit.source else phases.body_limit.size or ANY
        super().__init__(phases.timeouts, phases.retry, limit, largest_head, phases.deadline)
        self.host = host
        self.route = route
        self.destinations = destinations
        self.asked = asked
        self.only = destinations[0] if len(destinations) == 1 else None
        self.choices = phase(phases.choices)
        self._total = sum(one.weight for one in destinations)
        self.demands = Demands(route.conditions) if route.conditions is not None else None
        self.otherwise: Plan | None = None
        self.gates = steps.gates(phases.gates)
        self.edits = steps.edits(phases.edits)
        self.tees = phase(phases.tees)
        self.intercepts = phase(phases.intercepts)
        self.answers = steps.answers(phases.answers)
        self.fields = phases.fields
        self.secure_fields = phases.fields + phases.secure_fields
        self._last_secure = False
        self._last_added: bytes | None = None
        self._last_lines = b""
        """The last result of `lines`, because most exchanges of a route are alike."""
        replaced = [*phases.replaced, *phases.hidden]
        secure_replaced = [*replaced, *phases.secure_replaced]
        self.replaced = Names(replaced) if replaced else None
        self.secure_replaced = Names(secure_replaced) if secure_replaced else None
        self.tracing = phases.tracing
        self.errors = phases.errors
        self.content_type = phases.content_type
        self._carry(phases, streams=streams)
        self.logged = logged and phases.logged

    def _carry(self, phases: Phases, *, streams: bool) -> None:
        """Decide how content is carried; STREAMS: without buffering, regardless of policies."""
        self.streams = streams
        self.kept = 0 if streams else phases.request_buffering.most
        """Bytes up to which a request's content is read before an endpoint is asked; ANY: also of unknown length."""
        self.whole = WHOLE_CONTENT if streams else min(self.kept, WHOLE_CONTENT)
        """Bytes up to which it is read in the simple way: its length is known, and it stays in memory."""
        self.memory = phases.request_buffering.memory
        self.response_buffering = phases.response_buffering
        self.pace = phases.pace
        self.steers = self.response_buffering.on or self.pace is not None or phases.compresses
        """Whether the content of responses is changed or buffered."""

    def lines(self, added: bytes, secure: bool) -> bytes:
        """The field lines of a response: ADDED, and those that every response gets; SECURE: over TLS."""
        if added is not self._last_added or secure != self._last_secure:
            self._last_added, self._last_secure = added, secure
            self._last_lines = joined(added, self.secure_fields if secure else self.fields)
        return self._last_lines

    def draw(self) -> Destination:
        """One of several destinations, at random by their weights."""
        point = random.random() * self._total
        for destination in self.destinations:
            point -= destination.weight
            if point < 0:
                return destination
        return max(self.destinations, key=_weight)  # rounding

    def meeting(self, request: Message) -> Plan | None:
        """This plan, or the first of those behind it whose demands REQUEST meets; None: there is none.

        Raises:
            PatternLimitError: that cannot be found out.
        """
        plan: Plan | None = self
        while plan is not None and plan.demands is not None and not plan.demands.met_by(request):
            plan = plan.otherwise
        return plan


def _weight(destination: Destination) -> int:
    return destination.weight

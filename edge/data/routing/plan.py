"""A route made ready to serve: every decision that does not depend on the request is taken here, once.

Rules of this file:
- A plan is made when its host is compiled and thrown away when its route changes; nothing in it is looked up per
  request.
- `steps` are the policies of the route in the order in which they act, only those that it has. A step answers the
  request itself (a `Reply`) or lets it pass (None). A new policy is a new step, made in `Planner`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from edge.data.http import replies
from edge.data.upstream.balancing import Balancer, Targets
from edge.table.counter_layout import labels_of

if TYPE_CHECKING:
    from edge.data.exchange.client import Client
    from edge.data.http.replies import Reply
    from edge.data.observe.access_log import AccessLog
    from edge.table.counters import Series, WorkerCounters
    from edge.table.reader import TableReader
    from edge.table.records import Route

Step = Callable[["Client"], "Reply | None"]


class Plan:
    """What is done with the requests of one route."""

    def __init__(
        self,
        host: str,
        route: Route,
        *,
        balancer: Balancer | None,
        steps: tuple[Step, ...],
        counters: WorkerCounters,
        access_log: AccessLog | None,
    ) -> None:
        self.host = host
        self.route = route
        self.balancer = balancer
        self.steps = steps
        self.connect_timeout = route.timeouts.connect
        self.send_timeout = route.timeouts.send
        self.read_timeout = route.timeouts.read
        self.unwanted = frozenset(route.retry.on_statuses) or None
        """Statuses for which another endpoint is asked; None: there are none."""
        self.hsts = f"Strict-Transport-Security: {route.hsts}\r\n".encode() if route.hsts else b""
        self.labels = labels_of(host, route)
        self.logged = access_log is not None and route.access_log
        self.log_name = access_log.name_of(route) if access_log is not None else b""
        self._counters = counters
        self._series: dict[tuple[bytes, int], Series] = {}

    def series(self, method: bytes, status: int) -> Series:
        """Where requests with METHOD that end in STATUS are counted."""
        series = self._series.get((method, status))
        if series is None:
            series = self._counters.series(self.labels, method, status)
            if len(self._series) < 256:
                self._series[method, status] = series
        return series


class Planner:
    """Makes plans, and shares balancers among those that name the same service."""

    def __init__(self, table: TableReader, counters: WorkerCounters, access_log: AccessLog | None) -> None:
        self.targets = Targets()
        self._part = table.endpoints
        self._counters = counters
        self._access_log = access_log
        self._balancers: dict[str, tuple[Balancer, int]] = {}

    def plan(self, host: str, route: Route) -> Plan:
        """The plan for ROUTE under HOST."""
        steps: list[Step] = []
        if route.https_redirect:
            steps.append(_https_redirect(route))
        if route.body_limit:
            steps.append(_body_limit(route.body_limit))
        if not route.service:
            steps.append(_answer(route.status))
        balancer = self._acquire(route.service) if route.service else None
        return Plan(
            host,
            route,
            balancer=balancer,
            steps=tuple(steps),
            counters=self._counters,
            access_log=self._access_log,
        )

    def drop(self, plan: Plan) -> None:
        """PLAN will not be asked for again; requests that have it may finish."""
        if plan.balancer is None:
            return
        balancer, users = self._balancers[plan.balancer.key]
        if users > 1:
            self._balancers[balancer.key] = (balancer, users - 1)
        else:
            del self._balancers[balancer.key]
            balancer.close()

    def _acquire(self, key: str) -> Balancer:
        balancer, users = self._balancers.get(key, (None, 0))
        if balancer is None:
            balancer = Balancer(key, self._part, self.targets)
        self._balancers[key] = (balancer, users + 1)
        return balancer


def _answer(status: int) -> Step:
    reply = replies.NOT_FOUND if status == 404 else replies.plain(status)
    return lambda client: reply  # noqa: ARG005 - a step is given the client whether it looks or not


def _body_limit(limit: int) -> Step:
    return lambda client: replies.TOO_LARGE if client.request.length > limit else None


def _https_redirect(route: Route) -> Step:
    status, keep = route.https_redirect, route.preserve_trailing_slash

    def step(client: Client) -> Reply | None:
        if client.secure:
            return None
        host = client.forwarded_host
        if not host:
            return replies.plain(400)  # HTTP/1.0 without Host: there is nowhere to redirect to
        name = host[: host.index(b"]") + 1] if host.startswith(b"[") else host.partition(b":")[0]
        target = client.request.target
        if not keep and b"?" not in target:  # as ingress-nginx does it: a path before a query stays what it is
            target = target.removesuffix(b"/")
        return replies.redirect(status, b"https://" + name + target)

    return step

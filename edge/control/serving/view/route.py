"""`/api/routes/{id}`: the details of one route."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from edge.control.serving.view.index import policies_of
from edge.control.serving.view.manifest import manifest
from edge.control.serving.view.routes import object_of
from edge.table import describing
from edge.table.content import certificate_shown
from edge.table.policies.order import ordered
from edge.table.records import Certificate, Route, ServerName, ServicePort

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from edge.control.kinds.objects import Object, ObjectId
    from edge.control.publishing.state import State
    from edge.control.serving.view.index import Row
    from edge.control.serving.view.problems import Problems
    from edge.control.serving.view.routes import Routes
    from edge.table.policies.policy import Policy
    from edge.table.records import Backend, Host
    from edge.table.watched import Health, Watch

MOST_ADDRESSES: Final = 200


class RouteView:
    """One route at a time, of the table of STATE."""

    def __init__(
        self,
        state: State,
        routes: Routes,
        problems: Problems,
        watch: Watch,
        find: Callable[[ObjectId], Object | None],
    ) -> None:
        """WATCH knows how workers find endpoints; FIND gives an object by its name."""
        self._state = state
        self._routes = routes
        self._problems = problems
        self._watch = watch
        self._find = find

    def shown(self, name: str) -> dict[str, Any] | None:
        """The route with the id NAME; None: there is none."""
        row = self._routes.index.get(name)
        if row is None:
            return None
        span = self._routes.traffic.span()
        served = object_of(row.record)
        found = self._find(served) if served.kind else None
        backends = [self._backend(one) for one in row.backends]
        self._watch.ask(each["address"] for one in backends for each in one["addresses"])
        return {
            **self._routes.entry(row, span),
            "generation": self._state.generation,
            "window": span.seconds,
            "backends": backends,
            "details": details(row, self._routes.index.shared),
            "certificate": self._certificate(row.place),
            "traffic": [
                {"method": key.method, "status": key.status, "total": total, "rate": rate}
                for key, total, rate in sorted(span.series(row.labels()), key=lambda one: -one[1])
            ],
            "mirrors": list(mirrors(row)),
            "reports": self._problems.of(served),
            "yaml": manifest(found) if found is not None else "",
        }

    def _backend(self, one: Backend) -> dict[str, Any]:
        port = self._state.record("endpoints", one.key) if one.key else None
        known = port if isinstance(port, ServicePort) else None
        health = self._watch.health()
        return {
            **self._routes.backend(one),
            "protocol": describing.protocol(one.transport),
            "balance": describing.BALANCES[known.balance] if known is not None else None,
            "addresses": [
                _address(describing.endpoint(each), health)
                for each in (known.endpoints[:MOST_ADDRESSES] if known is not None else ())
            ],
        }

    def _certificate(self, host: Host | None) -> dict[str, Any] | None:
        if host is None or not host.tls:
            return None
        found = self._state.record("tls", certificate_shown(host, self._server_name))
        if not isinstance(found, Certificate):
            return None
        return {"secret": f"{found.namespace}/{found.name}" if found.name else "", "not_after": found.not_after}

    def _server_name(self, key: str) -> ServerName | None:
        found = self._state.record("tls", key)
        return found if isinstance(found, ServerName) else None


def _address(name: str, health: Mapping[str, Health]) -> dict[str, Any]:
    """The endpoint NAME, with its health as workers report it."""
    found = health.get(name)
    return {
        "address": name,
        "ejected": found.ejected_for > 0 if found is not None else None,
        "ejected_for": found.ejected_for if found is not None else None,
        "in_flight": found.in_flight if found is not None else None,
    }


def details(row: Row, shared: Iterable[Policy]) -> list[dict[str, str]]:
    """The policies of ROW and of its backends, in the order in which they act."""
    found = [_detail(one, "") for one in policies_of(row, shared)]
    for backend in row.backends:
        found += [_detail(one, backend.service) for one in ordered(backend.policies)]
    return found


def _detail(policy: Policy, backend: str) -> dict[str, str]:
    return {
        "name": type(policy).__name__,
        "summary": policy.summary(),
        "source": policy.source,
        "backend": backend,
    }


def mirrors(row: Row) -> Iterable[dict[str, Any]]:
    """The mirrors of ROW."""
    for one in row.record.mirrors if isinstance(row.record, Route) else ():
        target = one.backend
        yield {
            "namespace": target.namespace,
            "service": target.service,
            "port": target.port,
            "share": round(one.numerator / one.denominator, 6),
        }

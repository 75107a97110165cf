"""Metrics of the control plane: table, objects, problems, certificates, endpoints, and its process."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

from edge import __version__
from edge.control.serving.metrics import definitions as ours
from edge.control.serving.metrics import nginx_definitions as theirs
from edge.control.serving.metrics.expiry import Issuers
from edge.control.serving.metrics.families import many, one
from edge.control.serving.resident import resident
from edge.control.translate.endpoints import Fault
from edge.system import draining
from edge.table.records import ServicePort

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.control.publishing.state import State
    from edge.control.serving.admission.reviews import Reviews
    from edge.control.serving.health import Health
    from edge.control.serving.metrics.families import Family, Values
    from edge.settings import Settings

MOST_SERVICES = 10_000
"""Ports of Services whose endpoints have a metric of their own."""
REPOSITORY = "edge-ingress"


class Plane:
    """Metrics of this control plane."""

    def __init__(
        self,
        state: State,
        settings: Settings,
        health: Health,
        leads: Callable[[], bool] | None,
        reviews: Reviews | None = None,
    ) -> None:
        """REVIEWS: what the webhook has done; None: there is none."""
        self._reviews = reviews
        self._state = state
        self._settings = settings
        self._health = health
        self._leads = leads
        self._issuers = Issuers()

    def families(self) -> Iterator[Family]:
        """Our metrics."""
        state = self._state
        yield many(ours.BUILD, [((__version__,), 1)])
        yield one(ours.GENERATION, state.generation)
        yield one(ours.LAST_CHANGE, state.published)
        yield one(ours.PUBLICATIONS, state.publications)
        yield one(ours.FAILURES, state.failures)
        yield one(ours.FAILED, bool(state.failure))
        yield from self._contents()
        if self._leads is not None:
            yield one(ours.LEADER, self._leads())
        if self._reviews is not None:
            done = self._reviews
            verdicts = (("allowed", done.allowed), ("refused", done.refused), ("malformed", done.malformed))
            yield many(ours.REVIEWS, (((verdict,), number) for verdict, number in verdicts))
            yield one(ours.REVIEW_SECONDS, done.seconds)
        yield one(ours.DRAINING, draining.is_draining(self._settings.table_directory))
        yield one(ours.READY, self._health.ready().well)
        yield one(ours.CONTROL_STARTED, state.started)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        yield one(ours.CONTROL_CPU, usage.ru_utime + usage.ru_stime)
        yield one(ours.CONTROL_RESIDENT, resident())

    def _contents(self) -> Iterator[Family]:
        state = self._state
        hosts = state.hosts()
        yield one(ours.HOSTS, len(hosts))
        yield one(ours.TABLE_ROUTES, sum(len(host.routes) + (host.default is not None) for host in hosts))
        objects, waiting = state.objects(), state.waiting
        yield many(ours.OBJECTS, (((kind,), number) for kind, number in sorted(objects.items())))
        yield one(ours.SERVED, len(state.served()))
        yield many(ours.PROBLEMS, sorted(state.problem_counts().items()))
        unsynced = {kind.partition(":")[0] for kind in waiting}
        kinds = sorted({*objects, *unsynced})
        yield many(ours.SYNCED, (((kind,), kind not in unsynced) for kind in kinds))
        certificates = [shown.certificate for shown in state.certificates()]
        yield many(
            ours.EXPIRY, (((leaf.namespace, leaf.name, leaf.common_name), leaf.not_after) for leaf in certificates)
        )
        ports = [record for record in state.endpoints().values() if isinstance(record, ServicePort)]
        yield one(ours.WITHOUT_ENDPOINTS, sum(not port.endpoints for port in ports))
        if len(ports) > MOST_SERVICES:
            ports.sort(key=lambda port: bool(port.endpoints))
        yield many(
            ours.ENDPOINTS,
            (((port.namespace, port.name, port.port), len(port.endpoints)) for port in ports[:MOST_SERVICES]),
        )

    def nginx_families(self, instance: Values) -> Iterator[Family]:
        """The same under the names of ingress-nginx; INSTANCE: values of the labels that all its metrics have."""
        state = self._state
        yield many(theirs.BUILD, [((f"v{__version__}", "", REPOSITORY, *instance), 1)])
        for definition, value in (
            (theirs.HASH, state.generation),
            (theirs.RELOADED, state.generation > 0 and not state.failure),
            (theirs.RELOAD_TIME, state.published),
            (theirs.SUCCESS, state.reroutings),
            (theirs.ERRORS, state.failures),
        ):
            yield many(definition, [(instance, value)])
        if self._leads is not None:
            yield many(theirs.LEADER, [((self._settings.election_id, *instance), self._leads())])
        if self._reviews is not None and self._reviews.allowed + self._reviews.refused:
            for definition, value in (
                (theirs.TESTED, 1.0),
                (theirs.TESTED_DURATION, self._reviews.seconds),
                (theirs.ROUNDTRIP, self._reviews.seconds),
            ):
                yield many(definition, [(instance, value)])
        yield from self._certificates(instance)
        yield many(theirs.ORPHAN, (((*orphan, *instance), 1) for orphan in sorted(orphans(state))))

    def _certificates(self, instance: Values) -> Iterator[Family]:
        expiries, infos = [], []
        shown = self._state.certificates()
        issuers = self._issuers.of([certificate.certificate for certificate in shown])
        for certificate, issuer in zip(shown, issuers, strict=True):
            record = certificate.certificate
            secret = f"{record.namespace}/{record.name}" if record.name else ""
            for host in certificate.hosts or ("_",):
                labels = (record.namespace, self._settings.ingress_class, host, secret, record.serial)
                expiries.append(((*labels, *instance), record.not_after))
                more = (issuer.organization, record.issuer, record.serial, issuer.algorithm)
                infos.append(((*labels, *more, *instance), 1.0))
        yield many(theirs.EXPIRY, expiries)
        yield many(theirs.CERTIFICATE, infos)


def orphans(state: State) -> set[tuple[str, str, str]]:
    """Namespace and name of each Ingress with a route that leads nowhere, and why."""
    missing = {
        (report.object.namespace, report.object.name)
        for report in state.reports()
        if report.problem.reason == Fault.MISSING_SERVICE and report.object.kind == "Ingress"
    }
    ports = state.endpoints()
    empty = set()
    for host in state.hosts():
        for route in (*host.routes, *((host.default,) if host.default is not None else ())):
            if route.owner.kind != "Ingress":
                continue
            for backend in route.backends:
                port = ports.get(backend.key)
                if backend.key and not (isinstance(port, ServicePort) and port.endpoints):
                    empty.add((route.owner.namespace, route.owner.name))
    return {(*ingress, "no-service") for ingress in missing} | {(*one, "no-endpoint") for one in empty - missing}

"""The Services behind a rule (Gateway API, HTTPBackendRef, GRPCBackendRef and BackendRef).

Rules of this file:
- A backend that must not or cannot be used keeps its share of the requests; they get an error.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from edge.control.kinds.http_routes import BackendReference
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, error
from edge.control.kinds.services import TCP, UDP
from edge.control.translate import app_protocols
from edge.control.translate.gateway import backend_tls, filters
from edge.control.translate.gateway.grants import remedy
from edge.control.translate.parts import BY_UDP, ServiceUse
from edge.table.records import Backend, Protocol, Transport, service_key

if TYPE_CHECKING:
    from edge.control.kinds.route_filters import MirrorBackend
    from edge.control.translate.gateway.view import View
    from edge.table.records import TlsMaterial


class Manner(NamedTuple):
    """Properties of a kind of route that backends depend on."""

    status: int
    """Answered in place of a backend that cannot be used."""
    answer: str
    """The same in words."""
    protocol: str = TCP
    """Of the Service's port."""
    app_protocol: str = ""
    """Protocol of endpoints, overriding the Service's; empty: the Service's."""
    streams: bool = False
    """Whether there is no HTTP."""
    ended: bool = False
    """Of streams: whether Edge terminates TLS, so that BackendTLSPolicies apply."""
    no_endpoints: str = ""
    """What happens without endpoints; empty: requests are answered 503."""


HTTP: Final = Manner(500, "its share of the requests is answered 500")
GRPC: Final = Manner(503, "its share of the calls is answered UNAVAILABLE", app_protocol=app_protocols.H2C)
CONNECTIONS: Final = Manner(
    500, "its share of the connections is closed", streams=True, no_endpoints="connections are closed"
)
ENDED: Final = CONNECTIONS._replace(ended=True)
DATAGRAMS: Final = Manner(
    500, "its share of the datagrams is dropped", UDP, streams=True, no_endpoints="datagrams are dropped"
)


class BackendReader:
    """Reads the backendRefs of the route OWNER; `problems` and `uses` are those of all that were read."""

    def __init__(self, owner: ObjectId, view: View, manner: Manner = HTTP) -> None:
        self._owner = owner
        self._view = view
        self._manner = manner
        self._suffix = BY_UDP if manner.protocol == UDP else ""
        self.problems: list[Problem] = []
        self.uses: list[ServiceUse] = []
        self.materials: dict[str, TlsMaterial] = {}
        """What transports need, by key."""
        self.policies: dict[ObjectId, None] = {}
        """BackendTLSPolicies for the Services."""

    def read(self, reference: BackendReference | MirrorBackend, field: str, *, instead: str = "") -> Backend:
        """The backend of REFERENCE at FIELD, without the policies of its filters. INSTEAD: what happens if it cannot be
        used; empty: as for all backends of the route.
        """
        namespace = reference.namespace or self._owner.namespace
        port = sys.intern(str(reference.port)) if reference.port else ""
        made = Backend(namespace, reference.name, port, status=self._manner.status)
        target = ObjectId("Service", namespace, reference.name)
        found = self._fault(reference, target, field, instead or self._manner.answer)
        if isinstance(reference, BackendReference):
            made = replace(made, weight=reference.weight)
            found += filters.faults(reference.filters, f"{field}.filters", of_backend=True)
        transport = None
        if not found:
            transport = self._transport((namespace, reference.name), port)
            if transport is None:
                answer = instead or self._manner.answer
                message = f"the BackendTLSPolicy for {target} cannot be applied, so {answer}"
                found.append(error("InvalidBackendTLS", field, message))
        self.problems += found
        if transport is None or found:
            return made
        key = sys.intern(service_key(namespace, reference.name, port) + self._suffix)
        at, ignored = sys.intern(field), instead or self._manner.no_endpoints
        use = ServiceUse(key, namespace, reference.name, port, at, instead=ignored, protocol=self._manner.protocol)
        self.uses.append(use)
        return replace(made, key=key, transport=transport)

    def _transport(self, service: tuple[str, str], port: str) -> Transport | None:
        """The transport to the endpoints; None: nothing may be sent to them."""
        if self._manner.streams and not self._manner.ended:
            return Transport()
        terms = backend_tls.terms(service, port, self._view)
        if terms is not None:
            self.policies.update(dict.fromkeys(one.id for one in terms.policies))
            if terms.tls is None:
                return None
            if terms.material is not None:
                self.materials[terms.tls.material] = terms.material
        if self._manner.streams:
            return Transport(Protocol.BYTES, terms.tls) if terms is not None else Transport()
        spoken = self._manner.app_protocol or self._view.app_protocol(service, port)
        return app_protocols.transport(spoken, terms.tls if terms is not None else None)

    def _fault(
        self, reference: BackendReference | MirrorBackend, target: ObjectId, field: str, answer: str
    ) -> list[Problem]:
        """Why TARGET cannot be used."""
        if (reference.group, reference.kind) != ("", "Service"):
            what = f"{reference.kind} of {reference.group or 'the core group'}"
            return [error("InvalidKind", f"{field}.kind", f"{what} is not supported, so {answer}; name a Service")]
        if target.namespace != self._owner.namespace and not self._view.is_granted(self._owner, target):
            message = f"{target} is in another namespace, and {remedy(self._owner, target)}; until then {answer}"
            return [error("RefNotPermitted", field, message)]
        reason = self._view.service_fault((target.namespace, target.name), f"{reference.port}{self._suffix}")
        if reason == "MissingService":
            return [error(reason, f"{field}.name", f"{target} does not exist; {answer}")]
        if reason:
            message = f"{target} has no {self._manner.protocol} port {reference.port}; {answer}"
            return [error(reason, f"{field}.port", message)]
        return []

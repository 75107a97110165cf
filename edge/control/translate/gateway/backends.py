"""The Services behind a rule (Gateway API, HTTPBackendRef).

Rules of this file:
- A backend that must not or cannot be used keeps its share of the requests; they are answered 500.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from msgspec.structs import replace

from edge.control.kinds.gateway import BackendReference
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, error
from edge.control.translate.gateway import app_protocols, filters
from edge.control.translate.gateway.grants import remedy
from edge.control.translate.parts import ServiceUse
from edge.table.records import Backend, service_key

if TYPE_CHECKING:
    from edge.control.kinds.gateway import MirrorBackend
    from edge.control.translate.gateway.view import View
    from edge.table.records import Transport

ANSWER = "its share of the requests is answered 500"


class BackendReader:
    """Reads the backendRefs of the HTTPRoute OWNER; `problems` and `uses` are those of all that were read."""

    def __init__(self, owner: ObjectId, view: View) -> None:
        self._owner = owner
        self._view = view
        self.problems: list[Problem] = []
        self.uses: list[ServiceUse] = []

    def read(self, reference: BackendReference | MirrorBackend, field: str, *, instead: str = ANSWER) -> Backend:
        """The backend that REFERENCE at FIELD means, without the policies of its filters.

        INSTEAD: what happens where it cannot be used.
        """
        namespace = reference.namespace or self._owner.namespace
        port = sys.intern(str(reference.port)) if reference.port else ""
        made = Backend(namespace, reference.name, port, status=500)
        target = ObjectId("Service", namespace, reference.name)
        found = self._fault(reference, target, field, instead)
        if isinstance(reference, BackendReference):
            made = replace(made, weight=reference.weight)
            found += filters.faults(reference.filters, f"{field}.filters", of_backend=True)
        self.problems += found
        if found:
            return made
        key = sys.intern(service_key(namespace, reference.name, port))
        spoken = self._view.app_protocol((namespace, reference.name), port)
        ignored = instead if instead != ANSWER else ""
        self.uses.append(ServiceUse(key, namespace, reference.name, port, sys.intern(field), instead=ignored))
        return replace(made, key=key, transport=self._transport(spoken))

    def _transport(self, spoken: str) -> Transport:
        return app_protocols.transport(spoken)

    def _fault(
        self, reference: BackendReference | MirrorBackend, target: ObjectId, field: str, answer: str
    ) -> list[Problem]:
        """What keeps TARGET from being used."""
        if (reference.group, reference.kind) != ("", "Service"):
            what = f"{reference.kind} of {reference.group or 'the core group'}"
            return [error("InvalidKind", f"{field}.kind", f"{what} is not supported, so {answer}; name a Service")]
        if target.namespace != self._owner.namespace and not self._view.is_granted(self._owner, target):
            message = f"{target} is in another namespace, and {remedy(self._owner, target)}; until then {answer}"
            return [error("RefNotPermitted", field, message)]
        reason = self._view.service_fault((target.namespace, target.name), str(reference.port))
        if reason == "MissingService":
            return [error(reason, f"{field}.name", f"{target} does not exist; {answer}")]
        if reason:
            return [error(reason, f"{field}.port", f"{target} has no TCP port {reference.port}; {answer}")]
        return []

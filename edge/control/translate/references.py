"""Secrets and ConfigMaps that annotations of one Ingress name.

Rules of this file:
- An object of another namespace is refused unless that is allowed. If an object cannot be used, the routes, or the
  host, are closed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from edge.control.kinds.core import ConfigMap, Secret
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, error, warning
from edge.control.translate.annotations.values import CLOSES
from edge.control.translate.annotations.wanted import ContentError
from edge.table.policies import Closed

if TYPE_CHECKING:
    from edge.control.translate.annotations.wanted import Deferred, Reference
    from edge.table.policies import AnyPolicy

Find = Callable[[ObjectId], Secret | ConfigMap | str | None]
"""Returns a Secret or ConfigMap; text: why it cannot be read; None: it has not been read yet."""

T = TypeVar("T")


class References:
    """What an Ingress of NAMESPACE refers to; FIND gives the objects, PROBLEMS gets what is wrong with them.

    - `names`: the objects that have been looked for.
    """

    def __init__(self, namespace: str, find: Find, problems: list[Problem], *, cross_namespace: bool) -> None:
        """CROSS_NAMESPACE: objects of other namespaces are found, too."""
        self._namespace = namespace
        self._find = find
        self._problems = problems
        self._cross_namespace = cross_namespace
        self.names: list[ObjectId] = []

    def policy(self, deferred: Deferred) -> AnyPolicy:
        """The policy of DEFERRED with the object that it needs; without that, one that closes the routes."""
        reference = deferred.reference

        def made(found: Secret | ConfigMap) -> AnyPolicy:
            policy, faults = deferred.make(found)
            for fault in faults:
                name = reference.within(self._namespace)
                self._problems.append(warning(f"Invalid{name.kind}", reference.field, f"{name}: {fault}"))
            return policy

        return self.made(reference, made)

    def made(self, reference: Reference, make: Callable[[Secret | ConfigMap], T], closes: str = CLOSES) -> T | Closed:
        """The result of MAKE for the object REFERENCE; without a usable one, the policy that closes the routes. CLOSES:
        the consequence, for the report.
        """
        name = reference.within(self._namespace)
        if name.namespace != self._namespace and not self._cross_namespace:
            fault = f"{name} is in another namespace, which --allow-cross-namespace-resources would allow"
            return self._closed("CrossNamespace", reference, fault, closes)
        self.names.append(name)
        found = self._find(name)
        if found is None:
            return Closed(reference.field, f"{name} has not been read yet")
        if isinstance(found, str):
            return self._closed(f"Missing{name.kind}", reference, found, closes)
        try:
            return make(found)
        except ContentError as fault:
            return self._closed(f"Invalid{name.kind}", reference, f"{name} cannot be used: {fault}", closes)

    def _closed(self, reason: str, reference: Reference, fault: str, closes: str) -> Closed:
        self._problems.append(error(reason, reference.field, f"{fault}; {closes}"))
        return Closed(reference.field, fault)

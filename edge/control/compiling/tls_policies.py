"""The BackendTLSPolicies of each Service."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from edge.control.kinds.backend_tls import BackendTLSPolicy
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.services import Service

if TYPE_CHECKING:
    from edge.control.compiling.store import Store
    from edge.control.kinds.objects import Key


class TlsPolicies:
    """Those of STORE, by the Services that they are for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_service: dict[Key, set[Key]] = {}
        self._services: dict[Key, frozenset[Key]] = {}
        """The Services that each policy is for."""

    def changed(self, key: Key) -> frozenset[Key]:
        """The policy KEY has changed; returns the Services that it was for, or is for now."""
        before, after = self._services.pop(key, frozenset()), self._targets(key)
        for service in before - after:
            policies = self._by_service[service]
            policies.discard(key)
            if not policies:
                del self._by_service[service]
        for service in after:
            self._by_service.setdefault(service, set()).add(key)
        if after:
            self._services[key] = after
        return before | after

    def of(self, service: Key) -> list[BackendTLSPolicy]:
        """The policies for SERVICE, the older one first, then by name."""
        found = [one for key in self._by_service.get(service, ()) if (one := self._get(key)) is not None]
        return sorted(found, key=lambda one: one.order)

    def _targets(self, key: Key) -> frozenset[Key]:
        found = self._get(key)
        targets = found.spec.target_refs if found is not None else ()
        return frozenset((key[0], one.name) for one in targets if (one.group, one.kind) == ("", Service.kind))

    def _get(self, key: Key) -> BackendTLSPolicy | None:
        return cast("BackendTLSPolicy | None", self._store.get(ObjectId(BackendTLSPolicy.kind, *key)))

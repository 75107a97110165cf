"""The configuration of the process: the flags, and the ConfigMap of `--configmap`, which overrides them.

Rules of this file:
- The ConfigMap may come, change and go at any time; without it the flags apply, and everything else has the defaults of
  ingress-nginx.
- Until it is known whether there is one, nothing is configured: the first table waits, because the ConfigMap may have
  keys that refuse requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.containment import REASON, contain
from edge.control.kinds.core import ConfigMap
from edge.control.kinds.objects import Metadata, ObjectId
from edge.control.kinds.problems import Problem, error, warning
from edge.control.translate.annotations.defaults import defaults_of
from edge.control.translate.configmap.reading import Configuration, read
from edge.table.parameters import PARAMETERS, TLS_PARAMETERS, Parameters, TlsParameters
from edge.table.records import SHARED_POLICIES, SharedPolicies

if TYPE_CHECKING:
    from edge.control.compiling.delta import Delta
    from edge.control.compiling.references import References
    from edge.settings import Settings

FLAG: Final = "--configmap"


class Configured:
    """The values in force, and their sources."""

    def __init__(self, settings: Settings, references: References) -> None:
        self._flags = defaults_of(settings)
        self._references = references
        namespace, _, name = settings.configmap.partition("/")
        self.owner = ObjectId("ConfigMap", namespace, name) if name else None
        self._names: frozenset[ObjectId] = frozenset((self.owner,)) if self.owner is not None else frozenset()
        if self.owner is not None:
            references.replace(self.owner, (), self._names)
        self._compiled = False
        self._published = Configuration({})
        self._faults: tuple[Problem, ...] = ()
        self.current = Configuration(self._flags)

    @property
    def is_known(self) -> bool:
        """Whether it is known if there is a ConfigMap, and which."""
        return self.owner is None or self._references.find(self.owner) is not None

    def compile(self, changed: set[ObjectId], delta: Delta) -> bool:
        """Read the objects that have CHANGED, and add what differs to DELTA; returns whether the defaults differ."""
        if self._compiled and self._names.isdisjoint(changed):
            return False
        before, self._compiled = self.current, True
        self.current = self._contained()
        if self.owner is not None:
            names = frozenset((self.owner, *self.current.references))
            self._references.replace(self.owner, self._names, names)
            self._names = names
        now, last = self.current, self._published
        if now.parameters != last.parameters:
            delta.routes[PARAMETERS] = now.parameters if now.parameters != Parameters() else None
        if now.tls != last.tls:
            delta.tls[TLS_PARAMETERS] = now.tls if now.tls != TlsParameters() else None
        if now.policies != last.policies:
            delta.routes[SHARED_POLICIES] = SharedPolicies(now.policies) if now.policies else None
        self._published = now
        return now.defaults != before.defaults

    def problems(self) -> list[Problem]:
        """What is wrong with the ConfigMap."""
        return [*self._faults, *self.current.problems]

    def _contained(self) -> Configuration:
        def failed(fault: str) -> Configuration:
            self._faults = (error(REASON, FLAG, f"{fault}; what was in force last stays so"),)
            return self.current

        return contain(FLAG, self._read, failed)

    def _read(self) -> Configuration:
        self._faults = ()
        if self.owner is None:
            return Configuration(self._flags)
        found = self._references.find(self.owner)
        if isinstance(found, ConfigMap):
            return read(found, self._flags, self._references.find)
        if isinstance(found, str):
            message = f"{found}; the defaults hold" if found.endswith("exist") else found
            self._faults = (warning("MissingConfigMap", FLAG, message),)
        nothing = ConfigMap(Metadata(name=self.owner.name, namespace=self.owner.namespace))
        return read(nothing, self._flags, self._references.find)

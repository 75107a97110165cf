"""The Globals record: the Service for requests that no Ingress takes (`--default-backend-service`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.containment import REASON, contain
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, error
from edge.control.translate.endpoints import EXTERNAL_NAME
from edge.control.translate.parts import ServiceUse
from edge.table.records import Backend, Globals, PathKind, Route, service_key

if TYPE_CHECKING:
    from edge.control.compiling.service_ports import Services
    from edge.control.compiling.store import Store
    from edge.control.kinds.objects import Key
    from edge.control.kinds.services import Service

FLAG: Final = "--default-backend-service"
OWNER: Final = ObjectId("", "", FLAG)
"""In place of an object among the users of a Service."""
ORDER: Final = ("", "", "")
NOT_FOUND: Final = Route(PathKind.PREFIX, "/", backends=(Backend(status=404),))


class DefaultBackend:
    """The Service behind the flag, by its first port."""

    def __init__(self, name: str, store: Store, services: Services) -> None:
        """NAME: namespace/name; empty: there is none."""
        namespace, _, service = name.partition("/")
        self.service: Key | None = (namespace, service) if name else None
        self._store = store
        self._services = services
        self._use: ServiceUse | None = None
        self.route: Route | None = None
        """The route to the Service, where there is one."""
        self._reported = False
        self._always = False
        self._fault: Problem | None = None

    @property
    def owner(self) -> ObjectId | None:
        """Whose the problems are."""
        return ObjectId("Service", *self.service) if self.service is not None else None

    def compile(self, *, always: bool = False) -> Globals | None:
        """The record, when it may be different; to be called before `Services.compile`.

        ALWAYS: there is a route even without a Service, because all routes have policies.
        """
        use = self._contained()
        if self._reported and use == self._use and always == self._always:
            return None
        self._always = always
        self._services.replace(OWNER, ORDER, (self._use,) if self._use else (), (use,) if use else ())
        self._use, self._reported = use, True
        self.route = None
        if use is None:
            return Globals(NOT_FOUND) if always else Globals()
        backend = Backend(use.namespace, use.name, use.port, use.key)
        self.route = Route(PathKind.PREFIX, "/", backends=(backend,))
        return Globals(self.route)

    def problems(self) -> list[Problem]:
        """What is wrong with the Service."""
        if self._fault is not None:
            return [self._fault]
        return list(self._services.problems((self._use,))) if self._use is not None else []

    def _contained(self) -> ServiceUse | None:
        def failed(fault: str) -> ServiceUse | None:
            self._fault = error(REASON, FLAG, f"{fault}; what was in force last stays so")
            return self._use

        return contain(FLAG, self._find, failed)

    def _find(self) -> ServiceUse | None:
        self._fault = None
        if self.service is None:
            return None
        service = self._store.service(self.service)
        port = _first_port(service) if service is not None else ""
        if not port:
            wrong = "does not exist" if service is None else "has no TCP port"
            message = f"Service {'/'.join(self.service)} {wrong}; requests that no Ingress takes are answered 404"
            self._fault = error("MissingService" if service is None else "MissingPort", FLAG, message)
            return None
        return ServiceUse(service_key(*self.service, port), *self.service, port, FLAG)


def _first_port(service: Service) -> str:
    for port in service.spec.ports or ():
        if port.is_tcp:
            return str(port.port)
    return "80" if service.spec.type == EXTERNAL_NAME else ""

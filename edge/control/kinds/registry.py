"""The kinds of objects that Edge reads: for each of them its struct, its defaults and its validation.

Rules of this file:
- A new kind is an entry here. Decoding, admission, the store and the readers of files use this list.
- Which kinds are read from a cluster is not said here: `edge.control.sources.cluster` lists and watches those that its
  role allows, and `edge.control.kinds.resources` knows where they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from edge.control.kinds import (
    backend_tls,
    backend_tls_validation,
    core,
    defaults,
    gateway,
    gateway_routes,
    gateway_routes_validation,
    gateway_validation,
    http_route_validation,
    http_routes,
    ingress,
    listener_sets,
    names,
    reference_grants,
    reference_grants_validation,
    services,
    validation,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from edge.control.kinds.objects import Object, ObjectError


def _no_faults(candidate: Any) -> Iterator[ObjectError]:  # noqa: ARG001 - the signature of all of them
    yield from ()


@dataclass(frozen=True)
class Definition:
    """One kind."""

    struct: type[Object]
    faults: Callable[[Any], Iterator[ObjectError]] = _no_faults
    """What is wrong with an object of the kind, beside its metadata."""
    defaults: Callable[[dict[str, Any]], None] = defaults.none
    """Fills in the defaults of a mapping."""
    namespaced: bool = True
    name_fault: Callable[[str], str] = names.subdomain_fault
    """What keeps a text from being the name of such an object."""
    annotated: bool = False
    """Whether its annotations are read."""
    versions: tuple[str, ...] = ()
    """Further API versions that mean the same."""


_ALL: Final = (
    Definition(ingress.Ingress, validation.ingress, annotated=True),
    Definition(ingress.IngressClass, validation.ingress_class, namespaced=False, annotated=True),
    Definition(services.Service, validation.service, defaults.service, name_fault=names.label_fault),
    Definition(services.EndpointSlice, validation.endpoint_slice, defaults.endpoint_slice),
    Definition(core.Secret, validation.secret, defaults.secret),
    Definition(core.ConfigMap, validation.config_map),
    Definition(core.Namespace, namespaced=False, name_fault=names.label_fault),
    Definition(gateway.GatewayClass, gateway_validation.gateway_class, defaults.custom, namespaced=False),
    Definition(gateway.Gateway, gateway_validation.gateway, defaults.custom),
    Definition(http_routes.HTTPRoute, http_route_validation.route, defaults.custom),
    Definition(listener_sets.ListenerSet, gateway_validation.listener_set, defaults.custom),
    Definition(backend_tls.BackendTLSPolicy, backend_tls_validation.backend_tls_policy, defaults.custom),
    Definition(gateway_routes.GRPCRoute, gateway_routes_validation.grpc_route, defaults.custom),
    Definition(
        gateway_routes.TLSRoute,
        gateway_routes_validation.tls_route,
        defaults.custom,
        versions=(f"{gateway.GROUP}/v1alpha2", f"{gateway.GROUP}/v1alpha3"),
    ),
    Definition(
        gateway_routes.TCPRoute,
        gateway_routes_validation.stream_route,
        defaults.custom,
        versions=(f"{gateway.GROUP}/v1alpha2",),
    ),
    Definition(
        gateway_routes.UDPRoute,
        gateway_routes_validation.stream_route,
        defaults.custom,
        versions=(f"{gateway.GROUP}/v1alpha2",),
    ),
    Definition(
        reference_grants.ReferenceGrant,
        reference_grants_validation.grant,
        defaults.custom,
        versions=(gateway.VERSION,),
    ),
)
DEFINITIONS: Final[Mapping[str, Definition]] = {one.struct.kind: one for one in _ALL}
"""By kind."""
KINDS: Final[Mapping[str, type[Object]]] = {kind: one.struct for kind, one in DEFINITIONS.items()}
"""The structs by kind."""

"""The rules for which an API server refuses an object, as a list of faults.

Rules of this file:
- An object is refused for the same reasons as by the API server, in the parts that Edge reads.
- One exception: loopback and link-local addresses of endpoints are taken. A cluster has no use for them; an edge
  server next to the applications that it serves does.
- Another: capital letters and a trailing dot in host names, which mean nothing. Who reads the Ingress warns of them.
- All faults of an object are reported at once.
- A function for each kind; its object has its defaults. `edge.control.kinds.registry` says which is for which.

Source: Kubernetes v1.34, pkg/apis/{networking,discovery,core}/validation.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from edge.control.kinds import names
from edge.control.kinds.core import TLS_CHAIN, TLS_KEY, TLS_TYPE, ConfigMap, Secret
from edge.control.kinds.ingress import CLASS_ANNOTATION, Ingress, IngressBackend, IngressClass
from edge.control.kinds.objects import ObjectError
from edge.table import describing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from edge.control.kinds.ingress import HTTPIngressPath
    from edge.control.kinds.objects import Metadata
    from edge.control.kinds.services import EndpointPort, EndpointSlice, Service, ServicePort, SliceEndpoint

PROTOCOLS: Final = ("TCP", "UDP", "SCTP")
SERVICE_TYPES: Final = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")
ADDRESS_TYPES: Final = ("IPv4", "IPv6", "FQDN")
PATH_TYPES: Final = tuple(sorted(describing.KINDS.values()))
_NOT_IN_A_PATH: Final = ("//", "/./", "/../", "%2f", "%2F")
_NOT_AT_THE_END: Final = ("/..", "/.")
_MOST_CONTROLLER: Final = 250
_MOST_ENDPOINTS: Final = 1000
_MOST_ADDRESSES: Final = 100
_MOST_PORTS: Final = 20_000
_MOST_DATA: Final = 1 << 20
_MOST_ANNOTATIONS: Final = 256 << 10


# --- metadata -------------------------------------------------------------------------------------------------------


def metadata(metadata: Metadata, name_fault: Callable[[str], str]) -> Iterator[ObjectError]:
    """What is wrong with METADATA; NAME_FAULT: what the kind takes as a name."""
    if not metadata.name:
        yield ObjectError("metadata.name", "required")
    else:
        yield from fault_at("metadata.name", name_fault(metadata.name))
    if metadata.namespace:
        yield from fault_at("metadata.namespace", names.label_fault(metadata.namespace))
    for key, value in (metadata.labels or {}).items():
        yield from fault_at(f'metadata.labels["{key}"]', names.qualified_fault(key) or names.label_value_fault(value))
    annotations = metadata.annotations or {}
    for key in annotations:
        yield from fault_at(f'metadata.annotations["{key}"]', names.qualified_fault(key.lower()))
    if sum(len(key) + len(value) for key, value in annotations.items()) > _MOST_ANNOTATIONS:
        yield ObjectError("metadata.annotations", f"must have no more than {_MOST_ANNOTATIONS} bytes in all")


def fault_at(field: str, reason: str) -> Iterator[ObjectError]:
    """A fault of FIELD if there is a REASON."""
    if reason:
        yield ObjectError(field, reason)


def one_of(field: str, value: str | None, choices: tuple[str, ...]) -> Iterator[ObjectError]:
    """A fault of FIELD unless its VALUE is one of CHOICES."""
    if value not in choices:
        yield ObjectError(
            field, (f'"{value}" is not supported' if value else "required") + f"; one of {', '.join(choices)}"
        )


# --- networking.k8s.io ----------------------------------------------------------------------------------------------


def ingress(ingress: Ingress) -> Iterator[ObjectError]:
    """What is wrong with an Ingress."""
    spec = ingress.spec
    if not spec.rules and spec.default_backend is None:
        yield ObjectError("spec", "either defaultBackend or rules is required")
    if spec.default_backend is not None:
        yield from _backend(spec.default_backend, "spec.defaultBackend")
    for number, rule in enumerate(spec.rules or ()):
        field = f"spec.rules[{number}]"
        if rule.host:
            yield from fault_at(f"{field}.host", names.host_fault(names.host_name(rule.host)))
        if rule.http is not None:
            if not rule.http.paths:
                yield ObjectError(f"{field}.http.paths", "required")
            for index, path in enumerate(rule.http.paths or ()):
                yield from _path(path, f"{field}.http.paths[{index}]")
    for number, tls in enumerate(spec.tls or ()):
        field = f"spec.tls[{number}]"
        for index, host in enumerate(map(names.host_name, tls.hosts or ())):
            fault = names.wildcard_fault(host) if "*" in host else names.subdomain_fault(host)
            yield from fault_at(f"{field}.hosts[{index}]", fault)
        if tls.secret_name:
            yield from fault_at(f"{field}.secretName", names.subdomain_fault(tls.secret_name))
    if spec.ingress_class_name is not None:
        yield from fault_at("spec.ingressClassName", names.subdomain_fault(spec.ingress_class_name))
        annotation = ingress.annotations.get(CLASS_ANNOTATION)
        if annotation is not None and annotation != spec.ingress_class_name:
            yield ObjectError(
                f'metadata.annotations["{CLASS_ANNOTATION}"]',
                f'"{annotation}" must be the same as spec.ingressClassName, which is "{spec.ingress_class_name}"',
            )


def _path(path: HTTPIngressPath, field: str) -> Iterator[ObjectError]:
    text = path.path or ""
    if path.path_type is None:
        yield ObjectError(f"{field}.pathType", f"required; one of {', '.join(PATH_TYPES)}")
    elif path.path_type not in PATH_TYPES:
        yield from one_of(f"{field}.pathType", path.path_type, PATH_TYPES)
    elif (text or path.path_type != "ImplementationSpecific") and not text.startswith("/"):
        yield ObjectError(f"{field}.path", f'"{text}" must begin with "/"')
    elif path.path_type != "ImplementationSpecific":
        for part in _NOT_IN_A_PATH:
            if part in text:
                yield ObjectError(f"{field}.path", f'"{text}" must not contain "{part}"')
        for part in _NOT_AT_THE_END:
            if text.endswith(part):
                yield ObjectError(f"{field}.path", f'"{text}" must not end with "{part}"')
    yield from _backend(path.backend, f"{field}.backend")


def _backend(backend: IngressBackend, field: str) -> Iterator[ObjectError]:
    if backend.service is not None and backend.resource is not None:
        yield ObjectError(field, "must not have both a service and a resource")
    elif backend.service is not None:
        service, port = backend.service, backend.service.port
        if service.name:
            yield from fault_at(f"{field}.service.name", names.label_fault(service.name))
        else:
            yield ObjectError(f"{field}.service.name", "required")
        if port.name and port.number:
            yield ObjectError(f"{field}.service.port", "must not have both a name and a number")
        elif port.name:
            yield from fault_at(f"{field}.service.port.name", names.port_name_fault(port.name))
        elif port.number:
            yield from fault_at(f"{field}.service.port.number", names.port_number_fault(port.number))
        else:
            yield ObjectError(f"{field}.service.port", "a name or a number is required")
    elif backend.resource is not None:
        for part, value in (("kind", backend.resource.kind), ("name", backend.resource.name)):
            yield from fault_at(f"{field}.resource.{part}", names.segment_fault(value) if value else "required")
        if backend.resource.api_group is not None:
            yield from fault_at(f"{field}.resource.apiGroup", names.subdomain_fault(backend.resource.api_group))
    else:
        yield ObjectError(field, "a service or a resource is required")


def ingress_class(ingress_class: IngressClass) -> Iterator[ObjectError]:
    """What is wrong with an IngressClass."""
    controller = ingress_class.spec.controller
    if not controller:
        yield ObjectError("spec.controller", "required")
    elif len(controller) > _MOST_CONTROLLER:
        yield ObjectError("spec.controller", f"must have no more than {_MOST_CONTROLLER} characters")
    else:
        yield from fault_at("spec.controller", names.controller_fault(controller))


# --- v1 and discovery.k8s.io ----------------------------------------------------------------------------------------


def service(service: Service) -> Iterator[ObjectError]:
    """What is wrong with a Service."""
    spec = service.spec
    yield from one_of("spec.type", spec.type or "ClusterIP", SERVICE_TYPES)
    ports = spec.ports or ()
    headless = spec.cluster_ip == "None"
    if not ports and not headless and spec.type != "ExternalName":
        yield ObjectError("spec.ports", "required")
    if spec.type == "ExternalName":
        name = (spec.external_name or "").removesuffix(".")
        yield from fault_at("spec.externalName", names.subdomain_fault(name) if name else "required")
    if spec.cluster_ip and not headless and not names.is_address(spec.cluster_ip):
        yield ObjectError("spec.clusterIP", f'"{spec.cluster_ip}" must be an IP address, empty, or None')
    seen: set[tuple[int, str | None]] = set()
    for number, port in enumerate(ports):
        field = f"spec.ports[{number}]"
        yield from _service_port(port, field, only=len(ports) == 1)
        if (port.port, port.protocol) in seen:
            yield ObjectError(field, f"port {port.port} {port.protocol} is listed twice")
        seen.add((port.port, port.protocol))
    yield from _twice("spec.ports", [port.name or "" for port in ports])


def _service_port(port: ServicePort, field: str, *, only: bool) -> Iterator[ObjectError]:
    if port.name:
        yield from fault_at(f"{field}.name", names.label_fault(port.name))
    elif not only:
        yield ObjectError(f"{field}.name", "required when there are several ports")
    yield from fault_at(f"{field}.port", names.port_number_fault(port.port))
    yield from one_of(f"{field}.protocol", port.protocol, PROTOCOLS)
    target = port.target_port
    if isinstance(target, int) and target:
        yield from fault_at(f"{field}.targetPort", names.port_number_fault(target))
    elif isinstance(target, str) and target:
        yield from fault_at(f"{field}.targetPort", names.port_name_fault(target))


def endpoint_slice(one: EndpointSlice) -> Iterator[ObjectError]:
    """What is wrong with an EndpointSlice."""
    yield from one_of("addressType", one.address_type, ADDRESS_TYPES)
    endpoints, ports = one.endpoints or (), one.ports or ()
    if len(endpoints) > _MOST_ENDPOINTS:
        yield ObjectError(
            "endpoints", f"must have no more than {_MOST_ENDPOINTS}; split them over several EndpointSlices"
        )
    for number, endpoint in enumerate(endpoints):
        yield from _endpoint(endpoint, one.address_type, f"endpoints[{number}].addresses")
    if len(ports) > _MOST_PORTS:
        yield ObjectError("ports", f"must have no more than {_MOST_PORTS}")
    for number, port in enumerate(ports):
        yield from _endpoint_port(port, f"ports[{number}]")
    yield from _twice("ports", [port.name or "" for port in ports], empty=True)


def _endpoint(endpoint: SliceEndpoint, address_type: str, field: str) -> Iterator[ObjectError]:
    addresses = endpoint.addresses or ()
    if not addresses:
        yield ObjectError(field, "required")
    if len(addresses) > _MOST_ADDRESSES:
        yield ObjectError(field, f"must have no more than {_MOST_ADDRESSES}")
    for number, address in enumerate(addresses):
        yield from fault_at(f"{field}[{number}]", _address_fault(address, address_type))


def _address_fault(address: str, address_type: str) -> str:
    if address_type == "FQDN":
        return names.subdomain_fault(address.removesuffix("."))
    if address_type not in ADDRESS_TYPES:
        return ""  # reported already
    try:
        parsed = ipaddress.IPv4Address(address) if address_type == "IPv4" else ipaddress.IPv6Address(address)
    except ValueError:
        return f'"{address}" is no {address_type} address'
    return f'"{address}" is the address of nothing' if parsed.is_unspecified or parsed.is_multicast else ""


def _endpoint_port(port: EndpointPort, field: str) -> Iterator[ObjectError]:
    if port.name:
        yield from fault_at(f"{field}.name", names.label_fault(port.name))
    yield from one_of(f"{field}.protocol", port.protocol, PROTOCOLS)
    if port.port is not None:
        yield from fault_at(f"{field}.port", names.port_number_fault(port.port))


def _twice(field: str, texts: list[str], *, empty: bool = False) -> Iterator[ObjectError]:
    """A fault for each name that TEXTS repeat; EMPTY: also for the empty name."""
    seen: set[str] = set()
    for number, text in enumerate(texts):
        if text in seen and (text or empty):
            yield ObjectError(f"{field}[{number}].name", f'"{text}" is used twice')
        seen.add(text)


def secret(secret: Secret) -> Iterator[ObjectError]:
    """What is wrong with a Secret."""
    yield from _data(secret.data)
    if secret.type == TLS_TYPE:
        for key in (TLS_CHAIN, TLS_KEY):
            if key not in (secret.data or {}):
                yield ObjectError(f'data["{key}"]', f"required in a Secret of type {TLS_TYPE}")


def _data(data: Mapping[str, str | bytes] | None) -> Iterator[ObjectError]:
    size = 0
    for key, value in (data or {}).items():
        size += len(value)
        yield from fault_at(f'data["{key}"]', names.data_key_fault(key))
    if size > _MOST_DATA:
        yield ObjectError("data", f"must have no more than {_MOST_DATA} bytes in all")


def config_map(one: ConfigMap) -> Iterator[ObjectError]:
    """What is wrong with a ConfigMap."""
    yield from _data(one.data)

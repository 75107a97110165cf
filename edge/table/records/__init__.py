"""The records of the routing table: what the control plane decides and the workers carry out.

Rules of this file:
- A record is self-contained: it has everything that a worker needs of that host, service or certificate.
- A record holds decisions, not Kubernetes objects: everything that can be decided when the table is compiled is decided
  there.
- No record knows which API asked for it: an Ingress and an HTTPRoute are translated to the same ones.
- How records are encoded, and how they may change, is in `edge.table.record`.
"""

from edge.table.records.certificates import (
    DEFAULT_CERTIFICATE,
    TICKETS,
    TLS_OPTIONS,
    Certificate,
    ServerName,
    TicketKeys,
    TlsOptions,
    certificate_key,
    server_name_key,
    tls_options_key,
)
from edge.table.records.endpoints import Balance, Endpoint, ServicePort, service_key, upstream_name
from edge.table.records.hosts import (
    GLOBALS,
    HOST_PATTERNS,
    SHARED_POLICIES,
    Globals,
    Host,
    HostPatterns,
    SharedPolicies,
)
from edge.table.records.listeners import LISTENERS, Listeners, Listening, Wire
from edge.table.records.names import host_of, hosts_over, is_scoped, port_in, scoped, wildcard_of
from edge.table.records.routes import Backend, Condition, Conditions, Owner, PathKind, Route, RouteMirror
from edge.table.records.transports import (
    MATERIAL,
    TLS_1_2,
    TLS_1_3,
    Protocol,
    Tls,
    TlsMaterial,
    Transport,
    material_key,
)

__all__ = [
    "DEFAULT_CERTIFICATE",
    "GLOBALS",
    "HOST_PATTERNS",
    "LISTENERS",
    "MATERIAL",
    "SHARED_POLICIES",
    "TICKETS",
    "TLS_1_2",
    "TLS_1_3",
    "TLS_OPTIONS",
    "Backend",
    "Balance",
    "Certificate",
    "Condition",
    "Conditions",
    "Endpoint",
    "Globals",
    "Host",
    "HostPatterns",
    "Listeners",
    "Listening",
    "Owner",
    "PathKind",
    "Protocol",
    "Route",
    "RouteMirror",
    "ServerName",
    "ServicePort",
    "SharedPolicies",
    "TicketKeys",
    "Tls",
    "TlsMaterial",
    "TlsOptions",
    "Transport",
    "Wire",
    "certificate_key",
    "host_of",
    "hosts_over",
    "is_scoped",
    "material_key",
    "port_in",
    "scoped",
    "server_name_key",
    "service_key",
    "tls_options_key",
    "upstream_name",
    "wildcard_of",
]

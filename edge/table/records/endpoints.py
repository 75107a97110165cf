"""Endpoints of Service ports, and the keys by which they are found."""

from __future__ import annotations

from enum import IntEnum

from edge.table.record import Record


class Balance(IntEnum):
    """The load-balancing algorithm of a service."""

    ROUND_ROBIN = 0
    LEAST_CONNECTIONS = 1
    """Power of two choices: of two endpoints picked at random, the one with fewer requests in flight."""
    EWMA = 2
    """Of two endpoints picked at random, the one with the lower recent response time, weighted by its requests in
    flight."""


class Endpoint(Record, frozen=True):
    """One address of a service."""

    address: str
    """IPv4 or IPv6, without brackets."""
    port: int


class ServicePort(Record, frozen=True):
    """The endpoints of one port of one Service. Key: `service_key(namespace, name, port)`.

    Or of a host that a URL names: then `namespace` is empty. Key: `edge.table.remotes.remote_key(host, port)`.
    """

    namespace: str
    name: str
    port: str
    """The port as the Ingress wrote it: its number in decimal, or its name."""
    endpoints: tuple[Endpoint, ...] = ()
    """Usable endpoints, sorted, without duplicates; none means that requests are answered 503."""
    balance: Balance = Balance.ROUND_ROBIN


def service_key(namespace: str, name: str, port: str | int) -> str:
    """Key of a `ServicePort` record in the endpoints part."""
    return f"{namespace}/{name}:{port}"


def upstream_name(namespace: str, service: str, port: str) -> str:
    """The name of a Service's port in logs, metrics and cookies, as ingress-nginx writes it."""
    return f"{namespace}-{service}-{port}"

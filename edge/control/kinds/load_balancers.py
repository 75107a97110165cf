"""The addresses that a load balancer has for an Ingress or a Service.

Source: Kubernetes API reference, v1 of networking.k8s.io and core.
"""

from __future__ import annotations

from edge.control.kinds.objects import Struct


class LoadBalancerIngress(Struct, frozen=True):
    """An address at which traffic is accepted."""

    ip: str | None = None
    hostname: str | None = None


class LoadBalancer(Struct, frozen=True):
    """The addresses at which traffic is accepted."""

    ingress: tuple[LoadBalancerIngress, ...] | None = None


class LoadBalancerStatus(Struct, frozen=True):
    """`status` of an Ingress and of a Service, as far as it is read."""

    load_balancer: LoadBalancer | None = None

    @property
    def addresses(self) -> tuple[LoadBalancerIngress, ...]:
        """The addresses, none when there is no such field."""
        return (self.load_balancer.ingress or ()) if self.load_balancer is not None else ()

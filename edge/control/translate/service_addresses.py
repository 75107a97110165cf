"""The addresses at which a Service is reached.

Rules of this file:
- Addresses are in a fixed order without repetition, so the same ones compare equal.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from typing import TYPE_CHECKING

from edge.control.kinds.load_balancers import LoadBalancerIngress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.control.kinds.services import Service

logger = logging.getLogger(__name__)

Addresses = tuple[LoadBalancerIngress, ...]
_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def normal(texts: Iterable[str | None]) -> Addresses:
    """IP addresses and host names, for a status; anything else is left out with a warning."""
    found = set()
    for text in texts:
        if not text:
            continue
        try:
            found.add(LoadBalancerIngress(ip=str(ipaddress.ip_address(text))))
        except ValueError:
            if _NAME.fullmatch(text.lower()):
                found.add(LoadBalancerIngress(hostname=text.lower()))
            else:
                logger.warning("status: %r is neither an IP address nor a host name, and is left out", text)
    return tuple(sorted(found, key=lambda one: (one.ip or "", one.hostname or "")))


def addresses_of(service: Service) -> Addresses:
    """The addresses at which SERVICE is reached from outside, or else from inside."""
    spec = service.spec
    if spec.type == "ExternalName":
        # The dot of an absolute name is for the resolver; a status takes none.
        return normal([(spec.external_name or "").removesuffix(".")])
    if spec.type == "LoadBalancer":
        balancers = service.status.addresses if service.status is not None else ()
        return normal([*(one.ip or one.hostname for one in balancers), *(spec.external_ips or ())])
    return normal(spec.external_ips or ([spec.cluster_ip] if spec.cluster_ip != "None" else []))

"""The Secrets with certificates that an Ingress names in `spec.tls`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from edge.control.kinds.names import host_name
from edge.control.translate.parts import SecretUse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.kinds.ingress import Ingress
    from edge.control.translate.parts import HostPart


def secrets(ingress: Ingress, hosts: dict[str, HostPart]) -> Iterator[SecretUse]:
    """Those of INGRESS, which has routes under HOSTS."""
    listed: set[str] = set()
    namespace = ingress.metadata.namespace
    entries = list(enumerate(ingress.spec.tls or ()))
    for number, entry in entries:
        # Without hosts the entry applies to the hosts of the rules, and without rules to any host.
        names = [host_name(host) for host in entry.hosts or ()] or list(hosts) or [""]
        for name in names:
            if name not in listed:
                listed.add(name)
                yield SecretUse(name, namespace, entry.secret_name or "", *_fields(number), has_rule=name in hosts)
    for number, entry in entries:
        if entry.secret_name:
            for name in [name for name in hosts if name and name not in listed]:
                yield SecretUse(name, namespace, entry.secret_name, *_fields(number), implied=True)


def _fields(number: int) -> tuple[str, str]:
    """Where the entry NUMBER names its Secret and its hosts."""
    field = f"spec.tls[{number}]"
    return sys.intern(f"{field}.secretName"), sys.intern(f"{field}.hosts")

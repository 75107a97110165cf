"""Hosts that URLs in annotations name: what `$host` in the place of a name stands for.

Rules of this file:
- Under a host that a rule names, `$host` is that host, and its addresses are followed as those of any other name.
- Under a wildcard, or where any host is taken, the client would choose the server that judges it: such routes are
  closed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from edge.table.policies.closed import Closed
from edge.table.policies.external_auth import ExternalAuth
from edge.table.remotes import remote_key, remote_of

if TYPE_CHECKING:
    from edge.table.policies import AnyPolicy

VARIABLE: Final = "$host"


def is_open(policy: AnyPolicy) -> bool:
    """Whether it is left to the host of a route whom POLICY asks."""
    return isinstance(policy, ExternalAuth) and remote_of(policy.remote)[0] == VARIABLE


def under(host: str, policy: AnyPolicy) -> AnyPolicy:
    """POLICY as it is under HOST, the name of a record."""
    if not isinstance(policy, ExternalAuth) or not is_open(policy):
        return policy
    if not host or host.startswith("*"):
        where = f'the wildcard "{host}"' if host else "any host"
        return Closed(policy.source, f"the URL's host is $host, which a client could choose under {where}")
    return replace(policy, remote=remote_key(host, remote_of(policy.remote)[1]))

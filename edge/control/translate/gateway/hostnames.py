"""Host names of listeners and routes, and where they meet (Gateway API, Listener.hostname and HTTPRouteSpec.hostnames).

Rules of this file:
- A name is lower case; empty: any host. `*.example.com` stands for one or more labels, which a record of the table
  writes `**.example.com`.
"""

from __future__ import annotations


def record_name(hostname: str) -> str:
    """The name of the record for HOSTNAME."""
    return f"*{hostname}" if hostname.startswith("*.") else hostname


def intersection(one: str, other: str) -> str | None:
    """The hosts that ONE and OTHER both stand for; None: there are none."""
    if not one or not other or one == other:
        return one or other
    if _covers(one, other):
        return other
    return one if _covers(other, one) else None


def _covers(wildcard: str, name: str) -> bool:
    return wildcard.startswith("*.") and name.endswith(wildcard[1:])

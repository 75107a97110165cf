"""Host names of listeners and routes, and where they meet (Gateway API, Listener.hostname and HTTPRouteSpec.hostnames).

Rules of this file:
- A name is lower case; empty: any host. `*.example.com` stands for one or more labels, which a record of the table
  writes `**.example.com`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


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


def most_specific(hostname: str, among: Iterable[str]) -> str | None:
    """The one AMONG others that is the most specific to stand for all hosts of HOSTNAME; None: none does."""
    covering = [one for one in among if not one or one == hostname or _covers(one, hostname)]
    return max(covering, key=_specificity, default=None)


def _specificity(hostname: str) -> tuple[bool, int]:
    return bool(hostname) and not hostname.startswith("*."), len(hostname)


def _covers(wildcard: str, name: str) -> bool:
    return wildcard.startswith("*.") and name.endswith(wildcard[1:])

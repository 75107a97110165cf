"""Limits of a client's requests: limit-rps, limit-rpm, limit-connections, limit-burst-multiplier and limit-allowlist
(also called limit-whitelist)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.client_limits import ClientLimits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

_LIMITS: Final = ("limit-rps", "limit-rpm", "limit-connections")
_BURST: Final = "limit-burst-multiplier"
_EXEMPT: Final = ("limit-allowlist", "limit-whitelist")
_STATUSES: Final = ("limit-req-status-code", "limit-conn-status-code")
UNAVAILABLE: Final = 503
NAMES: Final = frozenset({*_LIMITS, _BURST, *_EXEMPT})
DIFFERENCES: Final = {
    **dict.fromkeys(
        ("limit-allowlist", "limit-whitelist"),
        "A list that cannot be read exempts no client; in ingress-nginx the limit would not hold.",
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""


def read(values: Values) -> Iterator[Wanted]:
    """One policy for all limits; 0 is none. Exemptions that cannot be read are none: no client is exempt."""
    per_second, per_minute, connections = (values.integer(name, 0) for name in _LIMITS)
    burst = values.integer(_BURST, ClientLimits("").burst, least=1)
    statuses = [values.integer(name, UNAVAILABLE, least=400, most=599) for name in _STATUSES]
    exempt = values.networks(values.set_one(*_EXEMPT), "the limits hold for all clients")
    if per_second or per_minute or connections:
        source = values.source(*_LIMITS)
        yield Wanted(ClientLimits(source, per_second, per_minute, connections, burst, exempt or (), *statuses))

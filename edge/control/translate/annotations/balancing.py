"""Load balancing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from edge.table.records import Balance

if TYPE_CHECKING:
    from edge.control.translate.annotations.values import Values

NAMES: Final = frozenset({"load-balance", "service-upstream"})
ALGORITHMS: Final = {
    "round_robin": Balance.ROUND_ROBIN,
    "least_conn": Balance.LEAST_CONNECTIONS,
    "ewma": Balance.EWMA,
}
DIFFERENCES: Final = {
    "load-balance": (
        "There is `least_conn` too: the less busy of two endpoints. With `ewma` each worker uses its "
        "own measurements, and requests in flight count."
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""


class Balancing(msgspec.Struct, frozen=True, gc=False):
    """How endpoints are chosen."""

    algorithm: Balance | None = None
    """None: the default."""
    by_cluster_ip: bool = False
    """Whether requests go to the Service's own address instead of its endpoints'."""


def read(values: Values) -> Balancing:
    """The choice of endpoints according to VALUES."""
    return Balancing(
        algorithm=values.choice("load-balance", ALGORITHMS, None),
        by_cluster_ip=bool(values.boolean("service-upstream")),
    )

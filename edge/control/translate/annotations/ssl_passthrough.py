"""TLS that is passed on to endpoints as it is: ssl-passthrough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge.control.translate.annotations.values import Values

NAME: Final = "ssl-passthrough"
NAMES: Final = frozenset({NAME})
DIFFERENCES: Final = {
    NAME: (
        "Connections go to the endpoints of the path `/`, spread by `load-balance` and left out as for requests; "
        "ingress-nginx sends them to the Service's own address. Wildcard hosts can have it too."
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""


def read(values: Values) -> bool:
    """Whether VALUES ask for it."""
    return bool(values.boolean(NAME))

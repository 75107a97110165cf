"""Fields of every response: custom-headers names a ConfigMap that has them.

An administrator lists the allowed fields (`--global-allowed-response-headers`). If the ConfigMap has any other field,
or an invalid one, the routes of the Ingress are closed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.kinds.core import ConfigMap
from edge.control.translate.annotations.wanted import ContentError, Deferred, Wanted
from edge.table.fields import name_fault
from edge.table.policies.custom_headers import CustomHeaders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.kinds.core import Secret
    from edge.control.translate.annotations.values import Values
    from edge.table.policies import AnyPolicy

NAMES: Final = frozenset({"custom-headers"})
DIFFERENCES: Final = {
    "custom-headers": (
        "A change of the ConfigMap is in force at once. The case of names in the list of allowed ones does not count."
    )
}
"""How Edge differs from ingress-nginx, by annotation."""
ALLOWED: Final = "global-allowed-response-headers"
_VALUE: Final = re.compile(r"[ -~]{1,8192}")
"""As ingress-nginx has it. `$` stands for itself."""


def read(values: Values) -> Iterator[Wanted | Deferred]:
    """One policy with all fields of the ConfigMap."""
    if not values.text("custom-headers"):
        return
    reference = values.reference("ConfigMap", "custom-headers")
    if reference is None:
        yield values.close("custom-headers", "custom-headers is no name of a ConfigMap")
        return
    source = values.source("custom-headers")
    allowed = frozenset(name.strip().lower() for name in values.process_wide(ALLOWED).split(","))

    def make(found: Secret | ConfigMap) -> tuple[AnyPolicy, tuple[str, ...]]:
        data = (found.data if isinstance(found, ConfigMap) else None) or {}
        for name, value in data.items():
            _check(name, value, allowed)
        return CustomHeaders(source, tuple(sorted(data.items()))), ()

    yield Deferred(reference, make)


def _check(name: str, value: str, allowed: frozenset[str]) -> None:
    """Check that the field NAME may be sent with VALUE.

    Raises:
        ContentError: it may not.
    """
    fault = name_fault(name)
    if fault:
        raise ContentError(fault)
    if name.lower() not in allowed:
        raise ContentError(f'"{name}" is not one of the fields that --{ALLOWED} allows')
    if _VALUE.fullmatch(value) is None:
        raise ContentError(f'the value of "{name}" is empty, or has characters other than printable ASCII')

"""Errors that another backend answers: custom-http-errors, default-backend and disable-proxy-intercept-errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.kinds.names import label_fault
from edge.control.translate.annotations.wanted import Wanted
from edge.table.policies.error_pages import ErrorPages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.translate.annotations.values import Values

_STATUSES: Final = "custom-http-errors"
_SERVICE: Final = "default-backend"
_PASSED: Final = "disable-proxy-intercept-errors"
NAMES: Final = frozenset({_STATUSES, _SERVICE, _PASSED})
_CONTENT: Final = (
    "The error backend gets no content that `proxy-request-buffering: off` lets stream. Its answer also has the fields "
    "that Edge adds to all answers of the route (CORS, HSTS), which ingress-nginx leaves out."
)
DIFFERENCES: Final = {
    _STATUSES: _CONTENT,
    _PASSED: "It is about the answers of endpoints, as in nginx: those that Edge makes itself stay replaced.",
}
"""How Edge differs from ingress-nginx, by annotation."""
_LIST: Final = re.compile(r"[45][0-9]{2}(?:,[45][0-9]{2})*")


def _statuses(text: str) -> tuple[int, ...] | None:
    given = "".join(text.split()).strip(",")
    return tuple(sorted({int(one) for one in given.split(",")})) if _LIST.fullmatch(given) else None


def _service(text: str) -> str | None:
    return None if label_fault(text) else text


def read(values: Values) -> Iterator[Wanted]:
    """One policy for all three. The Service is looked for by its first port, in the namespace of the Ingress."""
    none: tuple[int, ...] = ()
    statuses = values.parsed(_STATUSES, "a list of statuses from 400 to 599, such as 404,503", _statuses, none)
    service = values.parsed(_SERVICE, "the name of a Service", _service, "")
    passed = bool(values.boolean(_PASSED))
    if statuses or service:
        source = values.source(_STATUSES, _SERVICE)
        yield Wanted(ErrorPages(source, statuses, of_endpoints=not passed, service=service))

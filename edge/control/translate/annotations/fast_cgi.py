"""FastCGI: fastcgi-index and fastcgi-params-configmap, where backend-protocol is FCGI."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from edge.control.kinds.core import ConfigMap
from edge.control.kinds.problems import warning
from edge.control.translate.annotations.values import field
from edge.control.translate.annotations.wanted import ContentError, Deferred, Wanted
from edge.table import templates, variables
from edge.table.policies.fast_cgi import FastCgi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control.kinds.core import Secret
    from edge.control.translate.annotations.values import Values

_INDEX: Final = "fastcgi-index"
_PARAMETERS: Final = "fastcgi-params-configmap"
NAMES: Final = frozenset({_INDEX, _PARAMETERS})
DIFFERENCES: Final = {
    _INDEX: "A value that cannot be read closes the route (503); ingress-nginx refuses the whole Ingress.",
    _PARAMETERS: (
        "A change of the ConfigMap is in force at once. One that is missing, is of another namespace, or has a name, "
        "value or variable that cannot be used closes the route (503)."
    ),
}
"""How Edge differs from ingress-nginx, by annotation."""

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_VALUE: Final = re.compile(r"[A-Za-z0-9_${}/.-]*")


def read(values: Values) -> Iterator[Wanted | Deferred]:
    """Every route to FastCGI has this policy."""
    if values.text("backend-protocol").upper() != "FCGI":
        for name in (_INDEX, _PARAMETERS):
            if values.text(name):
                message = "has no effect unless backend-protocol is FCGI"
                values.problems.append(warning("IneffectiveAnnotation", field(name), message))
        return
    index, source = values.text(_INDEX), values.source("backend-protocol")
    if index and not _NAME.fullmatch(index):
        yield values.refuse(_INDEX, f'"{index}" is not the name of a file')
    elif not values.text(_PARAMETERS):
        yield Wanted(FastCgi(source, index))
    elif (reference := values.reference("ConfigMap", _PARAMETERS)) is None:
        yield values.close(_PARAMETERS, "fastcgi-params-configmap is no name of a ConfigMap")
    else:

        def make(found: Secret | ConfigMap) -> tuple[FastCgi, tuple[str, ...]]:
            return FastCgi(source, index, _parameters(found)), ()

        yield Deferred(reference, make)


def _parameters(found: Secret | ConfigMap) -> tuple[tuple[str, str], ...]:
    """The data of FOUND, by name.

    Raises:
        ContentError: a part of it cannot be used.
    """
    data = found.data if isinstance(found, ConfigMap) else None
    for name, value in (data or {}).items():
        if not _NAME.fullmatch(name):
            raise ContentError(f'"{name}" is not the name of a parameter')
        if not _VALUE.fullmatch(value):
            raise ContentError(f"{name} may have letters, digits and any of _ $ {{ }} / . - only")
        try:
            templates.parse(value, variables.FASTCGI)
        except templates.TemplateError as error:
            raise ContentError(f"{name}: {error}") from error
    return tuple(sorted((data or {}).items()))

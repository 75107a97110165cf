"""Files of values for ingress-nginx's chart: their keys of the ConfigMap and flags. Of the other values the report has
those that the chart's notes have: values without an equivalent. Unknown names are refused by ingress-nginx's chart
itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from edge.control.check import chart
from edge.control.kinds.core import ConfigMap
from edge.control.kinds.objects import Metadata

if TYPE_CHECKING:
    from collections.abc import Sequence


_METADATA: Final = Metadata(name="ingress-nginx-controller", namespace="ingress-nginx")
"""Of the ConfigMap of a release that has the usual name."""


class Values(NamedTuple):
    """One file of values."""

    place: str
    keys: tuple[str, ...]
    """Of controller.config."""
    flags: tuple[str, ...]
    """Of controller.extraArgs."""
    config: ConfigMap | None = None
    """The ConfigMap that the chart would make of controller.config."""
    unavailable: tuple[tuple[str, str], ...] = ()
    """Paths of values that are set and have no effect, and what to do instead."""


def parted(paths: Sequence[str]) -> tuple[list[str], list[Values]]:
    """PATHS that are manifests, and the files of values among them."""
    manifests: list[str] = []
    found: list[Values] = []
    for path in paths:
        values = _read(path) if Path(path).is_file() else None
        if values is None:
            manifests.append(path)
        else:
            found.append(values)
    return manifests, found


def _read(path: str) -> Values | None:
    """The values in the file at PATH; None: it is something else."""
    try:
        text = Path(path).read_text()
    except (OSError, UnicodeDecodeError):
        return None
    if "controller:" not in text or "\nkind:" in f"\n{text}":
        return None
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("controller"), dict) or "kind" in found:
        return None
    controller = found["controller"]
    keys = _names(controller.get("config"))
    config = ConfigMap(_METADATA, {name: _text(controller["config"][name]) for name in keys}) if keys else None
    return Values(path, keys, _names(controller.get("extraArgs")), config, tuple(chart.unavailable(found)))


def _text(value: Any) -> str:
    """VALUE as the chart puts it into the ConfigMap."""
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _names(found: Any) -> tuple[str, ...]:
    return tuple(sorted(map(str, found))) if isinstance(found, dict) else ()

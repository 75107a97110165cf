"""ConfigMaps that hold settings of an ingress controller, but that no flag names: their keys are not in the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control.kinds.core import ConfigMap
from edge.control.kinds.problems import Problem, warning
from edge.control.translate.configmap.groups import KEYS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from edge.control.kinds.objects import Object, ObjectId
    from edge.settings import Settings


def problems(objects: Collection[Object], settings: Settings) -> Iterator[tuple[ObjectId, Problem]]:
    """A warning for each ConfigMap of OBJECTS whose keys look like those of a flag that SETTINGS do not have."""
    for one in objects:
        if not isinstance(one, ConfigMap) or not one.data:
            continue
        name = f"{one.metadata.namespace}/{one.metadata.name}"
        if not settings.configmap and all(key in KEYS for key in one.data):
            flags = "--configmap"
        elif not (settings.tcp_services_configmap or settings.udp_services_configmap) and all(
            map(str.isdigit, one.data)
        ):
            flags = "--tcp-services-configmap or --udp-services-configmap"
        else:
            continue
        yield (
            one.id,
            warning("UnusedConfigMap", "data", f"no flag names it, so its keys are not checked; use {flags} {name}"),
        )

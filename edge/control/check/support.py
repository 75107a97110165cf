"""The support of each annotation, key of the ConfigMap, flag and value of the chart that is in use."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from edge import nginx_flags, options
from edge.control.translate.annotations.catalogue import Support, catalogue
from edge.control.translate.configmap.groups import KEYS
from edge.control.translate.configmap.keys import Sort

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.control.check.values import Values
    from edge.control.kinds.core import ConfigMap
    from edge.control.kinds.ingress import Ingress
    from edge.settings import Settings

ANNOTATION, KEY, FLAG, VALUE = "annotation", "key", "flag", "value"
SORTS: Final = {ANNOTATION: "Annotations", KEY: "Keys of the ConfigMap", FLAG: "Flags", VALUE: "Values of the chart"}
_ENTRIES: Final = {entry.name: entry for entry in catalogue()}
_SETTINGS: Final = {options.flag(one)[2:] for one in options.FIELDS.values()}
_LINK: Final = re.compile(r"\[([^]]*)\]\([^)]*\)")
_OF_KEYS: Final = {Sort.WITHOUT_EFFECT: Support.WITHOUT_EFFECT, Sort.REFUSED: Support.REFUSED}


@dataclass
class Used:
    """One name, its places, and its support."""

    sort: str
    name: str
    support: Support
    remark: str
    places: list[str] = field(default_factory=list)


class Usage:
    """All names in use."""

    def __init__(
        self,
        ingresses: Iterable[Ingress],
        config_map: ConfigMap | None,
        values: Iterable[Values],
        settings: Settings,
    ) -> None:
        """Of INGRESSES the annotations count; of CONFIG_MAP and the files of VALUES the keys and flags."""
        self._used: dict[tuple[str, str], Used] = {}
        prefix = f"{settings.annotations_prefix}/"
        for ingress in ingresses:
            for name in ingress.annotations:
                if name.startswith(prefix):
                    self._add(ANNOTATION, name.removeprefix(prefix), str(ingress.id))
        if config_map is not None:
            for name in config_map.data or ():
                self._add(KEY, name, str(config_map.id))
        for one in values:
            for name in one.keys:
                self._add(KEY, name, one.place)
            for name in one.flags:
                self._add(FLAG, name, one.place)
            for name, way in one.unavailable:
                self._put(VALUE, name, one.place, (Support.WITHOUT_EFFECT, way))

    def used(self, sort: str) -> list[Used]:
        """Those of SORT: honoured ones first, then by name."""
        order = list(Support)
        found = [one for one in self._used.values() if one.sort == sort]
        return sorted(found, key=lambda one: (order.index(one.support), one.name))

    def _add(self, sort: str, name: str, place: str) -> None:
        self._put(sort, name, place, _JUDGES[sort](name))

    def _put(self, sort: str, name: str, place: str, verdict: tuple[Support, str]) -> None:
        support, remark = verdict
        used = self._used.setdefault((sort, name), Used(sort, name, support, _plain(remark)))
        used.places.append(place)


def _plain(remark: str) -> str:
    """REMARK, which is Markdown for the docs, as text for a terminal."""
    return _LINK.sub(r"\1", remark).replace("\\*", "*")


def _annotation(name: str) -> tuple[Support, str]:
    entry = _ENTRIES.get(name)
    return (entry.support, entry.remark) if entry is not None else (Support.UNKNOWN, "")


def _key(name: str) -> tuple[Support, str]:
    key = KEYS.get(name)
    if key is None:
        return Support.UNKNOWN, ""
    support = _OF_KEYS.get(key.sort, Support.DIFFERENT if key.remark else Support.HONOURED)
    return support, key.remark


def _flag(name: str) -> tuple[Support, str]:
    if name in nginx_flags.RENAMED and nginx_flags.RENAMED[name].remark:
        return Support.DIFFERENT, nginx_flags.RENAMED[name].remark
    if name in nginx_flags.IGNORED and name not in _SETTINGS:
        return Support.WITHOUT_EFFECT, nginx_flags.IGNORED[name]
    if name in nginx_flags.DIFFERENCES:
        return Support.DIFFERENT, nginx_flags.DIFFERENCES[name]
    known = name in nginx_flags.NAMES or name in _SETTINGS
    return (Support.HONOURED if known else Support.UNKNOWN), ""


_JUDGES: Final = {ANNOTATION: _annotation, KEY: _key, FLAG: _flag}

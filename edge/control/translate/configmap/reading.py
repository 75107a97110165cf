"""The ConfigMap as a whole: its values for annotations, workers and handshakes, and its problems."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from edge.control.kinds.problems import Problem, error, warning
from edge.control.translate.annotations import balancing
from edge.control.translate.annotations.policies import UNITS
from edge.control.translate.annotations.values import FALSE, Values, Wording
from edge.control.translate.annotations.wanted import Wanted
from edge.control.translate.configmap.groups import GROUPS, KEYS
from edge.control.translate.configmap.keys import IGNORED, IGNORED_KEY, Found, Sort, place
from edge.table.parameters import Parameters, TlsParameters
from edge.table.policies import AnyPolicy, Closed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.control.kinds.core import ConfigMap
    from edge.control.kinds.objects import ObjectId
    from edge.control.translate.annotations.values import Defaults
    from edge.control.translate.configmap.keys import Find, Key

INVALID: Final = "InvalidValue"
WORDING: Final = Wording(place, INVALID, IGNORED)


class Configuration(msgspec.Struct, frozen=True):
    """The values in force for the process."""

    defaults: Defaults
    """Defaults of annotations."""
    parameters: Parameters = Parameters()
    tls: TlsParameters = TlsParameters()
    policies: tuple[AnyPolicy, ...] = ()
    """Of all routes."""
    settings: dict[str, Any] = {}
    """Settings of the control plane that differ from those at the start."""
    references: tuple[ObjectId, ...] = ()
    """The objects that keys name."""
    problems: tuple[Problem, ...] = ()


def read(config_map: ConfigMap, flags: Defaults, find: Find) -> Configuration:
    """The values of CONFIG_MAP over FLAGS; FIND returns the objects that it names. Keys that it does not have are as in
    ingress-nginx, unless a remark of the key says otherwise."""
    return _Reading(config_map, flags, find).result()


class _Reading:
    def __init__(self, config_map: ConfigMap, flags: Defaults, find: Find) -> None:
        self._owner = config_map.id
        self._flags = flags
        self._find = find
        self._problems: list[Problem] = []
        self._texts: dict[str, str] = {}
        """By key, those that are known and not empty."""
        for name, text in sorted((config_map.data or {}).items()):
            if name not in KEYS:
                self._problems.append(_unknown(name))
            elif text.strip():
                self._texts[name] = text.strip()

    def result(self) -> Configuration:
        by_sort: dict[Sort, dict[str, Any]] = {sort: {} for sort in Sort}
        for name, text in self._texts.items():
            key = KEYS[name]
            value = self._value(key, text)
            if value is not None:
                by_sort[key.sort][name] = value
        found = Found(self._owner, by_sort[Sort.ROUTES] | by_sort[Sort.GROUP], self._find)
        parameters, tls = (self._fields(by_sort[sort]) for sort in (Sort.WORKERS, Sort.HANDSHAKES))
        policies: list[AnyPolicy] = []
        for module in GROUPS:
            for target, name in ((parameters, "parameters"), (tls, "handshakes_of")):
                if hasattr(module, name):
                    target.update(getattr(module, name)(found))
            if hasattr(module, "policies"):
                policies += module.policies(found)
        return Configuration(
            defaults=self._defaults({name: self._texts[name] for name in by_sort[Sort.ROUTES]}),
            parameters=Parameters(as_ingress_nginx=True, **parameters),
            tls=TlsParameters(**tls),
            policies=tuple(policies),
            settings=self._fields(by_sort[Sort.PLANE]),
            references=tuple(found.references),
            problems=tuple(dict.fromkeys((*self._problems, *found.problems))),
        )

    def _value(self, key: Key, text: str) -> Any:
        """The value of TEXT; None: it cannot be read, or has no effect."""
        if key.sort is Sort.REFUSED and text not in FALSE:  # off asks for nothing
            self._problems.append(error("RefusedKey", place(key.name), f"{IGNORED_KEY}. {key.remark}"))
        if key.form is None:
            return text if key.sort is Sort.ROUTES else None
        value = key.form.parse(text)
        if value is None:
            message = f'"{text}" is not {key.form.wanted}; {IGNORED}'
            self._problems.append(error(INVALID, place(key.name), message))
        return value

    @staticmethod
    def _fields(values: Mapping[str, Any]) -> dict[str, Any]:
        return {KEYS[name].field: value for name, value in values.items()}

    def _defaults(self, texts: dict[str, str]) -> Defaults:
        """The flags, and over them those of TEXTS that the units of the annotations can read.

        Values that cannot be read and close routes are kept, so that they do.
        """
        unreadable: set[str] = set()
        for unit in UNITS:
            values = Values(texts, self._flags, WORDING)
            closes = any(isinstance(one, Wanted) and isinstance(one.policy, Closed) for one in unit.read(values))
            self._problems += values.problems
            unreadable |= values.unreadable if not closes else set()
        values = Values(texts, self._flags, WORDING)
        balancing.read(values)
        self._problems += values.problems
        unreadable |= values.unreadable
        over = {name: (text, f"{self._owner} {place(name)}") for name, text in texts.items() if name not in unreadable}
        return {**self._flags, **over}


def _unknown(name: str) -> Problem:
    close = difflib.get_close_matches(name, KEYS, n=1)
    hint = f'; did you mean "{close[0]}"?' if close else ""
    return warning("UnknownKey", place(name), f"there is no such key{hint}")

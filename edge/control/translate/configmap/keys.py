"""The keys of the ConfigMap, each with the type of its value and its effect."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from edge.control.kinds.core import ConfigMap
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, error, warning
from edge.control.translate.configmap.forms import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge.control.kinds.core import Secret
    from edge.control.translate.configmap.forms import Form

    Find = Callable[[ObjectId], Secret | ConfigMap | str | None]
    """Returns a Secret or ConfigMap; text: why it cannot be read; None: it has not been read yet."""


class Sort(Enum):
    """The kind of a key."""

    ROUTES = "routes"
    """A default beneath the annotations: units of `edge.control.translate.annotations` read it under its name."""
    WORKERS = "workers"
    """A field of `edge.table.parameters.Parameters`."""
    HANDSHAKES = "handshakes"
    """A field of `edge.table.parameters.TlsParameters`."""
    PLANE = "plane"
    """A setting of the control plane."""
    GROUP = "group"
    """Its group reads it."""
    WITHOUT_EFFECT = "without effect"
    REFUSED = "refused"


class Key(NamedTuple):
    """One key."""

    name: str
    sort: Sort
    form: Form | None = None
    """None, of ROUTES: the unit that reads it checks the value."""
    field: str = ""
    """Of the record of WORKERS or HANDSHAKES, or the setting of the PLANE."""
    remark: str = ""
    """How it differs from ingress-nginx; or why it has no effect, or is refused: sentences."""


def routes(name: str, form: Form | None = None, remark: str = "") -> Key:
    """A default for what routes have."""
    return Key(name, Sort.ROUTES, form, remark=remark)


def workers(name: str, form: Form, field: str = "", remark: str = "") -> Key:
    """A parameter of workers; FIELD has the key's name unless it is given."""
    return Key(name, Sort.WORKERS, form, field or name.replace("-", "_"), remark)


def handshakes(name: str, form: Form, field: str, remark: str = "") -> Key:
    """A parameter of handshakes."""
    return Key(name, Sort.HANDSHAKES, form, field, remark)


def plane(name: str, form: Form, remark: str = "") -> Key:
    """A setting of the control plane, which has the key's name."""
    return Key(name, Sort.PLANE, form, name.replace("-", "_"), remark)


def group(name: str, form: Form, remark: str = "") -> Key:
    """A value that its group reads: see `Found`."""
    return Key(name, Sort.GROUP, form, remark=remark)


def without_effect(reason: str, *names: str) -> tuple[Key, ...]:
    """Keys that are accepted and change nothing, for REASON."""
    return tuple(Key(name, Sort.WITHOUT_EFFECT, remark=reason) for name in names)


def refused(reason: str, *names: str) -> tuple[Key, ...]:
    """Keys that are not applied, for REASON."""
    return tuple(Key(name, Sort.REFUSED, remark=reason) for name in names)


def place(name: str) -> str:
    """The place of the key NAME in the ConfigMap."""
    return f'data["{name}"]'


IGNORED: Final = "its default holds"
IGNORED_KEY: Final = "the key is ignored"


class Found:
    """The values of all keys of groups and of defaults for routes that are set and can be read, and the objects that
    those of groups name."""

    def __init__(self, owner: ObjectId, values: Mapping[str, Any], find: Find) -> None:
        self._owner = owner
        self._values = values
        self._find = find
        self.references: list[ObjectId] = []
        self.problems: list[Problem] = []

    def get(self, name: str, default: Any = None) -> Any:
        """The value of the key NAME."""
        return self._values.get(name, default)

    def is_set(self, name: str) -> bool:
        """Whether the key NAME is set, and can be read."""
        return name in self._values

    def source(self, name: str) -> str:
        """The key NAME, for the records that come of it."""
        return f"{self._owner} {place(name)}"

    def referent(self, name: str, kind: str) -> Secret | ConfigMap | None:
        """The object of KIND that the key NAME names; None: there is none, which is reported."""
        if name not in self._values:
            return None
        reference = ObjectId(kind, *self._values[name])
        self.references.append(reference)
        found = self._find(reference)
        if isinstance(found, str):
            self.problems.append(error(f"Missing{kind}", place(name), f"{found}; {IGNORED}"))
            return None
        return found

    def fields(self, name: str) -> dict[str, str]:
        """The data of the ConfigMap that the key NAME names."""
        found = self.referent(name, "ConfigMap")
        return dict(found.data or {}) if isinstance(found, ConfigMap) else {}

    def each(self, name: str, check: Callable[[str], object]) -> tuple[str, ...]:
        """The members of the list that the key NAME is, without those at which CHECK raises a ValueError."""
        kept = []
        for one in listed(self._values.get(name, "")):
            try:
                check(one)
            except ValueError as fault:
                self.report(name, f'"{one}" is left out: {fault}')
            else:
                kept.append(one)
        return tuple(kept)

    def report(self, name: str, message: str) -> None:
        """The value of the key NAME, or what it names, cannot be applied as a whole."""
        self.problems.append(error("InvalidValue", place(name), message))

    def warn(self, name: str, message: str) -> None:
        """The value of the key NAME is probably not as intended."""
        self.problems.append(warning("ValueWithoutEffect", place(name), message))

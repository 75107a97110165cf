"""Reading values of annotations: the grammar that ingress-nginx has for all of them.

Rules of this file:
- Booleans are Go's (strconv.ParseBool), integers are decimal, sizes are nginx's (`8k`, `10m`, `1g`). An empty value is
  the same as no annotation.
- Annotations override process-wide values of the same names (`Defaults`): a reader gets the annotation, or else the
  process-wide value.
- A value that cannot be read is reported, and the process-wide value applies; if requests could pass a check because of
  that (lists of networks), the reader closes the routes instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeVar

from edge.control.kinds.names import label_fault, subdomain_fault
from edge.control.kinds.problems import Problem, error, warning
from edge.control.translate.annotations.wanted import Reference, Wanted
from edge.table import networks
from edge.table.policies.closed import Closed

PREFIX: Final = "nginx.ingress.kubernetes.io/"
TRUE: Final = ("1", "t", "T", "true", "TRUE", "True")
FALSE: Final = ("0", "f", "F", "false", "FALSE", "False")
_BOOLEANS: Final = {
    **dict.fromkeys(TRUE, True),
    **dict.fromkeys(FALSE, False),
}
CLOSES: Final = "requests are answered 503"
"""The consequence if an access check cannot be applied, for messages."""
_SIZE: Final = re.compile(r"([0-9]{1,15})([kKmMgG]?)")
_UNITS: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_MOST: Final = 2**31 - 1
_DIGITS: Final = 10
_MOST_SIZE: Final = 2**63 - 1

T = TypeVar("T")
Defaults = Mapping[str, tuple[str, str]]
"""Process-wide values by the name of their annotation or ConfigMap key: the value, and the flag or field it came
from."""


def field(name: str) -> str:
    """The place of the annotation NAME (without prefix) in an Ingress."""
    return f'metadata.annotations["{PREFIX}{name}"]'


class Wording(NamedTuple):
    """How problems of values are reported."""

    place: Callable[[str], str]
    reason: str
    ignored: str
    """The consequence of a value that cannot be read."""


OF_ANNOTATIONS: Final = Wording(field, "InvalidAnnotation", "the annotation is ignored")


class Values:
    """The annotations of one Ingress, without their prefix, over the process-wide values."""

    def __init__(self, annotations: Mapping[str, str], defaults: Defaults, wording: Wording | None = None) -> None:
        """WORDING: how problems are reported where the texts are no annotations."""
        self._annotations = annotations
        self._defaults = defaults
        self._wording = wording or OF_ANNOTATIONS
        self.unreadable: set[str] = set()
        self.problems: list[Problem] = []

    def source(self, *names: str) -> str:
        """The field or flag that the values of NAMES come from: the first that is set. Read the values before: an
        annotation that could not be read is skipped."""
        for name in names:
            if name not in self.unreadable and self._annotations.get(name, "").strip():
                return self._wording.place(name)
        for name in names:
            if self._defaults.get(name, ("", ""))[0]:
                return self._defaults[name][1]
        return ""

    def text(self, name: str) -> str:
        """The value of NAME without surrounding space; empty: there is none."""
        return self._read(name, "", lambda text: text, "")

    def process_wide(self, name: str) -> str:
        """The process-wide value of NAME, which no annotation can change; empty: there is none."""
        return self._defaults.get(name, ("", ""))[0]

    def boolean(self, name: str, default: bool | None = None) -> bool | None:
        """A Go-style boolean."""
        return self._read(name, 'a boolean ("true" or "false")', _BOOLEANS.get, default)

    def allowed(self, name: str) -> bool:
        """The process-wide boolean NAME, which no annotation overrides."""
        return _BOOLEANS.get(self._defaults.get(name, ("", ""))[0], False)

    def integer(self, name: str, default: int, *, least: int = 0, most: int = _MOST) -> int:
        """A decimal number, at least LEAST and at most MOST."""

        def parse(text: str) -> int | None:
            if not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
                return None
            return int(text) if least <= int(text) <= most else None

        bound = "on" if most == _MOST else f"to {most}"
        return self._read(name, f"a whole number from {least} {bound}", parse, default)

    def size(self, name: str, default: int, *, least: int = 0) -> int:
        """A number of bytes, at least LEAST."""

        def parse(text: str) -> int | None:
            match = _SIZE.fullmatch(text)
            size = int(match[1]) * _UNITS[match[2].lower()] if match is not None else _MOST_SIZE + 1
            return size if least <= size <= _MOST_SIZE else None

        bound = f"from {least} byte on" if least else "of less than 8 EiB"
        return self._read(name, f"a size such as 512k, 10m or 1g, {bound}", parse, default)

    def choice(self, name: str, choices: Mapping[str, T], default: T) -> T:
        """The value of one of the words in CHOICES."""
        return self._read(name, " or ".join(choices), choices.get, default)

    def words(self, name: str, allowed: frozenset[str]) -> frozenset[str]:
        """Words between blanks, all of them ALLOWED."""

        def parse(text: str) -> frozenset[str] | None:
            words = frozenset(text.split())
            return words if words <= allowed else None

        return self._read(name, "a list of the words " + ", ".join(sorted(allowed)), parse, frozenset())

    def set_one(self, *names: str) -> str:
        """The first of NAMES, which mean the same, that is set; the first of all if none is."""
        for values in (self._annotations, {name: text for name, (text, _) in self._defaults.items()}):
            for name in names:
                if values.get(name, "").strip():
                    return name
        return names[0]

    def networks(self, name: str, instead: str = CLOSES) -> tuple[str, ...] | None:
        """Addresses and networks between commas, empty: NAME is not set; None: one cannot be read, which is reported.

        INSTEAD: the consequence, for that report.
        """
        text, _ = self._found(name)
        if not text:
            return ()
        texts = tuple(one.strip() for one in text.split(",") if one.strip())
        try:
            for one in texts:
                networks.parse(one)
        except networks.NetworkError as fault:
            self.report(name, f"{fault}; {instead}")
            return None
        if not texts:
            self.report(name, f'"{text}" names no network; {instead}')
            return None
        return texts

    def reference(self, kind: str, name: str, instead: str = CLOSES) -> Reference | None:
        """The object of KIND that NAME names as `[namespace/]name`; None: that is no name, which is reported.

        INSTEAD: the consequence, for that report.
        """
        text, place = self._found(name)
        namespace, slash, rest = text.rpartition("/")
        fault = subdomain_fault(rest) or (label_fault(namespace) if slash else "")
        if fault:
            self.report(name, f"{fault}; {instead}")
            return None
        return Reference(kind, namespace, rest, place)

    def report(self, name: str, message: str) -> None:
        """NAME is invalid, for the reason in MESSAGE."""
        self.unreadable.add(name)
        self._add(error(self._wording.reason, self._found(name)[1], message))

    def warn(self, name: str, message: str) -> None:
        """NAME is valid, but probably not as intended, for the reason in MESSAGE."""
        self._add(warning("AnnotationWithoutEffect", self._found(name)[1], message))

    def _add(self, problem: Problem) -> None:
        if problem not in self.problems:  # several units may read the same annotation
            self.problems.append(problem)

    def refuse(self, name: str, fault: str) -> Wanted:
        """Report FAULT of NAME; the policy that closes the routes of the Ingress because of it."""
        self.report(name, f"{fault}; {CLOSES}")
        return self.close(name, fault)

    def close(self, name: str, reason: str) -> Wanted:
        """The policy that closes the routes of the Ingress because NAME cannot be applied, for REASON."""
        return Wanted(Closed(self._found(name)[1], reason))

    def _found(self, name: str) -> tuple[str, str]:
        """The value of NAME and where it is set; both empty: nowhere."""
        text = self._annotations.get(name, "").strip()
        return (text, self._wording.place(name)) if text else self._defaults.get(name, ("", ""))

    def parsed(self, name: str, wanted: str, parse: Callable[[str], T | None], default: T) -> T:
        """The result of PARSE; None: the text is not WANTED, a few words for the report."""
        return self._read(name, wanted, parse, default)

    def _read(self, name: str, wanted: str, parse: Callable[[str], T | None], default: T) -> T:
        """The annotation NAME as PARSE has it, else the process-wide value, else DEFAULT."""
        text = self._annotations.get(name, "").strip()
        if text:
            value = parse(text)
            if value is not None:
                return value
            self.unreadable.add(name)
            message = f'"{text}" is not {wanted}; {self._wording.ignored}'
            self._add(error(self._wording.reason, self._wording.place(name), message))
        beneath = self._defaults.get(name)
        value = parse(beneath[0]) if beneath is not None and beneath[0] else None
        return value if value is not None else default

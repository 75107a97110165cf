"""The types of values of keys, in Go's and nginx's grammar, as in ingress-nginx."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from edge.control.kinds.names import label_fault, subdomain_fault
from edge.table import networks as of_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Form(NamedTuple):
    """A type of values."""

    wanted: str
    """What the value must be, in a few words for reports."""
    parse: Callable[[str], Any]
    """The value of a text; None: the text is not WANTED."""


_BOOLEANS: Final = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}
_SIZE: Final = re.compile(r"([0-9]{1,12})([kKmMgG]?)")
_BYTES: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_TIME: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|[smhdwMy]?)")
_TIMES: Final = re.compile(rf"{_TIME.pattern}(?: ?{_TIME.pattern}){{0,7}}")
_SECONDS: Final = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0} | {
    "M": 2592000.0,
    "y": 31536000.0,
}
_WORD: Final = re.compile(r"[A-Za-z0-9._-]+")
_FIELD_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TYPE: Final = re.compile(r"[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+(?: *; *[A-Za-z0-9-]+=[A-Za-z0-9-]+)?")
_MOST: Final = 2**31 - 1


def integer(least: int = 0, most: int = _MOST) -> Form:
    """A whole number from LEAST to MOST."""

    def parse(text: str) -> int | None:
        number = int(text) if re.fullmatch("[0-9]{1,10}", text) else -1
        return number if least <= number <= most else None

    return Form(f"a whole number from {least} " + ("on" if most == _MOST else f"to {most}"), parse)


def size(least: int = 0, most: int = 1 << 62) -> Form:
    """A number of bytes from LEAST to MOST."""

    def parse(text: str) -> int | None:
        found = _SIZE.fullmatch(text)
        number = int(found[1]) * _BYTES[found[2].lower()] if found is not None else -1
        return number if least <= number <= most else None

    bound = f" of {most} bytes at most" if most < 1 << 62 else ""
    return Form(f"a size such as 8k or 1m{bound}", parse)


def time(least: float = 0.0) -> Form:
    """A time, in seconds without a unit, of LEAST seconds or more."""

    def parse(text: str) -> float | None:
        pieces = [_TIME.fullmatch(piece) for piece in re.findall(r"[0-9.]+[a-zA-Z]*", text)]
        if (
            not pieces
            or None in pieces
            or "".join(one[0] for one in pieces if one is not None) != text.replace(" ", "")
        ):
            return None
        seconds = sum(float(one[1]) * _SECONDS[one[2]] for one in pieces if one is not None)
        return seconds if seconds >= least else None

    return Form("a time such as 60, 5s or 1h30m" + (f" of at least {least:g} s" if least else ""), parse)


def choice(choices: Mapping[str, Any]) -> Form:
    """The value of one of the words in CHOICES."""
    return Form("one of " + ", ".join(choices), choices.get)


def one_of(*choices: Any) -> Form:
    """One of CHOICES, as it is written."""
    return choice({str(one): one for one in choices})


def listed(text: str) -> tuple[str, ...]:
    """The members of a list between commas."""
    return tuple(one.strip() for one in text.split(",") if one.strip())


def _networks(text: str) -> tuple[str, ...] | None:
    found = listed(text)
    try:
        for one in found:
            of_table.parse(one)
    except of_table.NetworkError:
        return None
    return found or None


def _names(text: str) -> tuple[str, ...] | None:
    found = listed(text)
    return found if all(_FIELD_NAME.fullmatch(one) for one in found) else None


def _reference(text: str) -> tuple[str, str] | None:
    namespace, slash, name = text.partition("/")
    return None if not slash or label_fault(namespace) or subdomain_fault(name) else (namespace, name)


def _paths(text: str) -> tuple[str, ...] | None:
    found = listed(text)
    return found if all(one.startswith("/") for one in found) else None


BOOLEAN: Final = Form('a boolean ("true" or "false")', _BOOLEANS.get)
TEXT: Final = Form("a text", lambda text: text)
NETWORKS: Final = Form("a list of addresses and networks such as 10.0.0.0/8,192.0.2.1", _networks)
NAME: Final = Form("made of letters, digits and . _ -", lambda text: text if _WORD.fullmatch(text) else None)
FIELD_NAME: Final = Form(
    "the name of a header field", lambda text: text.lower() if _FIELD_NAME.fullmatch(text) else None
)
FIELD_NAMES: Final = Form("a list of names of header fields", _names)
TYPE: Final = Form("a media type such as text/html", lambda text: text if _TYPE.fullmatch(text) else None)
REFERENCE: Final = Form("namespace/name", _reference)
PATHS: Final = Form("a list of paths that begin with /", _paths)

"""Reads `Settings` from command line and environment, writes the help text, and the arguments for a child.

Rules of this file:
- Only checks of several settings at once know them by name; valid values follow from the type of the field's default
  and from its placeholder.
- A flag wins over its environment variable, and that over the default. An empty variable counts as unset.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import ipaddress
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge import nginx_flags
from edge.settings import SECTIONS, Settings
from edge.system import addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

PREFIX = "EDGE_"
FIELDS = {field.name: field for section in SECTIONS.values() for field in dataclasses.fields(section)}
"""The settings by name, in the order of their sections."""

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")
MOST_PORT = 65535
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NS_NAME = re.compile(rf"{_LABEL}/{_LABEL}(\.{_LABEL})*")
# Kubernetes puts variables for every Service of the namespace into a container: a Service named `edge` makes these.
_SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT)|_PORT(_\d+_(TCP|UDP|SCTP))?(_|$)|EDGE_(PORT|TEST_)")

Field = dataclasses.Field[Any]


class OptionError(ValueError):
    """A flag or variable with a value that is not valid; the message is one line for the user."""


def flag(field: Field) -> str:
    """The command line's name of FIELD."""
    return "--" + field.name.replace("_", "-")


def variable(field: Field) -> str:
    """The environment's name of FIELD."""
    return PREFIX + field.name.upper()


def of_command(command: str) -> list[Field]:
    """The settings that COMMAND takes."""
    return [field for field in FIELDS.values() if command in field.metadata["commands"]]


def add_arguments(parser: argparse.ArgumentParser, command: str) -> None:
    """Give PARSER a flag for each setting of COMMAND, in titled groups."""
    for title, section in SECTIONS.items():
        if fields := [one for one in dataclasses.fields(section) if command in one.metadata["commands"]]:
            group = parser.add_argument_group(title)
            for field in fields:
                _add_argument(group, field)


def resolve(command: str, arguments: Mapping[str, Any], environment: Mapping[str, str]) -> Settings:
    """The settings of COMMAND by its parsed ARGUMENTS (None: not given) and the ENVIRONMENT.

    Raises:
        OptionError: a value is not valid.
    """
    values: dict[str, Any] = {}
    for field in of_command(command):
        given = arguments.get(field.name)
        if given is not None:
            values[field.name] = _convert(field, given, flag(field))
        elif pieces := _pieces(field, environment.get(variable(field), "")):
            values[field.name] = _convert(field, pieces, variable(field))
    settings = Settings(**values)
    _check_listeners(command, settings)
    if settings.gateway_services and settings.manifests and command != "check":
        raise OptionError("--gateway-services: takes a cluster, where Services can be made; leave out --manifests")
    return settings


def of(settings: Settings, command: str) -> Settings:
    """SETTINGS as COMMAND has them: those that it does not take have their defaults."""
    return Settings(**{field.name: getattr(settings, field.name) for field in of_command(command)})


def to_arguments(settings: Settings, command: str) -> list[str]:
    """The command line that gives COMMAND these SETTINGS in an environment without our variables."""
    arguments = []
    for field in of_command(command):
        value = getattr(settings, field.name)
        if value == field.default:
            continue
        if isinstance(value, bool):
            arguments.append(flag(field) if value else "--no-" + flag(field)[2:])
        else:
            arguments += [f"{flag(field)}={one}" for one in (value if isinstance(value, tuple) else (value,))]
    return arguments


def without_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """ENVIRONMENT without the variables that are settings, or flags of ingress-nginx."""
    ours = {variable(field) for field in FIELDS.values()} | _of_nginx()
    return {name: value for name, value in environment.items() if name not in ours}


def misspelt(environment: Mapping[str, str]) -> Iterable[str]:
    """A warning for each variable that looks like a setting and is not one."""
    known = {variable(field) for field in FIELDS.values()}
    for name in sorted(environment.keys() - _of_nginx()):
        if name.startswith(PREFIX) and name not in known and not _SERVICE_LINK.search(name):
            near = difflib.get_close_matches(
                name.removeprefix(PREFIX), (one.removeprefix(PREFIX) for one in known), n=1
            )
            yield f"environment: {name} is no setting" + (f"; did you mean {PREFIX}{near[0]}?" if near else "")


def _of_nginx() -> set[str]:
    """The variables of flags of ingress-nginx."""
    return {PREFIX + name.upper().replace("-", "_") for name in nginx_flags.NAMES - {"version"}}


def default_text(field: Field) -> str:
    """The default of FIELD for the help text; empty: the text has it."""
    value = field.default
    if isinstance(value, tuple):
        return " ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _add_argument(group: argparse._ActionsContainer, field: Field) -> None:
    text = field.metadata["help"].replace("%", "%%")
    default = default_text(field)
    several = "; may be repeated" if isinstance(field.default, tuple) else ""
    text += f" [{variable(field)}{several}]" + (f" (default: {default})" if default else "")
    if isinstance(field.default, bool):
        group.add_argument(flag(field), dest=field.name, help=text, default=None, action=argparse.BooleanOptionalAction)
        return
    action = "append" if isinstance(field.default, tuple) else "store"
    metavar = field.metadata["placeholder"] or "|".join(field.metadata["choices"]) or None
    group.add_argument(flag(field), dest=field.name, help=text, default=None, action=action, metavar=metavar)


def _pieces(field: Field, text: str) -> list[str] | str:
    """TEXT of a variable as the command line would give it; empty: unset."""
    if isinstance(field.default, tuple):
        return [piece.strip() for piece in text.split(",") if piece.strip()]
    return text.strip()


def _convert(field: Field, given: Any, source: str) -> Any:
    """GIVEN (a string, a list of strings, or a bool from the command line) as a value of FIELD."""
    several = given if isinstance(given, list) else [given]
    if given == [] or [] in several or "--" in several:  # argparse makes [] of it, and keeps it from Python 3.13 on
        raise OptionError(f"{source}: must not be --")
    try:
        if isinstance(field.default, bool):
            return given if isinstance(given, bool) else _boolean(given)
        if isinstance(field.default, tuple):
            for one in given:
                _check(field, one)
            return tuple(given)
        value: Any = given
        if isinstance(field.default, (int, float)):
            value = _number(given, field)
        else:
            _check(field, given)
    except ValueError as error:
        shown = "" if isinstance(error, addresses.AddressError) or not isinstance(given, str) else f" {given!r}"
        raise OptionError(f"{source}{shown}: {error}") from None
    return value


def _check(field: Field, text: str) -> None:
    """Whether TEXT may stand for FIELD.

    Raises:
        ValueError: it may not.
    """
    choices = field.metadata["choices"]
    if choices and text not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}")
    if not text.strip():
        if field.default != "":
            raise ValueError("must not be empty")
        return
    check = _CHECKS.get(field.metadata["placeholder"])
    if check is not None:
        check(text)


def _boolean(text: str) -> bool:
    if text.lower() not in _TRUE + _FALSE:
        raise ValueError("must be true or false")
    return text.lower() in _TRUE


def _number(text: str, field: Field) -> int | float:
    whole, least, most = isinstance(field.default, int), field.metadata["least"], field.metadata["most"]
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        raise ValueError(f"must be {'a whole number' if whole else 'a number'}") from None
    if not least <= value <= most or value == math.inf:
        raise ValueError(f"must be {least:g} or more" if most == math.inf else f"must be between {least} and {most}")
    return value


def _check_workers(text: str) -> None:
    if text != "auto" and not (re.fullmatch("[0-9]{1,4}", text) and int(text) > 0):
        raise ValueError("must be auto or a number from 1 to 9999")


def _check_ns_name(text: str) -> None:
    if not _NS_NAME.fullmatch(text):
        raise ValueError("must be NAMESPACE/NAME")


def _check_namespace(text: str) -> None:
    if not re.fullmatch(_LABEL, text) or len(text) > 63:
        raise ValueError("must be the name of one namespace")


def _check_path(text: str) -> None:
    if not Path(text).exists():
        raise ValueError(f"{text}: no such file or folder")


def _check_size(text: str) -> None:
    if not re.fullmatch("[0-9]{1,15}[kKmMgG]?", text):
        raise ValueError("must be a size such as 512k, 10m or 1g")


def _check_url_path(text: str) -> None:
    if not re.fullmatch(r"/[!-~]*", text) or set(text) & set("?#"):
        raise ValueError("must be a path that begins with / and has no query")


def _check_prefix(text: str) -> None:
    if not re.fullmatch(rf"{_LABEL}(\.{_LABEL})*", text):
        raise ValueError("must be a DNS name such as nginx.ingress.kubernetes.io")


def _check_url(text: str) -> None:
    if not re.fullmatch(r"https?://[^/\s]+\S*", text):
        raise ValueError("must be a URL that begins with http:// or https://")


def _check_network(text: str) -> None:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is not an address block such as 10.0.0.0/8") from None


def _check_networks(text: str) -> None:
    for part in text.split(","):
        _check_network(part.strip())


def _check_ports(text: str) -> None:
    first, dash, last = text.partition("-")
    if not (dash and first.isdecimal() and last.isdecimal() and 0 < int(first) <= int(last) <= MOST_PORT):
        raise ValueError("must be two ports such as 20000-24999")


_CHECKS: dict[str, Callable[[str], Any]] = {
    "ADDR:PORT": addresses.parse,
    "NS/NAME": _check_ns_name,
    "NAMESPACE": _check_namespace,
    "CIDR": _check_network,
    "CIDR,...": _check_networks,
    "FIRST-LAST": _check_ports,
    "URL": _check_url,
    "PATH": _check_path,
    "/PATH": _check_url_path,
    "PREFIX": _check_prefix,
    "SIZE": _check_size,
    "auto|N": _check_workers,
}


def _check_listeners(command: str, settings: Settings) -> None:
    """Refuse an address that one process tree would listen on twice."""
    taken: dict[addresses.Address, str] = {}
    for name in ("http", "https", "admin", "validating_webhook"):
        if command not in FIELDS[name].metadata["commands"]:
            continue
        value = getattr(settings, name)
        for text in (value,) if isinstance(value, str) and value else value:
            for address in addresses.parse_listener(text):
                if address in taken and address.port:
                    raise OptionError(f"{flag(FIELDS[name])} {address}: already taken by {taken[address]}")
                taken[address] = flag(FIELDS[name])

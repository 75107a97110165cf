"""The readable part of a record that this release cannot read as a whole.

A newer control plane may write policies that this reader does not know, and such a policy may be what keeps requests
out. So its route is closed (503), and never served without it; the other routes of the host go on.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgpack  # type: ignore[import-untyped]  # it has no stubs
import msgspec

from edge.table.policies import Closed
from edge.table.record import Record
from edge.table.records import Conditions, Host, Owner, PathKind, Route

R = TypeVar("R", bound=Record)
_REST = tuple[bool, bool, str, str, bool]
"""Types of the fields of a host behind its routes."""
_KNOWN = len(Host.__struct_fields__)
_DEFAULTS = (False, False, "", "", False)

UNREADABLE = Closed("", "its record cannot be read by this release")


def salvage(data: bytes, kind: type[R]) -> R | None:
    """The record in DATA with all that cannot be read closed; None: nothing of it can be used."""
    if kind is not Host:
        return None
    try:
        return _host(msgspec.convert(msgpack.unpackb(data, use_list=False), tuple[Any, ...]))  # type: ignore[return-value]  # it is the KIND
    except (msgspec.ValidationError, ValueError, TypeError, LookupError, OverflowError, msgpack.UnpackException):
        return None


def _host(fields: tuple[Any, ...]) -> Host:
    name = msgspec.convert(fields[0], str)
    if len(fields) > len(Host.__struct_fields__):  # what is new may concern all of its routes
        msgspec.convert(fields[1:3], tuple[tuple[Any, ...], tuple[Any, ...] | None])
        closed = Route(PathKind.PREFIX, "/", policies=(UNREADABLE,))
        return Host(name, (), closed, *msgspec.convert(fields[3:_KNOWN], _REST))
    routes = tuple(_route(one) for one in fields[1]) if len(fields) > 1 else ()
    default = _route(fields[2]) if len(fields) > 2 and fields[2] is not None else None
    rest = (*fields[3:], *_DEFAULTS[len(fields) - 3 :]) if len(fields) > 3 else _DEFAULTS
    return Host(name, routes, default, *msgspec.convert(rest, _REST))


def _route(fields: tuple[Any, ...]) -> Route:
    try:
        return msgspec.convert(fields, Route)
    except msgspec.ValidationError:
        kind, path = msgspec.convert(fields[0], PathKind), msgspec.convert(fields[1], str)
    owner = _or(Owner(), fields[2:3], Owner)
    # What is new may be another condition, so the route then takes all requests for its path.
    conditions = _or(None, fields[5:6], Conditions | None) if len(fields) <= len(Route.__struct_fields__) else None
    return Route(kind, path, owner, policies=(UNREADABLE,), conditions=conditions)


def _or(default: Any, fields: tuple[Any, ...], kind: Any) -> Any:
    """The one of FIELDS, if there is one and it is of KIND; else DEFAULT."""
    try:
        return msgspec.convert(fields[0], kind)
    except (msgspec.ValidationError, LookupError):
        return default

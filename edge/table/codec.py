"""Encodes records as msgpack and decodes them. No other module knows the encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgpack  # type: ignore[import-untyped]  # it has no stubs
import msgspec

from edge.table.record import Record

if TYPE_CHECKING:
    from typing_extensions import Buffer

R = TypeVar("R", bound=Record)


class DecodeError(ValueError):
    """The bytes are not a record of the wanted kind."""


def encode(record: Record) -> bytes:
    """RECORD as msgpack: an array of its fields in order."""
    packed: bytes = msgpack.packb(msgspec.to_builtins(record, builtin_types=(bytes,)), use_bin_type=True)
    return packed


def decode(data: Buffer, kind: type[R]) -> R:
    """The record of KIND in DATA.

    Fields that DATA lacks take their defaults, so that a reader survives a writer of the previous release. A record
    with unknown fields of a later release is not decoded, because they may forbid requests that the other fields allow.

    Raises:
        DecodeError: DATA is not msgpack, a field has the wrong type, or there are more fields than KIND has.
    """
    try:
        return msgspec.convert(msgpack.unpackb(data, use_list=False), kind)
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        raise DecodeError(f"not a {kind.__name__} record: {error}") from error

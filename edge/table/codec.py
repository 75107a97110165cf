"""Records to msgpack bytes and back. Nothing else in the package knows the encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgpack  # type: ignore[import-untyped]  # it has no stubs
import msgspec

from edge.table.records import Record

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

    Fields that DATA lacks take their defaults and surplus ones are ignored, so that a reader survives a writer of
    the next or previous release.

    Raises:
        DecodeError: DATA is not msgpack, or a field has the wrong type.
    """
    try:
        return msgspec.convert(msgpack.unpackb(data, use_list=False), kind)
    except (msgspec.ValidationError, ValueError, TypeError, msgpack.UnpackException) as error:
        raise DecodeError(f"not a {kind.__name__} record: {error}") from error

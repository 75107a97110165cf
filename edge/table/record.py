"""The base of all records of the table.

Rules of this file:
- Records are frozen and carry plain values only, so that `edge.table.codec` can turn them into msgpack and back.
- Fields are encoded by position: append new ones with a default, never reorder, and raise `edge.table.layout.VERSION`
  when the meaning of one changes. A reader of an earlier release refuses a record with a field that it does not know,
  because it may be one that refuses requests.
"""

from __future__ import annotations

import msgspec


class Record(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Base of all records. They have no reference cycles, so the garbage collector ignores them."""

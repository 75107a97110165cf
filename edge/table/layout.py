"""Layout of the table's files, for writer and reader (described in docs/table.md).

All integers are little-endian and naturally aligned. Words that change after a file has been published are read and
stored by `edge.table._words` only, one aligned 8-byte access each.
"""

from __future__ import annotations

import struct
from hashlib import blake2b
from typing import Final

VERSION: Final = 2
"""Of the files and of the meaning of records. A reader refuses any other."""

PARTS: Final = ("routes", "endpoints", "tls")
"""The parts of the table, each with files of its own."""

# --- the head: file `table`, mapped by everyone, replaced never, words stored in place ------------------------------
HEAD_NAME: Final = "table"
HEAD_MAGIC: Final = b"EDGETBL\x00"
HEAD_SIZE: Final = 4096
HEAD_PREFIX: Final = struct.Struct("<8sII")
"""Magic, VERSION, zero."""
WORD_GENERATION: Final = 2
"""Index (in 8-byte words) of the generation: 0 before the first table, then 1, 2, 3..."""
WORD_PUBLISHED: Final = 3
"""When the generation was published, Unix nanoseconds."""
WORD_PART: Final = 4
"""Two words per part, in the order of PARTS: serial of its segment file, generation of its last change."""

# --- a segment: file `<part>.<serial>`: head, index of slots, log of records ----------------------------------------
SEGMENT_MAGIC: Final = b"EDGESEG\x00"
SEGMENT_HEAD: Final = struct.Struct("<8sIIQQQI")
"""Magic, VERSION, index of the part, serial, size of the file, number of slots (a power of two), CRC-32 of these."""
SEGMENT_HEAD_SIZE: Final = 64
WORD: Final = 8
RECORD_HEAD: Final = struct.Struct("<QIII")
"""`key_hash` of the key, length of the value, length of the key, CRC-32 of key and value.

Key and value follow, padded to 8 bytes. `edge.table._words` knows this layout too.
"""

SLOT_EMPTY: Final = 0
SLOT_DELETED: Final = 1
SLOT_TAG_SHIFT: Final = 48
SLOT_OFFSET_MASK: Final = (1 << SLOT_TAG_SHIFT) - 1
"""A used slot: 16 bits of the key's hash above the record's offset in the file (bytes, a multiple of 8)."""


def key_hash(key: bytes) -> int:
    """64-bit hash of KEY: low bits choose the slot, the top 16 are the slot's tag."""
    return int.from_bytes(blake2b(key, digest_size=8).digest(), "little")


def padded(size: int) -> int:
    """SIZE rounded up to whole words."""
    return (size + WORD - 1) // WORD * WORD


def record_size(key: bytes, value: bytes) -> int:
    """Bytes that a record takes in the log."""
    return padded(RECORD_HEAD.size + len(key) + len(value))


def part_words(part: int) -> tuple[int, int]:
    """Indices of the serial word and of the generation word of PART in the head."""
    return WORD_PART + 2 * part, WORD_PART + 2 * part + 1

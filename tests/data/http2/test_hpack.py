"""Field compression (RFC 7541), beside the library `hpack`."""

from __future__ import annotations

import random

import hpack
import pytest
from hpack.table import HeaderTable

from edge.data.http.h2._hpack import STATIC_TABLE, Decoder
from edge.data.http.h2.errors import Http2Error

NAMES = [b":path", b"cookie", b"accept", b"user-agent", b"x-a", b"x-long-name-of-something"]


def fields(chance: random.Random) -> list[tuple[bytes, bytes]]:
    kinds = (range(256), range(32, 127))
    return [
        (
            chance.choice(NAMES),
            bytes(chance.choices(kinds[chance.random() < 0.7], k=chance.choice((0, 1, 20, 300, 1500)))),
        )
        for _ in range(chance.randrange(1, 12))
    ]


@pytest.mark.parametrize("seed", range(40))
def test_what_another_encoder_writes_is_read_and_the_tables_agree(seed: int) -> None:
    chance = random.Random(seed)
    encoder, decoder = hpack.Encoder(), Decoder()
    for _ in range(40):
        if chance.random() < 0.1:
            encoder.header_table_size = chance.choice((0, 100, 1000, 4096))
        sent = fields(chance)
        assert decoder.read(encoder.encode(sent, huffman=chance.random() < 0.6)) == sent
        assert decoder.size == encoder.header_table._current_size


@pytest.mark.parametrize("seed", range(20))
def test_garbage_is_read_as_another_decoder_reads_it_or_refused_as_there(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(150):
        text = bytes(chance.randrange(256) for _ in range(chance.randrange(40)))
        try:
            expected = hpack.Decoder().decode(text, raw=True)
        except hpack.HPACKError:
            with pytest.raises(Http2Error):
                Decoder().read(text)
        else:
            assert Decoder().read(text) == [tuple(one) for one in expected]


def test_the_static_table_is_that_of_the_standard() -> None:
    assert STATIC_TABLE == HeaderTable.STATIC_TABLE


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"\x80", "index 0"),
        (b"\xbe", "an entry that is not there"),
        (b"\x3f\xe2\x1f", "a table larger than allowed"),
        (b"\x82\x20", "a change of size behind a field"),
        (b"\xff\xff\xff\xff\xff\xff\x01", "an integer without end"),
        (b"\x00\x01a\x81\x00", "padding that is not of ones"),
        (b"\x00\x01a\x82\xff\xff", "padding of a whole byte"),
        (b"\x00\x01a\x84\xff\xff\xff\xff", "the symbol for the end"),
        (b"\x00\x01a\x05b", "a string that is cut off"),
        (b"\x00\x01a", "a field that is cut off"),
    ],
)
def test_a_malformed_block_is_an_error_of_the_connection(text: bytes, why: str) -> None:
    with pytest.raises(Http2Error) as raised:
        Decoder().read(text)
    assert raised.value.code == 9, why

"""Networks, and which of them an address is in."""

from __future__ import annotations

import ipaddress
import random
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.data.net.networks import Networks
from edge.table.networks import NetworkError, parse

NESTED = [
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.3",
    "10.1.2.128/25",
    "2001:db8::/32",
    "2001:db8:1::/48",
    "::1",
    "0.0.0.0/0",
]
FOUND = {
    "10.2.0.0": 0,
    "10.0.0.0": 0,
    "10.255.255.255": 0,
    "10.1.2.4": 1,
    "10.1.2.3": 2,
    "10.1.2.128": 3,
    "10.1.2.255": 3,
    "10.1.3.0": 1,
    "11.0.0.0": 7,
    "9.255.255.255": 7,
    "255.255.255.255": 7,
    "2001:db8::1": 4,
    "2001:db8:1::": 5,
    "2001:db8:2::": 4,
    "2001:db9::": -1,
    "::1": 6,
    "::2": -1,
    # IPv4 in IPv6 clothes is IPv4
    "::ffff:10.1.2.3": 2,
    "::ffff:0a01:0203": 2,
    # a zone says nothing about the address
    "2001:db8::1%eth0": 4,
    # no addresses
    "": -1,
    "unix:": -1,
    "10.1.2": -1,
    "10.01.2.3": -1,
    "10.1.2.3%eth0": -1,
    "10.1.2.3/32": -1,
    "x" * 200: -1,
    "10.1.2.3\x00": -1,
}


@pytest.mark.parametrize(("address", "number"), FOUND.items())
def test_the_most_specific_network_is_found(address: str, number: int) -> None:
    """By its number; -1 where there is none."""
    networks = Networks(NESTED)
    assert networks.find(address) == number
    assert (address in networks) == (number >= 0)


@given(st.text("0123456789.", max_size=17) | st.ip_addresses(v=4).map(str))
def test_what_is_an_address_of_ipv4_is_what_the_library_says(text: str) -> None:
    """inet_pton(3): four numbers without leading zeros."""
    try:
        number = int.from_bytes(socket.inet_pton(socket.AF_INET, text))
    except OSError:
        assert Networks(["0.0.0.0/0"]).find(text) == -1
        return
    assert Networks([f"{ipaddress.IPv4Address(number)}/32"]).find(text) == 0
    assert Networks([f"{ipaddress.IPv4Address(number ^ 1)}/32"]).find(text) == -1


def test_packed_addresses() -> None:
    """As the kernel and the PROXY protocol give them; other lengths are no addresses."""
    networks = Networks(NESTED)
    assert networks.find(socket.inet_aton("10.1.2.3")) == 2
    assert networks.find(socket.inet_pton(socket.AF_INET6, "2001:db8:1::7")) == 5
    assert networks.find(socket.inet_pton(socket.AF_INET6, "::ffff:10.1.2.3")) == 2
    assert networks.find(b"10.1.2.3") == -1
    with pytest.raises(TypeError):
        networks.find(167772161)  # type: ignore[arg-type]


def test_families_are_apart() -> None:
    """`::/0` holds no IPv4 address, and `0.0.0.0/0` no IPv6 address."""
    assert "10.0.0.1" not in Networks(["::/0"])
    assert "::ffff:10.0.0.1" not in Networks(["::/0"])
    assert "::1" in Networks(["::/0"])
    assert "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" in Networks(["::/0"])
    assert "::1" not in Networks(["0.0.0.0/0"])
    assert "::ffff:10.0.0.1" in Networks(["0.0.0.0/0"])


def test_networks_of_mapped_addresses_are_ipv4() -> None:
    """From /96 on; a shorter prefix holds more than those and stays IPv6."""
    assert parse("::ffff:10.0.0.0/104") == parse("10.0.0.0/8")
    assert parse("::ffff:10.0.0.1") == parse("10.0.0.1/32")
    assert "10.0.0.1" not in Networks(["::ffff:10.0.0.0/95"])


def test_host_bits_are_cut_off() -> None:
    """As nginx does, which warns."""
    assert parse("10.1.2.3/8") == (4, 10 << 24, 8)
    assert parse(" 2001:db8::1/32 ") == (6, 0x20010DB8 << 96, 32)
    assert parse("1.2.3.4/0") == (4, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        *("", "all", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "10/8"),
        *("fe80::1%eth0", "010.0.0.1", "::ffff:1.2.3.4/129", "10.0.0.0/²", "10.0.0.0/+8"),
    ],
)
def test_what_is_no_network_is_refused(text: str) -> None:
    """And quoted."""
    with pytest.raises(NetworkError) as refusal:
        Networks(["10.0.0.0/8", text])
    assert repr(text) in str(refusal.value)


def test_none() -> None:
    """An empty set holds nothing."""
    networks = Networks([])
    assert len(networks) == 0
    assert "10.0.0.1" not in networks
    assert "::1" not in networks


def test_of_equal_networks_the_first_is_found() -> None:
    """However they are written."""
    networks = Networks(["10.0.0.0/8", "10.9.9.9/8", "10.0.0.0/9", "10.0.0.0/9"])
    assert networks.find("10.0.0.1") == 2
    assert networks.find("10.200.0.1") == 0
    assert len(networks) == 4


FOUR = st.tuples(st.integers(0, 7).map(lambda high: high << 29), st.integers(0, 7), st.integers(0, 32)).map(
    lambda three: ipaddress.ip_network((three[0] | three[1], three[2]), strict=False)
)
SIX = st.tuples(st.integers(0, 7), st.integers(0, 7), st.sampled_from([0, 3, 64, 65, 120, 126, 127, 128])).map(
    lambda three: ipaddress.ip_network((three[0] << 125 | three[1] << 63 | three[1], three[2]), strict=False)
)


@given(st.lists(FOUR | SIX, max_size=12), st.integers(0, 2**31))
def test_agrees_with_the_standard_library(
    networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network], seed: int
) -> None:
    """At both ends of each network, just outside them, and anywhere."""
    compiled = Networks(str(network) for network in networks)
    chance = random.Random(seed)
    addresses = [ipaddress.ip_address(chance.randrange(1 << 32)), ipaddress.IPv6Address(chance.randrange(1 << 128))]
    for network in networks:
        kind, first, last = type(network[0]), int(network[0]), int(network[-1])
        addresses += [
            kind(number) for number in (first - 1, first, last, last + 1) if 0 <= number < 1 << network.max_prefixlen
        ]
    for address in addresses:
        if address.version == 6 and address.ipv4_mapped:
            continue
        around = [network for network in networks if address.version == network.version and address in network]
        number = compiled.find(str(address))
        assert number == compiled.find(address.packed)
        assert (networks[number] if number >= 0 else None) == max(around, key=lambda it: it.prefixlen, default=None)


@pytest.mark.parametrize("wrong", [None, 167837953, object()])
def test_what_is_neither_text_nor_bytes_is_in_no_network(wrong: object) -> None:
    networks = Networks(["0.0.0.0/0", "::/0"])
    for _ in range(2):
        with pytest.raises(TypeError, match="text or packed"):
            networks.find(wrong)  # type: ignore[arg-type]

"""Which address of a pool a Gateway gets."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, cast

from edge.control.compiling.gateway_addresses import GatewayAddresses
from tests.support import gateway
from tests.support.world import taken

if TYPE_CHECKING:
    from edge.control.kinds.gateway import Gateway


def last_number(addresses: GatewayAddresses, name: str) -> int:
    """Of the address that the Gateway NAME gets."""
    (address,) = addresses.of(cast("Gateway", taken(gateway.gateway(name=name)))).addresses
    return ip_address(address).packed[-1]


def test_both_ends_of_a_pool_stay_free_for_gateways_that_ask_for_an_address() -> None:
    pool = GatewayAddresses(["192.0.2.0/28"])
    numbers = [last_number(pool, f"gateway-{number}") for number in range(14)]
    assert sorted(numbers[:8]) == list(range(4, 12))
    assert sorted(numbers[8:]) == [1, 2, 3, 12, 13, 14]


def test_the_address_of_a_gateway_follows_from_its_name() -> None:
    pools = [GatewayAddresses(["192.0.2.0/24"]) for _ in range(2)]
    assert last_number(pools[0], "one") == last_number(pools[1], "one")

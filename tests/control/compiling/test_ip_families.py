"""Services with endpoints of both address families, and the choice of one (`--endpoint-ip-family`)."""

from __future__ import annotations

from typing import Any

import pytest

from edge.settings import Settings
from edge.table.records import ServicePort
from tests.support import objects
from tests.support.world import World


def slice_of(family: str, address: str, *, ready: bool = True) -> dict[str, Any]:
    made = objects.endpoints("web", address, ready=ready, suffix=family.lower())
    return made | {"addressType": family}


FOUR, SIX = slice_of("IPv4", "10.0.0.1"), slice_of("IPv6", "2001:db8::1")


def addresses(family: str, *slices: dict[str, Any]) -> list[str]:
    world = World(Settings(endpoint_ip_family=family)).apply(objects.ingress(), objects.service(), *slices)
    port = world.endpoints["demo/web:80"]
    assert isinstance(port, ServicePort)
    return [endpoint.address for endpoint in port.endpoints]


@pytest.mark.parametrize(
    ("family", "expected"),
    [("any", ["10.0.0.1", "2001:db8::1"]), ("IPv4", ["10.0.0.1"]), ("IPv6", ["2001:db8::1"])],
)
def test_of_both_families_the_chosen_one_is_used(family: str, expected: list[str]) -> None:
    assert addresses(family, FOUR, SIX) == expected


def test_a_service_that_has_the_other_one_alone_is_served_all_the_same() -> None:
    assert addresses("IPv6", FOUR) == ["10.0.0.1"]


def test_so_is_one_of_which_no_endpoint_of_the_chosen_family_is_ready() -> None:
    assert addresses("IPv6", FOUR, slice_of("IPv6", "2001:db8::1", ready=False)) == ["10.0.0.1"]

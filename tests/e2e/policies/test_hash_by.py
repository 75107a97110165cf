"""upstream-hash-by: one key, one endpoint; load-balance: ewma."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support import objects
from tests.support.backends import Backend
from tests.support.ingresses import Annotated

URIS = [f"/path/{number}?a=b" for number in range(24)]


@pytest.fixture(scope="module")
def edge() -> Iterator[Annotated]:
    """With two workers, so that they have to agree."""
    with Annotated("--workers=2") as one:
        yield one


@pytest.fixture(scope="module")
def four() -> Iterator[list[Backend]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Backend(f"pod{number}")) for number in range(4)]


def who(edge: Annotated, host: str, target: str = "/") -> str | None:
    response = edge.get(host, target)
    assert response.status == 200
    return response.get("x-backend")


def test_a_uri_has_one_endpoint_and_few_move_when_endpoints_come_and_go(edge: Annotated, four: list[Backend]) -> None:
    edge.service("hashed", *four)
    host = edge.ingress("@ Prefix / hashed", upstream_hash_by="$request_uri")
    assert edge.reasons() == []
    homes = {uri: who(edge, host, uri) for uri in URIS}
    assert len(set(homes.values())) > 1
    assert {uri: who(edge, host, uri) for uri in URIS} == homes
    edge.service("fewer", *four[:3])
    edge.ingress("@ Prefix / fewer", host=host, name=edge.last.name, upstream_hash_by="$request_uri")
    fewer = {uri: who(edge, host, uri) for uri in URIS}
    assert {uri: home for uri, home in fewer.items() if homes[uri] != "pod3"} == {
        uri: home for uri, home in homes.items() if home != "pod3"
    }


def test_a_subset(edge: Annotated, four: list[Backend]) -> None:
    edge.service("grouped", *four)
    host = edge.ingress("@ Prefix / grouped", upstream_hash_by="$request_uri", upstream_hash_by_subset="true")
    assert len({who(edge, host, "/a") for _ in range(40)}) == 3
    edge.ingress(
        *("@ Prefix / grouped",),
        host=host,
        name=edge.last.name,
        upstream_hash_by="$request_uri",
        upstream_hash_by_subset="true",
        upstream_hash_by_subset_size="2",
    )
    assert len({who(edge, host, "/a") for _ in range(40)}) == 2


@pytest.mark.parametrize("value", ["$nothing", "$", "a b", "$request_uri;"])
def test_a_value_that_cannot_be_read_is_reported_and_ignored(edge: Annotated, four: list[Backend], value: str) -> None:
    edge.service("spread", *four)
    host = edge.ingress("@ Prefix / spread", upstream_hash_by=value)
    assert edge.reasons() == ["InvalidAnnotation"]
    assert len({who(edge, host) for _ in range(16)}) == 4


def test_a_canary_has_its_own_key(edge: Annotated, four: list[Backend]) -> None:
    edge.service("main", four[0])
    edge.service("aside", *four[1:])
    host = edge.ingress("@ Prefix / main")
    edge.ingress("@ Prefix / aside", host=host, canary="true", canary_weight="100", upstream_hash_by="$request_uri")
    homes = {uri: who(edge, host, uri) for uri in URIS}
    assert set(homes.values()) <= {"pod1", "pod2", "pod3"}
    assert {uri: who(edge, host, uri) for uri in URIS} == homes


def test_by_ewma_no_request_fails_while_endpoints_come_and_go(edge: Annotated, four: list[Backend]) -> None:
    edge.service("scaled", four[0])
    host = edge.ingress("@ Prefix / scaled", load_balance="ewma")
    for few in (four[:1], four, four[2:], four[:3]):
        edge.service("scaled", *few)
        edge.put(*(objects.endpoints("scaled", suffix=str(number)) for number in range(len(few), 4)))
        assert {who(edge, host) for _ in range(60)} <= {one.name for one in few}

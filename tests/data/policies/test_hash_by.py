"""The endpoint by a key of the request (upstream-hash-by of ingress-nginx)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edge.table.policies import Affinity, HashBy
from tests.support.play import Answer, Endpoint, Request, backend, route


class Asking:
    """A route with POLICIES of its backend and COUNT endpoints."""

    def __init__(self, scene: Callable[..., Any], *policies: Any, count: int = 5) -> None:
        self.endpoints = [Endpoint(Answer(content=str(number).encode())) for number in range(count)]
        to = (backend(policies=policies),)
        self.scene = scene(services={"web": self.endpoints}, routes=(route("/", to=to),))

    def __call__(self, target: str = "/", *fields: tuple[str, str]) -> str:
        """Who answers."""
        played = self.scene.play(Request(target=target, fields=fields))
        return played.content.decode() if played.status == 200 else str(played.status)

    def fail(self, name: str) -> None:
        """This endpoint refuses connections, and has closed those that there were."""
        self.endpoints[int(name)].connect = 502
        self.scene.close_idle()


def test_one_key_has_one_endpoint_and_all_are_used(scene) -> None:
    ask = Asking(scene, HashBy("test", "$request_uri"))
    homes = {target: {ask(target) for _ in range(3)} for target in (f"/{number}?a" for number in range(30))}
    assert all(len(home) == 1 for home in homes.values())
    assert set.union(*homes.values()) == set("01234")


def test_workers_agree(scene) -> None:
    one, other = (Asking(scene, HashBy("test", "$request_uri")) for _ in range(2))
    targets = [f"/{number}" for number in range(20)]
    assert [one(target) for target in targets] == [other(target) for target in targets]


@pytest.mark.parametrize(
    ("key", "same", "other"),
    [
        (
            "$http_x_user",
            [("/a", ("X-User", "anna")), ("/b", ("X-User", "anna"))],
            [("X-User", str(n)) for n in range(12)],
        ),
        ("${cookie_user}-x", [("/a", ("Cookie", "user=anna"))], [("Cookie", f"user={n}") for n in range(12)]),
    ],
)
def test_a_key_is_made_of_variables_and_text(scene, key: str, same: Any, other: Any) -> None:
    ask = Asking(scene, HashBy("test", key))
    assert len({ask(target, field) for target, field in same for _ in range(3)}) == 1
    assert len({ask("/", field) for field in other}) > 2


def test_a_key_without_variables_is_one_for_all(scene) -> None:
    ask = Asking(scene, HashBy("test", "same"))
    assert len({ask(f"/{number}") for number in range(12)}) == 1


def test_a_subset_is_the_same_few_endpoints(scene) -> None:
    ask = Asking(scene, HashBy("test", "$request_uri", 3))
    for target in ("/a", "/b"):
        assert len({ask(target) for _ in range(60)}) == 3
    few = Asking(scene, HashBy("test", "$request_uri", 3), count=2)
    assert {few("/a") for _ in range(30)} == {"0", "1"}


@pytest.mark.parametrize("size", [1, 3])
def test_the_next_endpoint_takes_the_keys_of_one_that_fails(scene, size: int) -> None:
    ask = Asking(scene, HashBy("test", "$request_uri", size))
    homes = {target: ask(target) for target in (f"/{number}" for number in range(20))}
    ask.fail("0")
    for target, home in homes.items():
        now = {ask(target) for _ in range(3)}
        assert "0" not in now
        assert now == {home} or home == "0" or size > 1


def test_when_all_fail_or_there_is_none(scene) -> None:
    ask = Asking(scene, HashBy("test", "x"), count=2)
    ask.fail("0")
    ask.fail("1")
    assert ask() == "502"
    assert Asking(scene, HashBy("test", "x"), count=0)() == "503"


def test_an_affinity_goes_before_it(scene) -> None:
    ask = Asking(scene, HashBy("test", "same"), Affinity("test", "route"))
    assert len({ask() for _ in range(40)}) > 1, "clients without the cookie are spread"

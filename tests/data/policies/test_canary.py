"""Which requests a canary takes (canary-* of ingress-nginx): header before cookie, cookie before weight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from edge.table.policies import Canary
from tests.support.play import Answer, Endpoint, Request, backend, route

MAIN, CANARY = "main", "canary"


def answering(content: str) -> Endpoint:
    return Endpoint(Answer(content=content.encode()))


@pytest.fixture
def asking(scene: Callable[..., Any]) -> Callable[..., Callable[..., str]]:
    """Makes functions that send a request with FIELDS and give who has answered it."""

    def make(*policies: Canary, weight: int = 0, total: int = 100, main: bool = True, canary: bool = True) -> Any:
        one = scene(
            services={MAIN: [answering(MAIN)] if main else [], CANARY: [answering(CANARY)] if canary else []},
            routes=(
                route(
                    "/",
                    *policies,
                    to=(backend(MAIN, weight=total - weight), backend(CANARY, weight=weight, canary=True)),
                ),
            ),
        )

        def ask(*fields: tuple[str, str]) -> str:
            played = one.play(Request(fields=fields))
            return played.content.decode() if played.status == 200 else str(played.status)

        ask.scene = one  # type: ignore[attr-defined]
        return ask

    return make


def test_always_and_never_of_the_header_decide(asking) -> None:
    ask = asking(Canary("test", header="X-Canary"))
    assert ask(("x-canary", "always")) == CANARY
    assert ask(("X-CANARY", "never")) == MAIN
    ask = asking(Canary("test", header="X-Canary"), weight=100)
    assert ask(("x-canary", "never")) == MAIN


@pytest.mark.parametrize("fields", [(), (("X-Canary", "other"),), (("X-Canary", ""),), (("X-Canary", "Always"),)])
def test_any_other_value_leaves_it_to_the_next_rule(asking, fields: Any) -> None:
    rule = Canary("test", header="X-Canary", cookie="test")
    assert asking(rule)(*fields, ("Cookie", "test=always")) == CANARY
    assert asking(rule, weight=100)(*fields, ("Cookie", "test=never")) == MAIN
    assert asking(rule)(*fields) == MAIN
    assert asking(rule, weight=100)(*fields) == CANARY


def test_with_a_value_of_its_own_always_and_never_are_nothing_special(asking) -> None:
    ask = asking(Canary("test", header="X-Canary", value="DoCanary"))
    assert ask(("X-Canary", "DoCanary")) == CANARY
    assert [ask(("X-Canary", one)) for one in ("always", "docanary", "never")] == [MAIN] * 3
    ask = asking(Canary("test", header="X-Canary", value="DoCanary"), weight=100)
    assert [ask(("X-Canary", one)) for one in ("always", "never")] == [CANARY] * 2


def test_a_pattern_is_searched_for_in_the_value(asking) -> None:
    ask = asking(Canary("test", header="X-Canary", pattern="^v[0-9]$"))
    assert [ask(("X-Canary", one)) for one in ("v1", "v12", "V1", "always")] == [CANARY, MAIN, MAIN, MAIN]
    ask = asking(Canary("test", header="X-Canary", pattern="beta"))
    assert ask(("X-Canary", "the beta testers")) == CANARY


def test_a_value_goes_before_a_pattern(asking) -> None:
    ask = asking(Canary("test", header="X-Canary", value="one", pattern="two"))
    assert [ask(("X-Canary", one)) for one in ("one", "two")] == [CANARY, MAIN]


def test_a_pattern_that_cannot_be_used_means_the_main_one_whatever_the_cookie_says(asking) -> None:
    ask = asking(Canary("test", header="X-Canary", pattern="[[", cookie="test"), weight=100)
    assert ask(("X-Canary", "any"), ("Cookie", "test=always")) == MAIN
    assert ask(("Cookie", "test=never")) == MAIN, "without the header the cookie decides"
    assert ask() == CANARY


def test_the_cookie_decides_by_the_same_words(asking) -> None:
    ask = asking(Canary("test", cookie="Bucket"))
    assert ask(("Cookie", "a=b; Bucket=always; c=d")) == CANARY
    assert ask(("Cookie", "a=b,c; bucket=always")) == CANARY, "as with nginx, whatever its case"
    assert [ask(("Cookie", f"Bucket={one}")) for one in ("never", "other", "")] == [MAIN] * 3
    assert ask(("Cookie", "NotBucket=always")) == MAIN


def test_several_cookie_fields_are_as_one(asking) -> None:
    ask = asking(Canary("test", cookie="test"))
    assert ask(("Cookie", "a=b"), ("Cookie", "test=always")) == CANARY


def test_the_header_goes_before_the_cookie(asking) -> None:
    ask = asking(Canary("test", header="X-Canary", cookie="test"))
    assert ask(("X-Canary", "never"), ("Cookie", "test=always")) == MAIN
    assert ask(("X-Canary", "always"), ("Cookie", "test=never")) == CANARY


def test_the_weight_decides_about_the_rest(asking) -> None:
    assert {asking()() for _ in range(20)} == {MAIN}
    assert {asking(weight=100)() for _ in range(20)} == {CANARY}
    assert {asking(weight=300, total=300)() for _ in range(20)} == {CANARY}
    half = asking(weight=100, total=200)
    shares = Counter(half() for _ in range(400))
    assert 120 < shares[CANARY] < 280


def test_a_canary_without_an_endpoint_leaves_its_requests_to_the_main_one(asking) -> None:
    ask = asking(Canary("test", header="X-Canary"), weight=100, canary=False)
    assert ask() == MAIN
    assert ask(("X-Canary", "always")) == MAIN


def test_the_main_one_without_an_endpoint_keeps_its_requests(asking) -> None:
    ask = asking(Canary("test", header="X-Canary"), main=False)
    assert ask() == "503"
    assert ask(("X-Canary", "always")) == CANARY


def test_log_and_counters_name_the_main_one_and_the_canary_beside(scene) -> None:
    """As ingress-nginx does; what watches a canary goes by it."""
    one = scene(
        services={MAIN: [Endpoint()], CANARY: [Endpoint()]},
        routes=(route("/", to=(backend(MAIN, weight=0), backend(CANARY, weight=100, canary=True))),),
    )
    (line,) = one.play(Request()).logged
    assert "[demo-main-80] [demo-canary-80]" in line
    assert one.counted() == {(MAIN, 200): 1}
    (labels,) = {key.labels for key in one.series()}
    assert (labels.service, labels.canary, labels.ingress) == (MAIN, "demo-canary-80", "app")

"""Endpoints and their health: who is chosen, who is left out, and how it comes back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.data.exchange._outcome import Outcome
from edge.data.upstream import balancer
from edge.data.upstream import target as targets
from edge.data.upstream.balancer import Balancer
from edge.data.upstream.target import Target, Targets
from edge.table.reader import TableReader
from edge.table.records import Balance, Endpoint, ServicePort
from edge.table.writer import TableWriter


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(balancer, "monotonic", made)
    monkeypatch.setattr(targets, "monotonic", made)
    return made


class World:
    """A table with one service, and a balancer of it."""

    def __init__(self, directory: Path) -> None:
        self._writer = TableWriter(directory)
        self._reader = TableReader(directory)
        self.targets = Targets()
        self.publish(1)
        self.balancer = Balancer("demo/web:80", self._reader.endpoints, self.targets)
        self.balancer.update()

    def publish(self, *numbers: int, balance: Balance = Balance.ROUND_ROBIN) -> None:
        """The service has endpoints with these NUMBERS."""
        endpoints = tuple(Endpoint(f"10.0.0.{number}", 80) for number in numbers)
        self._writer.publish(endpoints={"demo/web:80": ServicePort("demo", "web", "80", endpoints, balance)})
        self._reader.refresh()

    def update(self, *numbers: int, balance: Balance = Balance.ROUND_ROBIN) -> list[Target]:
        """As `publish`, taken up; gives the targets."""
        self.publish(*numbers, balance=balance)
        self.balancer.update()
        return self.balancer.targets

    def choose(self, count: int, *tried: Target) -> Counter[Any]:
        """Who is chosen how often."""
        return Counter(self.balancer.choose(tried) for _ in range(count))

    def close(self) -> None:
        self._writer.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


# --- choice ---


def test_a_service_without_endpoints_has_no_choice(world: World) -> None:
    world.update()
    assert world.balancer.choose(()) is None
    world.update(balance=Balance.LEAST_CONNECTIONS)
    assert world.balancer.choose(()) is None


def test_round_robin_gives_each_its_turn(world: World) -> None:
    targets = world.update(1, 2, 3)
    assert world.choose(300) == dict.fromkeys(targets, 100)


def test_a_further_attempt_does_not_move_the_turn_of_the_next_request(world: World) -> None:
    """Or every request would begin with the one endpoint of two that fails."""
    targets = world.update(1, 2)
    first = []
    for _ in range(10):
        chosen = world.balancer.choose(())
        assert chosen is not None
        first.append(chosen)
        assert world.balancer.choose((chosen,)) not in (None, chosen)
    assert Counter(first) == dict.fromkeys(targets, 5)


@pytest.mark.parametrize("balance", Balance)
def test_who_has_been_tried_is_not_chosen(world: World, balance: Balance) -> None:
    one, two, three = world.update(1, 2, 3, balance=balance)
    assert set(world.choose(50, one, three)) == {two}
    assert set(world.choose(50, one, two, three)) == {None}


def test_of_two_the_less_busy_is_chosen(world: World) -> None:
    idle, busy = world.update(1, 2, balance=Balance.LEAST_CONNECTIONS)
    busy.in_flight = 5
    assert set(world.choose(50)) == {idle}
    idle.in_flight = 9
    assert set(world.choose(50)) == {busy}


def test_the_busiest_of_many_is_never_chosen(world: World) -> None:
    targets = world.update(1, 2, 3, 4, balance=Balance.LEAST_CONNECTIONS)
    targets[2].in_flight = 1
    chosen = world.choose(400)
    assert targets[2] not in chosen
    assert len(chosen) == 3


def outcome(name: str, seconds: float, status: int = 200) -> Outcome:
    """What came of a request that the endpoint NAME has answered after SECONDS."""
    made = Outcome()
    made.ask(name)
    made.upstream_seconds, made.upstream_status = seconds, status
    return made


def test_by_ewma_the_faster_of_two_is_chosen(world: World, clock: Clock) -> None:
    fast, slow = world.update(1, 2, balance=Balance.EWMA)
    world.balancer.note(outcome(slow.name, 0.5))
    world.balancer.note(outcome(fast.name, 0.1))
    assert set(world.choose(50)) == {fast}
    clock.now += 60
    world.balancer.note(outcome(fast.name, 0.9))
    assert set(world.choose(50)) == {slow}, "what it was long ago has faded"


def test_by_ewma_requests_under_way_count(world: World, clock: Clock) -> None:
    fast, slow = world.update(1, 2, balance=Balance.EWMA)
    world.balancer.note(outcome(slow.name, 0.5))
    world.balancer.note(outcome(fast.name, 0.1))
    fast.in_flight = 9
    assert set(world.choose(50)) == {slow}
    assert clock.now == 1000.0


def test_by_ewma_the_slowest_of_many_is_never_chosen(world: World, clock: Clock) -> None:
    targets = world.update(1, 2, 3, 4, balance=Balance.EWMA)
    for target in targets:
        world.balancer.note(outcome(target.name, 0.2 if target is targets[2] else 0.1))
    chosen = world.choose(400)
    assert targets[2] not in chosen
    assert len(chosen) == 3
    assert clock.now == 1000.0


@pytest.mark.parametrize("status", [0, 101, 502])
def test_what_was_no_answer_does_not_make_an_endpoint_fast(world: World, clock: Clock, status: int) -> None:
    one, two = world.update(1, 2, balance=Balance.EWMA)
    for target in (one, two):
        world.balancer.note(outcome(target.name, 0.2))
    clock.now += 1
    world.balancer.note(outcome(one.name, 0.0001, status))
    scores = world.balancer.scores
    assert scores is not None
    assert scores.score(one.name, clock.now) == scores.score(two.name, clock.now)


def test_attempts_that_were_given_up_count_too(world: World, clock: Clock) -> None:
    one, two = world.update(1, 2, balance=Balance.EWMA)
    waited = outcome(one.name, 60.0, 504)
    waited.give_up()
    waited.ask(two.name)
    waited.upstream_seconds, waited.upstream_status = 0.1, 200
    world.balancer.note(waited)
    assert set(world.choose(50)) == {two}
    assert clock.now == 1000.0


def test_a_new_endpoint_begins_with_the_mean(world: World, clock: Clock) -> None:
    one, _ = world.update(1, 2, balance=Balance.EWMA)
    world.balancer.note(outcome(one.name, 0.4))
    targets = world.update(1, 3, balance=Balance.EWMA)
    scores = world.balancer.scores
    assert scores is not None
    assert scores.score(targets[1].name, clock.now) == pytest.approx(0.4)
    world.update(1, 3)
    assert world.balancer.scores is None


def test_workers_do_not_all_begin_with_the_same_endpoint(world: World) -> None:
    world.update(*range(1, 30))
    firsts = set()
    for _ in range(20):
        balancer = Balancer("demo/web:80", world._reader.endpoints, world.targets)
        balancer.update()
        firsts.add(balancer.choose(()))
        balancer.close()
    assert len(firsts) > 3


# --- targets ---


def test_an_endpoint_keeps_what_is_known_of_it_when_others_come_and_go(world: World) -> None:
    one, two = world.update(1, 2)
    one.in_flight = 3
    again = world.update(1, 4, 2)
    assert again[0] is one
    assert again[2] is two
    assert len(world.targets) == 3


def test_an_endpoint_that_is_gone_is_forgotten(world: World) -> None:
    one, two = world.update(1, 2)
    world.update(2)
    assert (one.users, two.users, len(world.targets)) == (0, 1, 1)
    world.balancer.close()
    assert len(world.targets) == 0


def test_services_share_what_is_known_of_an_endpoint(world: World) -> None:
    other = Balancer("demo/web:80", world._reader.endpoints, world.targets)
    other.update()
    assert other.targets == world.balancer.targets
    assert other.targets[0].users == 2


# --- health ---


def test_an_endpoint_that_refuses_is_left_out_and_longer_each_time(world: World, clock: Clock) -> None:
    bad, good = world.update(1, 2)
    for seconds in (1, 2, 4, 8, 16, 30, 30):
        assert bad.failed()
        assert not bad.failed(), "told twice"
        clock.now += seconds - 0.01
        assert set(world.choose(100)) == {good}
        clock.now += 0.02


def test_it_comes_back_slowly(world: World, clock: Clock) -> None:
    bad, good = world.update(1, 2)
    bad.failed()
    shares = []
    for seconds in (1.1, 4.0, 4.0):
        clock.now += seconds
        shares.append(world.choose(2000)[bad] / 2000)
    assert 0.01 < shares[0] < 0.12
    assert shares[0] < shares[1] < shares[2] < 0.5
    clock.now += 2
    assert world.choose(200) == {bad: 100, good: 100}
    assert bad.failures == 0


def test_a_failure_long_after_the_last_one_counts_as_the_first(world: World, clock: Clock) -> None:
    (bad,) = world.update(1)
    for _ in range(5):
        bad.failed()
        clock.now += 31
    clock.now += targets.SLOW_RETURN
    assert world.balancer.choose(()) is bad
    bad.failed()
    assert bad.ejected_until == clock.now + targets.FIRST_EJECTION


@pytest.mark.parametrize("balance", Balance)
def test_when_all_are_out_none_is(world: World, clock: Clock, balance: Balance) -> None:
    targets = world.update(1, 2, balance=balance)
    for target in targets:
        target.failed()
    assert set(world.choose(100)) == set(targets)
    assert clock.now < targets[0].ejected_until


def test_a_connection_that_succeeds_ends_the_ejection(world: World, clock: Clock) -> None:
    """One that was made because all were out."""
    bad, worse = world.update(1, 2)
    for _ in range(6):
        bad.failed()
        worse.failed()
        clock.now += 31
    bad.failed()
    worse.failed()
    bad.succeeded()
    assert bad.ejected_until == clock.now
    clock.now += 5
    assert set(world.choose(200)) == {bad}


def test_one_that_comes_back_goes_before_one_that_is_out(world: World, clock: Clock) -> None:
    back, out = world.update(1, 2)
    back.failed()
    clock.now += 1.1
    out.failed()
    assert set(world.choose(200)) == {back}


def test_connections_that_break_one_after_the_other_count_as_refused(clock: Clock) -> None:
    target = Target("10.0.0.1", 80)
    assert [target.broke() for _ in range(targets.BREAKS)] == [False] * (targets.BREAKS - 1) + [True]
    assert target.ejected_until == clock.now + targets.FIRST_EJECTION

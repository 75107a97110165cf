"""Workers of one listening socket share its connections, and so the work."""

import threading
from contextlib import ExitStack

import pytest

from edge.data.accepting.spread import FEW, MANY, Spread
from edge.table.counters import CountersReader, WorkerCounters, WorkerWord
from tests.support.clients import Client
from tests.support.edge import Edge
from tests.support.waiting import eventually

MOST = 0.6
"""The largest share of the work that one of two workers may have."""
ROUNDS = 5
"""A worker that gets no processor for 20 ms is not waited for, so on a busy machine a single round says little."""


@pytest.fixture(scope="module")
def edge():
    with Edge(command="proxy", workers=2) as started:
        eventually(lambda: both_accept(started))
        yield started


def both_accept(edge):
    """Whether both workers have come to accept; asks once more."""
    edge.get("/")
    accepted = words(edge, WorkerWord.CONNECTIONS_ACCEPTED)
    return len(accepted) == 2 and all(accepted)


def words(edge, which):
    """A word of each worker."""
    reader = CountersReader(edge.shm_dir)
    try:
        return [worker[which] for worker in reader.workers() if worker.alive]
    finally:
        reader.close()


def share_of(edge, word, work):
    """The largest share that a worker has of what WORK adds to WORD."""
    eventually(lambda: sum(words(edge, WorkerWord.CONNECTIONS_ACTIVE)) == 0)
    before = words(edge, word)
    amount = work()
    eventually(lambda: sum(words(edge, word)) - sum(before) == amount)
    return max(new - old for old, new in zip(before, words(edge, word), strict=True)) / amount


def is_shared(edge, word, work):
    """Whether WORK is shared in one of a few rounds."""
    return any(share_of(edge, word, work) <= MOST for _ in range(ROUNDS))


def test_sixty_four_clients_give_no_worker_more_than_its_share(edge):
    def client():
        with Client(edge.http) as connection:
            for _ in range(50):
                connection.request("/")

    def work():
        threads = [threading.Thread(target=client) for _ in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(40)
        return 64 * 50

    assert is_shared(edge, WorkerWord.UNMATCHED, work)


@pytest.mark.parametrize("count", [2, 4, 6, 10])
def test_few_long_connections_are_shared_too(edge, count):
    def work():
        with ExitStack() as connections:
            for _ in range(count):
                connections.enter_context(Client(edge.http)).request("/")
        return count

    assert is_shared(edge, WorkerWord.CONNECTIONS_ACCEPTED, work)


class TestHesitation:
    """A worker beside another one that has no connection."""

    @pytest.fixture
    def other(self, tmp_path):
        own, other = WorkerCounters(tmp_path), WorkerCounters(tmp_path)
        yield other
        own.close()
        other.close()

    @pytest.fixture
    def worker(self, tmp_path, other):
        made = Spread(tmp_path, 1 - other.slot)
        made.refresh()
        return made

    def test_who_has_more_waits(self, worker):
        assert not worker.hesitation(0)
        assert worker.hesitation(1)

    def test_nobody_waits_for_long(self, worker):
        eventually(lambda: not worker.hesitation(1))

    def test_nobody_waits_for_one_that_accepts_no_more(self, worker, other):
        other.set(WorkerWord.DRAINING, 1)
        assert not worker.hesitation(1)

    def test_one_that_has_not_come_is_waited_for_again_when_it_has_accepted_something(self, worker, other):
        eventually(lambda: not worker.hesitation(1))
        assert not worker.hesitation(1)
        other.add(WorkerWord.CONNECTIONS_ACCEPTED, 1)
        assert worker.hesitation(1)

    def test_where_connections_come_by_the_hundred_a_few_more_are_none(self, worker):
        for _ in range(MANY):
            assert not worker.hesitation(0)
        assert not worker.hesitation(FEW)
        assert worker.hesitation(FEW + 1)

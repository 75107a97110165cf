"""Leader election: one leader at a time, also when the API server or the network fails."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from edge.control.api import lease as module
from edge.control.api.lease import Election, Term
from edge.control.api.transport import Transport
from tests.support.fakeapi import FakeAPI, Rules
from tests.support.objects import namespace
from tests.support.waiting import eventually

MICROTIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
QUICK = Term(duration=2, deadline=1.5, retry=0.1)
Stand = Callable[..., Election]


@pytest.fixture
def stand(api: FakeAPI, transport: Transport) -> Iterator[Stand]:
    """Starts a candidate; it is stopped after the test."""
    api.apply(namespace("edge"))
    candidates: list[Election] = []

    def begin(identity: str, *, term: Term = QUICK, **details: Any) -> Election:
        one = Election(transport, namespace="edge", name="leader", identity=identity, term=term, **details)
        candidates.append(one)
        one.start()
        return one

    yield begin
    for one in candidates:
        one.stop()


def spec(api: FakeAPI) -> dict[str, Any]:
    lease = api.store.get("Lease", "edge", "leader")
    assert lease is not None
    found: dict[str, Any] = lease["spec"]
    return found


def test_the_first_candidate_leads(api: FakeAPI, stand: Stand) -> None:
    """Without a Lease, the candidate makes one and is the leader by it."""
    one = stand("one")
    eventually(lambda: one.leads)
    held = spec(api)
    assert (held["holderIdentity"], held["leaseDurationSeconds"], held["leaseTransitions"]) == ("one", 2, 0)
    assert MICROTIME.fullmatch(held["acquireTime"])
    assert MICROTIME.fullmatch(held["renewTime"])


def test_the_lease_is_renewed(api: FakeAPI, stand: Stand) -> None:
    """The leader renews the Lease again and again without reading it; when it was acquired stays in it."""
    one = stand("one")
    eventually(lambda: one.leads)
    before = spec(api)
    eventually(lambda: len(api.seen("update", "leases")) > 5)
    assert one.leads
    after = spec(api)
    assert after["renewTime"] > before["renewTime"]
    assert after["acquireTime"] == before["acquireTime"]
    assert len(api.seen("get", "leases")) == 1


def test_there_is_one_leader(api: FakeAPI, stand: Stand) -> None:
    """Of several candidates one leads, and the others know who it is."""
    candidates = [stand(f"c{number}") for number in range(4)]
    eventually(lambda: any(one.leads for one in candidates))
    leader = spec(api)["holderIdentity"]
    eventually(lambda: all(one.holder == leader for one in candidates))
    assert [one.identity for one in candidates if one.leads] == [leader]


def test_a_clean_exit_hands_over_at_once(api: FakeAPI, stand: Stand) -> None:
    """A leader that stops releases the Lease, and another takes it without waiting for its end."""
    slow = Term(duration=3600, deadline=1800, retry=0.1)
    one = stand("one", term=slow)
    eventually(lambda: one.leads)
    other = stand("other", term=slow)
    eventually(lambda: other.holder == "one")
    one.stop()
    assert not one.leads
    eventually(lambda: other.leads)
    assert spec(api)["leaseTransitions"] == 1


def test_a_dead_leader_is_succeeded(api: FakeAPI, stand: Stand) -> None:
    """The Lease of a leader that is gone is taken after its duration, whatever the times in it say."""
    gone = {
        "holderIdentity": "gone",
        "leaseDurationSeconds": 1,
        "renewTime": "2099-01-01T00:00:00.000000Z",
        "leaseTransitions": 6,
    }
    api.apply({"kind": "Lease", "metadata": {"name": "leader", "namespace": "edge"}, "spec": gone})
    began = time.monotonic()
    one = stand("one")
    eventually(lambda: one.leads)
    assert time.monotonic() - began >= 1
    assert spec(api)["leaseTransitions"] == 7


def test_a_live_foreign_leader_is_left_alone(api: FakeAPI, stand: Stand) -> None:
    """As long as the Lease goes on changing, nobody takes it, though its times are of long ago."""
    one = None
    for number in range(25):
        held = {"holderIdentity": "other", "leaseDurationSeconds": 2, "renewTime": f"2001-01-01T00:00:00.{number:06}Z"}
        api.apply({"kind": "Lease", "metadata": {"name": "leader", "namespace": "edge"}, "spec": held})
        one = one or stand("one")
        time.sleep(0.1)
    assert one is not None
    assert not one.leads
    assert one.holder == "other"
    assert not api.seen("update", "leases")


def test_the_duration_begins_when_the_answer_is_there(api: FakeAPI, stand: Stand) -> None:
    """The holder may have renewed the Lease during a request that takes long."""
    held = {"holderIdentity": "other", "leaseDurationSeconds": 15, "renewTime": "2001-01-01T00:00:00.000000Z"}
    api.apply({"kind": "Lease", "metadata": {"name": "leader", "namespace": "edge"}, "spec": held})
    now = 100.0

    def clock() -> float:
        return now if api.seen("get", "leases") else 90.0

    one = stand("one", term=Term(duration=15, deadline=10, retry=0.01), clock=clock)
    eventually(lambda: len(api.seen("get", "leases")) > 1)
    now = 110.0
    before = len(api.seen("get", "leases"))
    eventually(lambda: len(api.seen("get", "leases")) > before + 3)
    assert spec(api)["holderIdentity"] == "other"
    now = 116.0
    eventually(lambda: one.leads)


def test_an_abandoned_lease_is_taken(api: FakeAPI, stand: Stand) -> None:
    """A Lease without a holder, with or without a spec, is free; what others wrote into it stays."""
    api.apply({"kind": "Lease", "metadata": {"name": "leader", "namespace": "edge", "labels": {"a": "b"}}})
    one = stand("one")
    eventually(lambda: one.leads)
    lease = api.store.get("Lease", "edge", "leader")
    assert lease is not None
    assert lease["metadata"]["labels"] == {"a": "b"}


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "drop"},
        {"action": "status", "code": 500},
        {"action": "status", "code": 409, "reason": "Conflict"},
        {"action": "status", "code": 429, "reason": "TooManyRequests", "retry_after": 1.0},
    ],
)
def test_a_passing_fault_costs_nothing(api: FakeAPI, stand: Stand, fault: dict[str, Any]) -> None:
    """A leader whose renewal fails for less than the deadline is the leader all the time."""
    reported: list[bool] = []
    one = stand("one")
    one.listeners.append(reported.append)
    eventually(lambda: one.leads)
    armed = api.fail(resource="leases", times=2, **fault)
    eventually(lambda: not armed.times)
    before = len(api.seen("update", "leases"))
    eventually(lambda: len(api.seen("update", "leases")) > before + 2)
    assert one.leads
    assert False not in reported


def test_leadership_ends_by_itself(api: FakeAPI, stand: Stand) -> None:
    """When the API server is gone, the leader stops leading within the deadline and says so; later it leads again."""
    reported: list[bool] = []
    one = stand("one")
    one.listeners.append(reported.append)
    eventually(lambda: one.leads)
    api.stop()
    eventually(lambda: not one.leads)
    eventually(lambda: reported and reported[-1] is False)
    assert one.trouble
    api.start()
    eventually(lambda: one.leads and not one.trouble)


@pytest.mark.parametrize(("then", "later"), [(160.0, 160.0), (105.0, 112.0)], ids=["between two tries", "during a try"])
def test_an_end_is_reported_also_where_leadership_begins_again_at_once(
    api: FakeAPI, stand: Stand, then: float, later: float
) -> None:
    """A process that was stopped for a while, or a slow renewal: writers that saw the end wait for the beginning.

    It is THEN, and LATER as soon as the Lease is renewed once more.
    """
    reported: list[bool] = []
    times: tuple[float, float, int] = (100.0, 100.0, 0)

    def clock() -> float:
        now, after, renewals = times
        return after if len(api.seen("update", "leases")) > renewals else now

    one = stand("one", term=Term(duration=15, deadline=10, retry=0.05), clock=clock)
    one.listeners.append(reported.append)
    eventually(lambda: one.leads)
    times = (then, later, len(api.seen("update", "leases")))
    eventually(lambda: reported[-2:] == [False, True])
    assert one.leads


def test_never_two_leaders(api: FakeAPI, stand: Stand) -> None:
    """With renewals that stall, break and come late at random, no two candidates lead at the same moment."""
    candidates = [stand(f"c{number}") for number in range(3)]
    eventually(lambda: any(one.leads for one in candidates))
    actions: list[dict[str, Any]] = [
        {"action": "slow", "seconds": 0.8},
        {"action": "drop"},
        {"action": "status", "code": 500},
        {"action": "slow", "seconds": 1.8},
    ]
    leaders: set[str] = set()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if api.faults.armed() < 3:
            api.fail(resource="leases", times=4, **actions[len(api.requests) % len(actions)])
        leading = [one for one in candidates if one.leads]
        # On a busy machine one may have stopped leading, and the next begun, between two of these looks.
        leading = [one for one in leading if one.leads]
        assert len(leading) <= 1
        leaders.update(one.identity for one in leading)
        time.sleep(0.002)
    assert leaders
    api.faults.clear()
    eventually(lambda: any(one.leads for one in candidates))


def test_a_leader_whose_lease_is_taken_away_yields(api: FakeAPI, stand: Stand) -> None:
    """When another name stands in the Lease, by whatever way it got there, the leader stops at its next renewal."""
    one = stand("one", term=Term(duration=3600, deadline=1800, retry=0.1))
    eventually(lambda: one.leads)
    taken = {"holderIdentity": "usurper", "leaseDurationSeconds": 3600}
    api.apply({"kind": "Lease", "metadata": {"name": "leader", "namespace": "edge"}, "spec": taken})
    eventually(lambda: not one.leads)
    assert one.holder == "usurper"


def test_a_deleted_lease_is_made_again(api: FakeAPI, stand: Stand) -> None:
    """A deleted Lease is created again, and the leader stays the leader."""
    one = stand("one")
    eventually(lambda: one.leads)
    api.remove("Lease", "edge", "leader")
    eventually(lambda: api.store.get("Lease", "edge", "leader"))
    eventually(lambda: one.leads)


def test_wall_clock_does_not_matter(api: FakeAPI, stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """A jump of the wall clock neither ends leadership nor begins it."""
    one = stand("one")
    eventually(lambda: one.leads)
    other = stand("other")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 86_400)
    before = len(api.seen("update", "leases"))
    eventually(lambda: len(api.seen("update", "leases")) > before + 3)
    assert one.leads
    assert not other.leads


def test_forbidden(api: FakeAPI, stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    """Without permission the log names the missing verbs once, and a later grant takes effect."""
    api.rules = Rules([])
    one = stand("one")
    eventually(lambda: len(api.seen(resource="leases")) > 3)
    assert not one.leads
    assert "grant the verbs create, get and update on leases.coordination.k8s.io" in one.trouble
    assert len([record for record in caplog.records if "grant the verbs" in record.message]) == 1
    api.rules = None
    eventually(lambda: one.leads)


def test_no_such_namespace(transport: Transport) -> None:
    """A namespace that does not exist is named."""
    one = Election(transport, namespace="nowhere", name="leader", identity="one", term=QUICK)
    one.start()
    eventually(lambda: 'namespaces "nowhere" not found' in one.trouble)
    one.stop()


def test_a_silent_server_does_not_hold_up_the_end(api: FakeAPI, stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Lease that cannot be released in a moment is left to its end."""
    monkeypatch.setattr(module, "RELEASE_TIMEOUT", 0.2)
    one = stand("one")
    eventually(lambda: one.leads)
    api.fail("stall", verb="update", times=1000)
    over = threading.Event()
    threading.Thread(target=lambda: (one.stop(), over.set()), daemon=True).start()
    assert over.wait(10)
    assert not one.leads


# --- being alone ------------------------------------------------------------------------------------------------------


def test_alone(api: FakeAPI, stand: Stand) -> None:
    """A leader that nobody succeeds finds out that it is alone, and leads on."""
    one = stand("one")
    eventually(lambda: one.leads)
    assert one.is_alone(0.3)
    assert one.leads
    assert spec(api)["holderIdentity"] == "one"


def test_not_alone(stand: Stand) -> None:
    """A leader with a successor finds out that it is not alone, and does not lead any more."""
    one = stand("one")
    eventually(lambda: one.leads)
    other = stand("other")
    eventually(lambda: other.holder == "one")
    assert not one.is_alone(0.5)
    assert not one.leads
    eventually(lambda: other.leads)


def test_who_does_not_lead_is_not_alone(stand: Stand) -> None:
    """Only the leader can find out."""
    one = stand("one")
    eventually(lambda: one.leads)
    assert not stand("other").is_alone(0.3)


def test_the_times_of_a_term_follow_from_its_duration() -> None:
    """In the proportions of client-go, whose defaults are ours."""
    assert Term.of(15.0) == Term()
    assert Term.of(30.0) == Term(30, 20.0, 4.0)

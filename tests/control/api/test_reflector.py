"""List and watch, also when the API server or the network fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import msgspec
import pytest

from edge.control.api import list_watch, reflector
from edge.control.api.backoff import Backoff
from edge.control.api.list_watch import Timing
from edge.control.api.reflector import Reflector
from edge.control.api.transport import Transport
from edge.control.kinds.objects import Key
from edge.control.kinds.resources import INGRESS
from tests.support.fakeapi import FakeAPI, Store
from tests.support.objects import ingress
from tests.support.waiting import eventually


class Mirror:
    """A sink that holds hosts by name and records its calls."""

    def __init__(self) -> None:
        self.hosts: dict[str, str] = {}
        self.told: list[tuple[str, str]] = []
        self.syncs = 0
        self.refusals = 0

    def decode(self, key: Key, raw: msgspec.Raw) -> str:  # noqa: ARG002  # the signature of a sink
        return str(msgspec.json.decode(raw)["spec"]["rules"][0]["host"])

    def put(self, key: Key, value: str) -> None:
        self.told.append(("put", key[1]))
        self.hosts[key[1]] = value

    def drop(self, key: Key) -> None:
        self.told.append(("drop", key[1]))
        del self.hosts[key[1]]

    def synced(self) -> None:
        self.syncs += 1

    def refused(self, times: int) -> None:
        self.refusals = times


Begin = Callable[..., tuple[Reflector[str], Mirror]]


@pytest.fixture
def begin(transport: Transport) -> Iterator[Begin]:
    running: list[Reflector[str]] = []

    def start(
        *, silence: float = 90.0, base: float = 0.02, cap: float = 0.1, **collection: str
    ) -> tuple[Reflector[str], Mirror]:
        mirror = Mirror()
        backoff = Backoff(base=base, cap=cap)
        one = Reflector(
            transport, INGRESS.collection(**collection), mirror, timing=Timing(silence=silence), backoff=backoff
        )
        running.append(one)
        one.start()
        return one, mirror

    yield start
    for one in running:
        one.stop()
        one.join(40)


def follows(api: FakeAPI, mirror: Mirror, name: str = "later") -> None:
    """Assert that a new object arrives."""
    api.apply(ingress(name, host=f"{name}.example"))
    eventually(lambda: mirror.hosts.get(name) == f"{name}.example")


def watching(api: FakeAPI) -> bool:
    return bool(api.watches)


def test_what_exists_is_told_then_synced_once(api: FakeAPI, begin: Begin) -> None:
    """The sink gets the objects that exist at the start before it is in sync."""
    api.apply(ingress("a"), ingress("b"))
    _, mirror = begin()
    eventually(lambda: mirror.syncs)
    assert set(mirror.hosts) == {"a", "b"}
    api.interrupt("error-event")
    follows(api, mirror)
    assert mirror.syncs == 1


def test_changes_are_followed(api: FakeAPI, begin: Begin) -> None:
    """Created, changed and deleted objects arrive one by one."""
    _, mirror = begin()
    eventually(lambda: mirror.syncs)
    api.apply(ingress("a", host="one.example"))
    api.apply(ingress("a", host="two.example"))
    eventually(lambda: mirror.hosts == {"a": "two.example"})
    api.remove("Ingress", "demo", "a")
    eventually(lambda: not mirror.hosts)


def test_long_lists_come_in_pages(api: FakeAPI, begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that is longer than a page is put together from all of its pages."""
    monkeypatch.setattr(list_watch, "PAGE", 3)
    api.apply(*(ingress(f"i{number}") for number in range(10)))
    _, mirror = begin()
    eventually(lambda: mirror.syncs)
    assert len(mirror.hosts) == 10
    assert len(api.seen("list")) == 4


def test_expiry_between_pages_lists_anew(api: FakeAPI, begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 410 for a further page throws the pages away and begins again."""
    monkeypatch.setattr(list_watch, "PAGE", 3)
    api.apply(*(ingress(f"i{number}") for number in range(7)))
    api.fail("status", verb="list", only_continue=True, code=410, reason="Expired")
    _, mirror = begin()
    eventually(lambda: mirror.syncs)
    assert len(mirror.hosts) == 7
    assert mirror.told.count(("put", "i0")) == 1


def test_nothing_is_taken_up_before_the_list_is_whole(
    api: FakeAPI, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a new list fails half-way, what was known before stays as it was."""
    monkeypatch.setattr(list_watch, "PAGE", 3)
    api.apply(*(ingress(f"i{number}") for number in range(7)))
    _, mirror = begin()
    eventually(lambda: mirror.syncs and watching(api))
    before = dict(mirror.hosts)
    mirror.told.clear()
    fault = api.fail("status", verb="list", only_continue=True, code=500, times=1000)
    api.interrupt("error-event")
    eventually(lambda: fault.times < 990)
    assert mirror.hosts == before
    assert not mirror.told
    api.faults.clear()
    follows(api, mirror)


def test_a_new_list_tells_the_difference_alone(api: FakeAPI, begin: Begin) -> None:
    """After 410, objects that did not change are not told again; deleted ones are."""
    api.apply(ingress("same"), ingress("gone"), ingress("changed"))
    _, mirror = begin()
    eventually(lambda: mirror.syncs and watching(api))
    mirror.told.clear()
    fault = api.fail("status", verb="watch", code=410, reason="Expired")
    api.fail("status", verb="list", code=500, times=2)
    api.interrupt("drop")
    eventually(lambda: not fault.times)
    api.remove("Ingress", "demo", "gone")
    api.apply(ingress("changed", host="other.example"))
    eventually(lambda: mirror.hosts.get("changed") == "other.example")
    eventually(lambda: "gone" not in mirror.hosts)
    assert sorted(mirror.told) == [("drop", "gone"), ("put", "changed")]


def test_a_broken_watch_goes_on_where_it_was(api: FakeAPI, begin: Begin) -> None:
    """After a reset the next watch asks for what came after the last event, without a new list."""
    _, mirror = begin()
    eventually(lambda: mirror.syncs)
    follows(api, mirror, "before")
    api.interrupt("drop")
    api.apply(ingress("meanwhile"))
    eventually(lambda: "meanwhile" in mirror.hosts)
    assert len(api.seen("list")) == 1
    assert mirror.told == [("put", "before"), ("put", "meanwhile")]


def test_bookmarks_move_the_version_on(api: FakeAPI, begin: Begin) -> None:
    """A version that came in a bookmark is where the next watch begins, so quiet kinds do not expire."""
    api.bookmark_interval = 0.05
    one, mirror = begin()
    eventually(lambda: mirror.syncs and watching(api))
    for number in range(5):
        api.apply({"kind": "ConfigMap", "metadata": {"name": f"noise{number}", "namespace": "demo"}})
    noisy = str(api.store.version)
    eventually(lambda: one._version == noisy)
    api.interrupt("drop")
    eventually(lambda: api.seen("watch")[-1].query["resourceVersion"] == noisy)
    assert len(api.seen("list")) == 1


@pytest.mark.parametrize("how", ["error-event", "drop", "torn", "end"])
def test_running_watches_break_off(api: FakeAPI, begin: Begin, how: str) -> None:
    """However a running watch ends, changes go on arriving."""
    api.apply(ingress("a"))
    _, mirror = begin()
    eventually(lambda: mirror.syncs and watching(api))
    assert api.interrupt(how) == 1
    follows(api, mirror)
    assert mirror.told.count(("put", "a")) == 1


@pytest.mark.parametrize(
    ("verb", "fault"),
    [
        ("list", {"action": "drop"}),
        ("list", {"action": "status", "code": 500}),
        ("list", {"action": "status", "code": 503, "reason": "ServiceUnavailable"}),
        ("list", {"action": "status", "code": 401, "reason": "Unauthorized"}),
        ("watch", {"action": "drop"}),
        ("watch", {"action": "status", "code": 500}),
        ("watch", {"action": "status", "code": 410, "reason": "Gone"}),
        ("watch", {"action": "status", "code": 504, "reason": "Timeout"}),
        ("watch", {"action": "status", "code": 403, "reason": "Forbidden"}),
        ("watch", {"action": "end"}),
        ("watch", {"action": "error-event"}),
        ("watch", {"action": "garbage"}),
        ("watch", {"action": "torn"}),
    ],
)
def test_failing_requests(api: FakeAPI, begin: Begin, verb: str, fault: dict[str, object]) -> None:
    """Whatever three requests in a row are answered, the fourth is made and all is well."""
    api.apply(ingress("a"))
    api.fail(verb=verb, times=3, **fault)  # type: ignore[arg-type]
    one, mirror = begin()
    eventually(lambda: mirror.syncs)
    follows(api, mirror)
    eventually(lambda: not api.faults.armed())
    follows(api, mirror, "again")
    eventually(lambda: not one.trouble)


def test_torn_line_is_not_lost(api: FakeAPI, begin: Begin) -> None:
    """The event whose line was torn comes whole with the next watch."""
    api.fail("torn", verb="watch")
    _, mirror = begin()
    eventually(lambda: mirror.syncs and watching(api))
    follows(api, mirror)
    assert mirror.told == [("put", "later")]


def test_too_many_requests(api: FakeAPI, begin: Begin) -> None:
    """429 is obeyed: no second request before Retry-After has passed."""
    api.fail("status", verb="list", code=429, reason="TooManyRequests", retry_after=1.0)
    _, mirror = begin()
    eventually(lambda: mirror.syncs)
    first, second = api.seen("list")
    assert second.time - first.time >= 1.0


def test_silent_peer(api: FakeAPI, begin: Begin) -> None:
    """A watch whose peer says nothing any more, and does not close either, is given up for a new one."""
    _, mirror = begin(silence=1.0)
    eventually(lambda: mirror.syncs and watching(api))
    api.interrupt("stall")
    follows(api, mirror)


def test_server_restart(api: FakeAPI, begin: Begin) -> None:
    """When the server goes away and comes back with no memory of versions, the difference is found."""
    api.apply(ingress("a"), ingress("b"))
    _, mirror = begin()
    eventually(lambda: mirror.syncs)
    api.stop()
    api.remove("Ingress", "demo", "a")
    api.store.compact()
    time.sleep(0.2)
    assert set(mirror.hosts) == {"a", "b"}
    api.start()
    eventually(lambda: set(mirror.hosts) == {"b"})
    follows(api, mirror)
    assert mirror.told.count(("put", "b")) == 1


def test_a_cluster_that_was_restored(api: FakeAPI, begin: Begin) -> None:
    """When the server comes back with an older state, that is taken up; its versions may stand for something else."""
    api.apply(ingress("b", host="new.example"), ingress("a"))
    _, mirror = begin()
    eventually(lambda: mirror.syncs)
    api.stop()
    api.store = Store()
    api.apply(ingress("b", host="old.example"))
    api.start()
    eventually(lambda: mirror.hosts == {"b": "old.example"})
    follows(api, mirror)


def test_the_first_answer_after_a_silence_wakes_all_watches(
    api: FakeAPI, begin: Begin, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a silence of the API server, the first answer to any request ends all waits."""
    monkeypatch.setattr("edge.control.api.transport.SILENCE", 0.2)
    api.apply(ingress("a"))
    api.fail("drop", times=3)
    one, mirror = begin(base=3600.0, cap=3600.0)
    eventually(lambda: one.trouble)
    time.sleep(0.3)
    api.faults.clear()
    transport.request("GET", "/api/v1/services")
    eventually(lambda: mirror.hosts)


def test_a_server_that_wants_to_be_left_alone_is(
    api: FakeAPI, begin: Begin, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Retry-After counts, though other requests are answered."""
    monkeypatch.setattr("edge.control.api.transport.SILENCE", 0.0)
    api.fail("status", verb="list", resource="ingresses", code=429, retry_after=1)
    one, _ = begin()
    eventually(lambda: one.trouble)
    transport.request("GET", "/api/v1/services")
    eventually(lambda: len(api.seen("list", "ingresses")) == 2)
    first, second = api.seen("list", "ingresses")
    assert second.time - first.time >= 1


def test_watches_that_end_at_once_are_no_hot_loop(api: FakeAPI, begin: Begin) -> None:
    """A server that ends every watch politely and at once is asked less and less often."""
    api.fail("end", verb="watch", times=10_000)
    begin(base=0.2, cap=10.0)
    time.sleep(1.5)
    assert len(api.seen("watch")) < 15


def test_forbidden(api: FakeAPI, begin: Begin, caplog: pytest.LogCaptureFixture) -> None:
    """403 is reported to the sink and logged once, naming verb and resource; a later grant takes effect."""
    fault = api.fail("status", verb="list", code=403, reason="Forbidden", times=6)
    one, mirror = begin()
    eventually(lambda: mirror.refusals >= 5)
    assert "grant the verb list on ingresses.networking.k8s.io" in one.trouble
    eventually(lambda: not fault.times and mirror.syncs)
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    assert one.refusals == 0


def test_an_error_of_ours_is_not_the_end(
    api: FakeAPI, begin: Begin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When the sink raises an unexpected error, all objects are sent again and the log says so."""
    api.apply(ingress("same"), ingress("gone"))
    _, mirror = begin()
    eventually(lambda: mirror.syncs and watching(api))
    put, failing = Mirror.put, [True, True]

    def fails(self: Mirror, key: Key, value: str) -> None:
        if failing:
            failing.pop()
            raise ZeroDivisionError
        put(self, key, value)

    monkeypatch.setattr(Mirror, "put", fails)
    api.apply(ingress("changed"))
    api.remove("Ingress", "demo", "gone")
    eventually(lambda: set(mirror.hosts) == {"same", "changed"})
    follows(api, mirror)
    assert caplog.text.count("internal error; listing again") == 2


def test_a_watch_that_held_clears_the_slate(api: FakeAPI, begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """However a watch ends that has held for a while, failures from before it do not delay the next one."""
    monkeypatch.setattr(reflector, "HEALTHY", 0.1)
    api.fail("status", verb="list", code=500, times=3)
    one, mirror = begin()
    eventually(lambda: mirror.syncs and watching(api))
    time.sleep(0.5)
    api.interrupt("drop")
    eventually(lambda: len(api.seen("watch")) == 2)
    assert one._backoff.failures == 1


def test_wall_clock_does_not_matter(api: FakeAPI, begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A jump of the wall clock neither ends a watch nor delays the next one."""
    _, mirror = begin()
    eventually(lambda: mirror.syncs and watching(api))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 86_400)
    api.interrupt("drop")
    follows(api, mirror)


def test_selectors_and_namespace(api: FakeAPI, begin: Begin) -> None:
    """A collection may be one namespace, and one name in it."""
    api.apply(ingress("a", namespace="one"), ingress("b", namespace="one"), ingress("a", namespace="two"))
    _, mirror = begin(namespace="one", name="b")
    eventually(lambda: mirror.syncs)
    assert set(mirror.hosts) == {"b"}
    assert api.seen("list")[0].path.endswith("/namespaces/one/ingresses")


def test_stop_ends_a_waiting_watch(api: FakeAPI, begin: Begin) -> None:
    """`stop` does not wait for the watch to say something."""
    api.bookmark_interval = 60
    one, mirror = begin()
    eventually(lambda: mirror.syncs and watching(api))
    one.stop()
    one.join(40)
    assert not any(thread.name == f"watch {INGRESS.resource}" for thread in threading.enumerate())

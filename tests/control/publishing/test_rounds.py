"""When the compiler's thread publishes, and when it must not."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.control.compiling.compiler import Compiler
from edge.control.compiling.dns_names import Resolution
from edge.control.kinds.changes import Change, Delete, Synced, Upsert
from edge.control.kinds.objects import ObjectId
from edge.control.publishing import default_certificate, rounds
from edge.control.publishing.publisher import Publisher
from edge.control.publishing.resolver import Resolver
from edge.control.publishing.rounds import Kept, Resolved, Rounds, guarded
from edge.control.publishing.state import Round, State
from edge.settings import Settings
from edge.table.reader import TableReader
from edge.table.records import DEFAULT_CERTIFICATE, TICKETS, Certificate, Host, ServicePort, TicketKeys
from edge.table.writer import TableWriter
from tests.support import objects
from tests.support.waiting import eventually
from tests.support.world import Manifest, taken

KINDS = ("IngressClass", "Ingress", "Service", "EndpointSlice")


class Quiet:
    """A source that says what the test says."""

    def __init__(self, *, by_need: bool) -> None:
        self.by_need = by_need
        self.kinds = frozenset((*KINDS, "Secret", "ConfigMap"))
        self.wants: list[tuple[frozenset[ObjectId], bool]] = []

    def start(self) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""

    def want(self, names: frozenset[ObjectId], *, settled: bool) -> None:
        self.wants.append((names, settled))

    def unsynced(self) -> tuple[str, ...]:
        return ()


class Running:
    """Rounds in a thread of their own."""

    def __init__(
        self,
        directory: Path,
        *,
        sync_timeout: float = 60.0,
        by_need: bool = False,
        look: Callable[[str], tuple[str, ...]] | None = None,
        kept: Kept | None = None,
    ) -> None:
        self.messages: rounds.Messages = queue.SimpleQueue()
        self.source = Quiet(by_need=by_need)
        self.writer = TableWriter(directory)
        self.state = State()
        self.heard: list[Round] = []
        self.state.listeners.append(self.heard.append)
        self.resolver = Resolver(lambda name: self.messages.put(Resolved(name)), look=look)
        self.rounds = Rounds(
            self.messages,
            self.source,
            compiler=Compiler(Settings(), names=self.resolver, by_need=by_need),
            publisher=Publisher(self.writer, self.state),
            resolver=self.resolver,
            state=self.state,
            kept=kept or Kept(None, default_certificate.generate(time.time())),
            sync_timeout=sync_timeout,
        )
        self.reader = TableReader(directory)
        self.thread = threading.Thread(target=self.rounds.run, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.rounds.stop()
        self.thread.join(40)
        assert not self.thread.is_alive()
        self.resolver.stop()
        self.writer.close()

    def tell(self, *changes: Change | Manifest) -> None:
        for change in changes:
            self.messages.put(Upsert(taken(change)) if isinstance(change, dict) else change)

    def sync(self, *kinds: str) -> None:
        self.tell(*(Synced(kind) for kind in kinds or (*KINDS, "Secret", "ConfigMap")))

    def host(self, name: str = "web.example") -> Host | None:
        self.reader.reopen()
        return self.reader.routes.get(name, Host)

    def has_published(self) -> bool:
        """Whether web.example is in the table and the round is over, so that the state knows of it too."""
        return self.host() is not None and bool(self.heard)

    def addresses(self, name: str = "web") -> list[str]:
        self.reader.reopen()
        record = self.reader.endpoints.get(f"demo/{name}:80", ServicePort)
        return [one.address for one in record.endpoints] if record is not None else []


Start = Callable[..., Running]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[Running] = []

    def begin(**options: object) -> Running:
        running.append(Running(tmp_path, **options))  # type: ignore[arg-type]
        return running[-1]

    yield begin
    for one in running:
        if one.thread.is_alive():
            one.close()


WEB = (objects.ingress_class(), objects.ingress(), objects.service(), objects.endpoints("web", "10.0.0.1"))


def beats(one: Running, count: int = 3) -> None:
    """Wait until the thread has gone round some times."""
    for _ in range(count):
        before = one.state.beat
        one.tell(objects.namespace("x"))
        eventually(lambda before=before: one.state.beat > before)  # type: ignore[misc]


def test_nothing_is_published_before_everything_has_been_told(start: Start) -> None:
    one = start()
    one.tell(*WEB)
    one.sync(*KINDS, "Secret")
    beats(one)
    assert one.writer.generation == 0
    one.sync("ConfigMap")
    eventually(one.has_published)
    assert one.state.publications == 1


def test_a_change_is_published_when_it_comes(start: Start) -> None:
    one = start()
    one.tell(*WEB)
    one.sync()
    eventually(one.host)
    one.tell(objects.endpoints("web", "10.0.0.2"))
    eventually(lambda: one.addresses() == ["10.0.0.2"])
    one.tell(Delete("Ingress", "demo", "web"))
    eventually(lambda: one.host() is None)


def test_a_burst_costs_few_publications_and_ends_with_the_last_state(start: Start) -> None:
    one = start()
    one.tell(*WEB)
    one.sync()
    eventually(one.host)
    one.tell(*(objects.endpoints("web", f"10.0.{number // 250}.{number % 250}") for number in range(1, 3000)))
    eventually(lambda: one.addresses() == ["10.0.11.249"])
    assert one.state.publications < 100


def test_a_resync_without_differences_publishes_nothing_and_tells_nobody(start: Start) -> None:
    one = start()
    one.tell(*WEB)
    one.sync()
    eventually(one.has_published)
    heard, generation = len(one.heard), one.writer.generation
    one.tell(*WEB)
    beats(one)
    assert (len(one.heard), one.writer.generation) == (heard, generation)


def test_after_the_sync_timeout_what_is_there_is_published(start: Start) -> None:
    one = start(sync_timeout=0.1)
    one.tell(*WEB)
    one.sync("Ingress", "IngressClass")
    eventually(one.host)
    one.tell(objects.endpoints("web", "10.0.0.7"))
    eventually(lambda: one.addresses() == ["10.0.0.7"])


def test_what_comes_after_the_sync_timeout_is_taken_up_as_if_it_had_come_before(start: Start) -> None:
    """The source hears that the first needs are all there are, or Secrets would never be called synced."""
    one = start(sync_timeout=0.1, by_need=True)
    one.tell(objects.ingress(secret="tls"))
    one.sync("IngressClass", "Ingress")
    eventually(lambda: one.reader.reopen() or one.reader.generation)
    eventually(lambda: one.source.wants)
    assert not any(settled for _, settled in one.source.wants)
    one.sync("Service", "EndpointSlice")
    eventually(lambda: one.source.wants[-1][1])


def test_but_not_while_no_ingress_could_be_read(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "BEAT", 0.01)
    one = start(sync_timeout=0.0)
    one.sync("Service")
    beats(one, 5)
    assert one.writer.generation == 0


def test_a_table_in_force_is_not_replaced_before_everything_has_been_told(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "BEAT", 0.01)
    first = start()
    first.tell(*WEB)
    first.sync()
    eventually(first.host)
    first.close()
    second = start(sync_timeout=0.0)
    second.tell(objects.ingress_class())
    second.sync("Ingress", "IngressClass", "Service")
    beats(second, 5)
    assert second.state.own_table is False
    assert second.host() is not None
    second.tell(*WEB)
    second.sync()
    eventually(lambda: second.state.own_table)
    assert second.addresses() == ["10.0.0.1"]


def test_needed_secrets_are_asked_for_when_the_rest_is_there_and_waited_for(start: Start) -> None:
    one = start(by_need=True)
    one.tell(*WEB, objects.ingress(secret="tls"))
    one.sync(*KINDS)
    wanted = frozenset({ObjectId("Secret", "demo", "tls")})
    eventually(lambda: (wanted, True) in one.source.wants)
    assert all(names == wanted for names, settled in one.source.wants if settled)
    beats(one)
    assert one.writer.generation == 0
    one.tell(Delete("Secret", "demo", "tls"))
    one.sync("Secret", "ConfigMap")
    eventually(one.has_published)
    assert [report.problem.reason for report in one.state.reports()] == ["MissingSecret"]


def test_needs_that_change_later_are_told(start: Start) -> None:
    one = start(by_need=True)
    one.tell(*WEB)
    one.sync()
    eventually(one.host)
    one.tell(objects.ingress(secret="tls"))
    eventually(lambda: one.source.wants[-1] == (frozenset({ObjectId("Secret", "demo", "tls")}), True))
    told = len(one.source.wants)
    one.tell(objects.endpoints("web", "10.0.0.2"))
    eventually(lambda: one.addresses() == ["10.0.0.2"])
    assert len(one.source.wants) == told


def external(name: str = "web") -> Manifest:
    return objects.service(name, type="ExternalName", externalName="target.example")


def test_the_first_table_waits_for_names_to_be_resolved(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "NAMES_PATIENCE", 60.0)
    answer = threading.Event()

    def look(name: str) -> tuple[str, ...]:
        assert name == "target.example"
        answer.wait(40)
        return ("192.0.2.1",)

    one = start(look=look)
    one.tell(objects.ingress_class(), objects.ingress(), external())
    one.sync()
    eventually(lambda: one.resolver._names)
    beats(one)
    assert one.writer.generation == 0
    answer.set()
    eventually(one.host)
    assert one.addresses() == ["192.0.2.1"]


def test_and_for_the_compiler_to_hear_of_the_answer(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver knows an answer a moment before the compiler does: a table of that moment would lack it."""
    monkeypatch.setattr(rounds, "NAMES_PATIENCE", 60.0)
    one = start(look=lambda _: ("192.0.2.1",))
    tell, heard = one.resolver._on_change, threading.Event()
    monkeypatch.setattr(one.resolver, "_on_change", lambda name: heard.wait(40) and tell(name))
    one.tell(objects.ingress_class(), objects.ingress(), external())
    one.sync()
    eventually(lambda: one.resolver.look_up("target.example"))
    beats(one)
    assert one.writer.generation == 0
    heard.set()
    eventually(one.host)
    assert one.addresses() == ["192.0.2.1"]


def test_but_not_for_long(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "NAMES_PATIENCE", 0.0)
    answer = threading.Event()
    one = start(look=lambda _: ("192.0.2.1",) if answer.wait(40) else ())
    one.tell(objects.ingress_class(), objects.ingress(), external())
    one.sync()
    eventually(one.host)
    assert one.resolver.look_up("target.example") is None
    answer.set()
    eventually(lambda: one.addresses() == ["192.0.2.1"])
    assert one.resolver.look_up("target.example") == Resolution(("192.0.2.1",))


def test_the_first_table_has_ticket_keys_and_a_certificate(start: Start) -> None:
    one = start()
    one.sync()
    eventually(lambda: one.state.generation)
    one.reader.reopen()
    keys = one.reader.tls.get(TICKETS, TicketKeys)
    assert keys is not None
    assert len(keys.keys) == 1
    assert one.reader.tls.get(DEFAULT_CERTIFICATE, Certificate) is not None


def test_they_go_on_from_an_earlier_control_plane(start: Start) -> None:
    kept = Kept(TicketKeys((b"k" * 80,), time.time()), default_certificate.generate(time.time()))
    one = start(kept=kept)
    one.sync()
    eventually(lambda: one.state.generation)
    one.reader.reopen()
    assert one.reader.tls.get(TICKETS, TicketKeys) == kept.tickets
    assert one.reader.tls.get(DEFAULT_CERTIFICATE, Certificate) == kept.certificate


def test_a_publication_that_failed_is_tried_again_by_itself(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.control.publishing.publisher.RETRY", 0.02)
    one = start()
    monkeypatch.setattr("os.posix_fallocate", _refuse)
    one.tell(*WEB)
    one.sync()
    eventually(lambda: one.state.failures > 2)
    assert one.writer.generation == 0
    monkeypatch.undo()
    eventually(one.has_published)
    assert one.state.failure == ""


def _refuse(*_: int) -> None:
    raise OSError(28, "No space left on device")


def test_what_is_raised_in_the_thread_is_logged_and_told(caplog: pytest.LogCaptureFixture) -> None:
    failed: list[bool] = []

    def work() -> None:
        raise RuntimeError("a mistake of ours")

    guarded(work, lambda: failed.append(True))()
    assert failed == [True]
    assert "a mistake of ours" in caplog.text

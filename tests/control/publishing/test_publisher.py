"""Publishing compiled records to the table and the state, also without room."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

import pytest

from edge.control.compiling.delta import Delta
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import error
from edge.control.publishing.publisher import Publisher
from edge.control.publishing.state import Round, State
from edge.table.reader import TableReader
from edge.table.records import Host, ServicePort
from edge.table.writer import TableWriter
from tests.support import objects
from tests.support.world import taken

WEB = ObjectId("Ingress", "demo", "web")
PROBLEM = error("MissingService", "spec", "is missing")


class Setup:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.writer = TableWriter(directory)
        self.state = State()
        self.publisher = Publisher(self.writer, self.state)
        self.rounds: list[Round] = []
        self.state.listeners.append(self.rounds.append)

    def publish(self, *hosts: str, **parts: object) -> bool:
        delta = Delta(routes={name: Host(name) for name in hosts})
        for name, value in parts.items():
            setattr(delta, name, value)
        self.publisher.add(delta)
        return self.publisher.publish({"Ingress": len(hosts)})


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


def test_what_is_published_is_in_the_table_and_in_the_state(setup: Setup) -> None:
    assert setup.publish("web.example")
    assert TableReader(setup.directory).routes.get("web.example", Host) == Host("web.example")
    state = setup.state
    assert [host.name for host in state.hosts()] == ["web.example"]
    assert (state.generation, state.publications, state.own_table) == (1, 1, True)
    assert state.published > 0
    assert state.objects() == {"Ingress": 1}


def test_tables_with_other_routes_are_counted_apart(setup: Setup) -> None:
    setup.publish("web.example")
    setup.publish(endpoints={"demo/web:80": ServicePort("demo", "web", 80)})
    assert (setup.state.publications, setup.state.reroutings) == (2, 1)
    setup.publish("shop.example")
    assert (setup.state.publications, setup.state.reroutings) == (3, 2)


def test_listeners_hear_what_a_round_changed(setup: Setup) -> None:
    ingress = taken(objects.ingress())
    setup.publish(served={WEB: ingress}, problems={WEB: ("uid", (PROBLEM,))})
    setup.publish("web.example", problems={WEB: ("uid", ())})
    first, second = setup.rounds
    assert first.served == {WEB: ingress}
    assert [(one.object, one.uid, one.problem) for one in first.appeared] == [(WEB, "uid", PROBLEM)]
    assert (second.appeared, [one.problem for one in second.gone]) == ((), [PROBLEM])
    assert (first.generation, second.generation) == (1, 2)


def test_a_problem_that_is_found_again_is_not_told_again(setup: Setup) -> None:
    setup.publish(problems={WEB: ("uid", (PROBLEM,))})
    setup.publish("web.example", problems={WEB: ("uid", (PROBLEM,))})
    assert setup.rounds[1].appeared == ()
    assert len(setup.state.reports()) == 1


def test_a_round_without_anything_tells_nobody_and_publishes_nothing(setup: Setup) -> None:
    setup.publish("web.example")
    assert setup.publish()
    assert len(setup.rounds) == 1
    assert setup.state.generation == 1


def test_the_same_records_again_are_no_publication(setup: Setup) -> None:
    setup.publish("web.example")
    setup.publish("web.example")
    assert setup.state.publications == 1


def test_the_generation_of_an_earlier_control_plane_is_known_before_the_first_publication(setup: Setup) -> None:
    setup.publish("web.example")
    setup.writer.close()
    state = State()
    Publisher(TableWriter(setup.directory), state)
    assert (state.generation, state.own_table) == (1, False)
    assert state.published > 0


def test_a_full_file_system_is_told_once_and_all_is_published_later(
    setup: Setup, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    setup.publish("old.example")
    real = os.posix_fallocate

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    many = [f"{'x' * 200}{number}.example" for number in range(500)]
    assert not setup.publish(*many)
    assert not setup.publish("late.example", problems={WEB: ("", (PROBLEM,))})
    assert "no space left" in setup.state.failure
    assert setup.state.failures == 2
    assert setup.publisher.retry_due is not None
    assert [host.name for host in setup.state.hosts()] == ["old.example"]
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1
    monkeypatch.setattr(os, "posix_fallocate", real)
    assert setup.publish()
    assert setup.state.failure == ""
    assert setup.publisher.retry_due is None
    assert len(setup.state.hosts()) == 502
    assert [one.problem for one in setup.rounds[-1].appeared] == [PROBLEM]
    assert "can be published again" in caplog.text

"""Server-sent events of the admin port, over real connections."""

import http.client
import json
import threading

import pytest

from edge.control.serving import bounded_server
from edge.control.serving.view import events, samples
from tests.support import objects
from tests.support.admin import Admin
from tests.support.waiting import eventually


class Listener:
    """A client of /api/events."""

    def __init__(self, admin):
        self.connection = http.client.HTTPConnection(*admin.address, timeout=40)
        self.connection.request("GET", "/api/events")
        self.response = self.connection.getresponse()

    def line(self):
        return self.response.readline()

    def next(self, wanted):
        """The data of the next event of this name."""
        name = ""
        while line := self.line():
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data" and name == wanted:
                return json.loads(value)
        raise AssertionError(f"no event {wanted}")

    def close(self):
        self.connection.close()
        self.response.close()


@pytest.fixture
def admin(tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "INTERVAL", 0.1)
    monkeypatch.setattr(bounded_server, "POLL", 0.02)
    with Admin(tmp_path) as admin:
        yield admin


def makers():
    return [thread for thread in threading.enumerate() if thread.name == "events"]


def test_the_overview_comes_at_once_and_with_each_sample(admin):
    listener = Listener(admin)
    assert listener.response.status == 200
    assert listener.response.headers["Content-Type"] == "text/event-stream"
    first, second = listener.next("overview"), listener.next("overview")
    assert first["version"] == second["version"]
    third = listener.next("overview")
    assert third["sample"]["time"] > first["now"] - 60
    assert set(third["sample"]) == {"time", "rate", "error_ratio", "p50", "p95", "p99", "connections", "cpu"}
    listener.close()


def test_changes_and_problems_come_when_there_are_some(admin):
    listener = Listener(admin)
    listener.next("overview")
    admin.apply(objects.ingress())
    assert listener.next("problems") == {"errors": 1, "warnings": 0}
    listener.close()
    listener = Listener(admin)
    listener.next("overview")
    admin.apply(objects.service(), objects.endpoints("web", "10.0.0.1"))
    changes = listener.next("changes")["changes"]
    assert "demo/web:80" in changes[-1]["touched"]["services"]["first"]
    listener.close()


def test_without_news_a_comment_comes(admin, monkeypatch):
    monkeypatch.setattr(events, "HEARTBEAT", 0.05)
    listener = Listener(admin)
    listener.next("overview")
    assert any(listener.line().startswith(b":") for _ in range(1000))
    listener.close()


def test_nothing_is_made_while_nobody_listens(admin, monkeypatch):
    made = []
    now = admin.server.api.overview.now
    monkeypatch.setattr(admin.server.api.overview, "now", lambda: made.append(1) or now())
    listener = Listener(admin)
    listener.next("overview")
    assert made
    listener.close()
    eventually(lambda: not makers())
    made.clear()
    taken = len(admin.server.api.samples.all())
    eventually(lambda: len(admin.server.api.samples.all()) > taken + 3)
    assert not made


def test_clients_are_bounded_and_one_that_leaves_makes_room(admin):
    listeners = [Listener(admin) for _ in range(events.MOST)]
    for listener in listeners:
        listener.next("overview")
    assert admin.get("/api/events", 503)["error"]
    listeners.pop().close()
    assert eventually(lambda: Listener(admin).response.status == 200)
    assert len(makers()) == 1
    for listener in listeners:
        listener.close()


def test_one_that_has_fallen_behind_is_disconnected(admin):
    stream = admin.server.api.events
    assert stream.join()
    slow = stream.stream()
    next(slow)
    for _ in range(200):
        stream.sampled()
        eventually(lambda: "overview" not in stream._due)
    assert list(slow) == []
    stream.leave()


def test_the_end_of_the_server_ends_the_answer(tmp_path):
    with Admin(tmp_path) as admin:
        listener = Listener(admin)
        listener.next("overview")
    while listener.line():
        pass
    listener.close()

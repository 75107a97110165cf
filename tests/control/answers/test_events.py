"""Problems are reported as Events of their object: once, by one instance, within limits."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from edge.control.answers import events as module
from edge.control.answers.event_objects import Subject, event_name, shortened
from edge.control.compiling.delta import Delta
from edge.control.kinds.objects import ObjectId
from edge.control.kinds.problems import Problem, error, warning
from tests.control.conftest import Instance, Instances
from tests.support.fakeapi import FakeAPI, Rules
from tests.support.objects import ingress, ingress_class
from tests.support.waiting import eventually

MISSING = error("ServiceNotFound", "spec.rules[0].http.paths[0].backend.service.name", "there is no Service web")
LAX = warning("UnknownAnnotation", "metadata.annotations[edge/x]", "there is no such annotation")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Problems settle quickly."""
    monkeypatch.setattr(module, "SETTLE", 0.1)


def events(api: FakeAPI, name: str = "web", kind: str = "Warning") -> list[dict[str, Any]]:
    """The Events of the Ingress."""
    found = [one for one in api.store.all("Event") if one["regarding"]["name"] == name]
    return [one for one in found if one["type"] == kind]


def writes(api: FakeAPI) -> int:
    return len(api.seen("create", "events")) + len(api.seen("patch", "events"))


def settled(one: Instance, api: FakeAPI) -> None:
    """Wait until all earlier Events have been written: they are written in the order of their problems."""
    mark = error("Mark", "", str(time.monotonic()))
    api.apply(ingress("mark", namespace="marks"))
    one.problems("mark", mark, namespace="marks")
    eventually(lambda: [event for event in events(api, "mark") if event["note"] == mark.message])
    one.problems("mark", namespace="marks")


def test_a_problem_becomes_an_event(api: FakeAPI, instance: Instances) -> None:
    """Each problem is one Warning about the Ingress, with all fields that the API server asks for."""
    api.apply(ingress())
    one = instance()
    one.problems("web", MISSING, LAX)
    eventually(lambda: len(events(api)) == 2)
    stored = api.store.get("Ingress", "demo", "web")
    assert stored is not None
    event = next(event for event in events(api) if event["reason"] == "ServiceNotFound")
    assert event["note"] == f"{MISSING.field}: there is no Service web"
    assert event["regarding"] == {
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "namespace": "demo", "name": "web",
        "uid": stored["metadata"]["uid"],
    }  # fmt: skip
    assert event["metadata"]["namespace"] == "demo"
    assert event["reportingController"] == "edge.ingress/controller"
    assert event["reportingInstance"]
    assert event["action"] == "Translate"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event["eventTime"])
    assert "series" not in event


def test_first_served(api: FakeAPI, instance: Instances) -> None:
    """An Ingress that is served for the first time gets one Normal, and none when it changes."""
    api.apply(ingress())
    one = instance()
    one.serve("web")
    eventually(lambda: events(api, kind="Normal"))
    api.apply(ingress(host="other.example"))
    one.serve("web")
    settled(one, api)
    (event,) = events(api, kind="Normal")
    assert event["reason"] == "Sync"
    assert not events(api)


def test_no_sync_events_where_they_are_not_wanted(api: FakeAPI, instance: Instances) -> None:
    """Problems have their Events all the same."""
    api.apply(ingress())
    one = instance(disable_sync_events=True)
    one.serve("web")
    one.problems("web", MISSING)
    settled(one, api)
    assert not events(api, kind="Normal")
    assert [event["reason"] for event in events(api)] == ["ServiceNotFound"]


def test_served_long_ago(api: FakeAPI, instance: Instances) -> None:
    """When a control plane starts, Ingresses that have been there for long are not told of as if they were new."""
    api.apply(ingress("old", creationTimestamp="2020-01-01T00:00:00Z"), ingress("new"))
    one = instance()
    one.serve("old", "new")
    eventually(lambda: events(api, "new", kind="Normal"))
    assert not events(api, "old", kind="Normal")
    api.apply(ingress("older", creationTimestamp="2019-01-01T00:00:00Z"))
    one.serve("older")  # of another class until now
    eventually(lambda: events(api, "older", kind="Normal"))


def test_a_passing_problem_is_not_told(api: FakeAPI, instance: Instances) -> None:
    """A problem that is over before it has settled leaves no trace."""
    api.apply(ingress())
    one = instance()
    eventually(one.leads)
    one.problems("web", MISSING)
    one.problems("web")
    settled(one, api)
    assert not events(api)


def test_nothing_is_repeated(api: FakeAPI, instance: Instances) -> None:
    """The same problem found again, by a resync or after other changes of the object, makes one Event."""
    api.apply(ingress())
    one = instance()
    one.problems("web", MISSING)
    eventually(lambda: events(api))
    one.problems("web", MISSING, LAX)
    eventually(lambda: len(events(api)) == 2)
    one.problems("web", MISSING)
    settled(one, api)
    assert not api.seen("patch", "events")
    assert len([request for request in api.seen("create", "events") if request.namespace == "demo"]) == 2


def test_a_problem_that_comes_back(api: FakeAPI, instance: Instances, monkeypatch: pytest.MonkeyPatch) -> None:
    """A problem that was mended and is there again is one more in the series of its Event."""
    monkeypatch.setattr(module, "QUIET", 0.2)
    api.apply(ingress())
    one = instance()
    assert one.cluster.events is not None
    known = one.cluster.events._written
    for times in (1, 2, 3):
        one.problems("web", MISSING)
        eventually(lambda times=times: events(api) and events(api)[0].get("series", {}).get("count", 1) == times)
        eventually(lambda: [told.over for told in known.values()] == [False])  # the write is over for us too
        one.problems("web")
        eventually(lambda: [told.over for told in known.values()] == [True])
    (event,) = events(api)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event["series"]["lastObservedTime"])
    assert event["series"]["lastObservedTime"] > event["eventTime"]


def test_a_flapping_problem_is_quiet(api: FakeAPI, instance: Instances) -> None:
    """A problem that comes and goes all the time is not written each time."""
    api.apply(ingress())
    one = instance()
    one.problems("web", MISSING)
    eventually(lambda: events(api))
    for _ in range(20):
        one.problems("web")
        one.problems("web", MISSING)
    time.sleep(0.3)
    assert not api.seen("patch", "events")


def test_a_lasting_problem_is_not_forgotten(api: FakeAPI, instance: Instances, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the API server drops the Event of a problem that lasts, it is renewed; that of a mended one is not."""
    monkeypatch.setattr(module, "QUIET", 0.2)
    monkeypatch.setattr(module, "REFRESH", 0.3)
    api.apply(ingress("lasting"), ingress("mended"))
    one = instance()
    one.problems("lasting", MISSING)
    one.problems("mended", MISSING)
    eventually(lambda: events(api, "lasting") and events(api, "mended"))
    one.problems("mended")
    eventually(lambda: events(api, "lasting")[0].get("series", {}).get("count", 0) >= 3)
    assert "series" not in events(api, "mended")[0]


def test_an_event_that_has_expired_is_made_anew(
    api: FakeAPI, instance: Instances, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A problem that comes back when its Event is no longer there gets a new one."""
    monkeypatch.setattr(module, "QUIET", 0.0)
    api.apply(ingress())
    one = instance()
    one.problems("web", MISSING)
    eventually(lambda: events(api))
    settled(one, api)
    api.remove("Event", "demo", events(api)[0]["metadata"]["name"])
    one.problems("web")
    settled(one, api)
    one.problems("web", MISSING)
    eventually(lambda: events(api))


# --- who --------------------------------------------------------------------------------------------------------------


def test_only_the_leader_tells(api: FakeAPI, instance: Instances) -> None:
    """Of two instances one tells; what the next leader tells again meets the Event that is there."""
    api.apply(ingress())
    first = instance()
    eventually(first.leads)
    second = instance()
    for one in (first, second):
        one.serve("web")
        one.problems("web", MISSING)
    eventually(lambda: events(api) and events(api, kind="Normal"))
    assert writes(api) == 2
    first.stop()
    api.apply(ingress("other"))
    second.problems("other", MISSING)
    eventually(lambda: events(api, "other"))
    eventually(lambda: not second.cluster.events._due)  # type: ignore[union-attr]
    (event,) = events(api)
    assert "series" not in event
    assert len(events(api, kind="Normal")) == 1


def test_a_restart_tells_nothing_twice(api: FakeAPI, instance: Instances) -> None:
    """A control plane that is restarted finds the same problems and writes no further Event for them."""
    api.apply(ingress())
    for _ in range(3):
        one = instance()
        one.serve("web")
        one.problems("web", MISSING)
        settled(one, api)
        one.stop()
    assert len(events(api)) == len(events(api, kind="Normal")) == 1
    assert "series" not in events(api)[0]
    assert not api.seen("patch", "events")


def test_problems_that_are_there_before_the_election(api: FakeAPI, instance: Instances) -> None:
    """A problem found while another instance led gets its Event from the next leader, if it has none."""
    api.apply(ingress())
    taken = {"holderIdentity": "gone", "leaseDurationSeconds": 1}
    api.apply({"kind": "Lease", "metadata": {"name": "edge-ingress-leader", "namespace": "edge"}, "spec": taken})
    one = instance()
    one.problems("web", MISSING)
    one.serve("web")
    eventually(lambda: events(api) and events(api, kind="Normal"))
    assert one.leads()


def test_switched_off(api: FakeAPI, instance: Instances) -> None:
    """With --no-events none is written."""
    api.apply(ingress())
    one = instance(events=False)
    eventually(one.leads)
    one.problems("web", MISSING)
    time.sleep(0.3)
    assert not writes(api)


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_many_problems_of_one_object(api: FakeAPI, instance: Instances, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number of problems the rest is counted in one Event, errors before warnings."""
    monkeypatch.setattr(module, "SEVERAL", 3)
    api.apply(ingress())
    one = instance()
    many = [warning("Odd", f"spec.rules[{number}]", "odd") for number in range(9)]
    one.problems("web", *many, MISSING)
    eventually(lambda: len(events(api)) == 4)
    reasons = sorted(event["reason"] for event in events(api))
    assert reasons == ["MoreProblems", "Odd", "Odd", "ServiceNotFound"]
    summary = next(event for event in events(api) if event["reason"] == "MoreProblems")
    assert summary["note"].startswith("7 more problems")


def test_many_objects(api: FakeAPI, instance: Instances, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events are not written faster than permitted."""
    monkeypatch.setattr(module, "RATE", 20.0)
    monkeypatch.setattr(module, "BURST", 5.0)
    names = [f"i{number}" for number in range(20)]
    api.apply(*(ingress(name) for name in names))
    one = instance()
    for name in names:
        one.problems(name, MISSING)
    eventually(lambda: writes(api) == 20)
    seen = api.seen("create", "events")
    assert seen[-1].time - seen[0].time >= 14 / 20.0


def test_long_texts(api: FakeAPI, instance: Instances) -> None:
    """Notes and names that are too long for the API server are cut, between characters."""
    name = "n" * 250
    api.apply(ingress(name))
    one = instance()
    one.problems(name, error("TooLong", "spec", "ä" * 2000))
    eventually(lambda: events(api, name))
    (event,) = events(api, name)
    assert event["note"].endswith("ä...")
    assert len(event["note"].encode()) <= 1024
    assert len(event["metadata"]["name"]) <= 253
    assert shortened("short") == "short"


def test_names_are_those_of_the_problem() -> None:
    """The name of an Event depends on the object's life and on all that the problem says, and on nothing else."""
    subject = Subject(ObjectId("Ingress", "demo", "web"), "1")
    problems = [MISSING, LAX, Problem(MISSING.severity, MISSING.reason, MISSING.field, "else")]
    names = {event_name(subject, problem) for problem in problems}
    names.add(event_name(Subject(subject.object, "2"), MISSING))
    assert len(names) == 4
    assert event_name(subject, MISSING) in names


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault", [{"action": "drop"}, {"action": "status", "code": 500}, {"action": "status", "code": 429}]
)
def test_failing_writes_are_repeated(api: FakeAPI, instance: Instances, fault: dict[str, Any]) -> None:
    """An Event that could not be written is written later, the good news too."""
    api.apply(ingress())
    one = instance()
    api.fail(resource="events", times=2, **fault)
    one.serve("web")
    one.problems("web", MISSING)
    eventually(lambda: events(api) and events(api, kind="Normal"))


def test_forbidden(
    api: FakeAPI, instance: Instances, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing permission is named once, and its grant takes effect."""
    monkeypatch.setattr("edge.control.api.pace.FORBIDDEN", 0.1)
    api.apply(ingress())
    api.rules = Rules([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["ingresses", "leases"]}])
    one = instance()
    one.problems("web", MISSING)
    eventually(lambda: "grant the verbs create and patch on events.events.k8s.io" in caplog.text)
    api.rules = None
    eventually(lambda: events(api))
    assert caplog.text.count("grant the verbs create") == 1


WRITES = {"verbs": ["create", "patch"], "apiGroups": ["*"], "resources": ["events", "ingresses/status"]}
ELSE = {"verbs": ["list", "watch", "create", "get", "update"], "apiGroups": ["*"], "resources": ["ingresses", "leases"]}


def test_forbidden_in_some_namespaces(api: FakeAPI, instance: Instances, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Events are forbidden none is written until that changes, and other namespaces do not wait."""
    monkeypatch.setattr("edge.control.api.pace.FORBIDDEN", 0.5)
    api.apply(ingress(), ingress(namespace="open"))
    api.rules = Rules([ELSE], {"open": [WRITES]})
    one = instance()
    one.problems("web", MISSING, LAX)
    one.serve("web")
    eventually(lambda: api.seen("create", "events"))
    one.problems("web", MISSING, namespace="open")
    one.serve("web", namespace="open")
    eventually(lambda: len(api.store.all("Event")) == 2)
    assert {event["metadata"]["namespace"] for event in api.store.all("Event")} == {"open"}
    api.rules = None
    eventually(lambda: len(events(api)) == 3)
    eventually(lambda: len(events(api, kind="Normal")) == 2)


def test_a_namespace_that_is_going(api: FakeAPI, instance: Instances) -> None:
    """Where no Event can be written any more none is tried again, and others are not kept waiting."""
    api.apply(ingress())
    api.store.keep_terminating = True
    api.remove("Namespace", "", "demo")
    one = instance()
    one.problems("web", MISSING)
    api.apply(ingress(namespace="else"))
    one.problems("web", MISSING, namespace="else")
    eventually(lambda: [event for event in events(api) if event["metadata"]["namespace"] == "else"])
    settled(one, api)
    assert len([request for request in api.seen("create", "events") if request.namespace == "demo"]) == 1


def test_cluster_scoped_objects(api: FakeAPI, instance: Instances) -> None:
    """An Event about an object without a namespace is kept in the namespace default."""
    api.apply(ingress_class(), ingress(namespace="default"))
    one = instance()
    one.round(Delta(problems={ObjectId("IngressClass", "", "edge"): ("1", (LAX,))}))
    eventually(lambda: events(api, "edge"))
    assert events(api, "edge")[0]["metadata"]["namespace"] == "default"

"""The objects in force, and the changes since the last look."""

from __future__ import annotations

import pytest

from edge.control.compiling.store import Changed, Store
from edge.control.kinds.changes import Delete, Invalid, Synced, Upsert, Valid
from edge.control.kinds.objects import ObjectId
from tests.support import objects
from tests.support.world import Manifest, taken

WEB = ("demo", "web")
INGRESS = ObjectId("Ingress", "demo", "web")


def told(*manifests: Manifest) -> Store:
    store = Store()
    for one in manifests:
        store.apply(Upsert(taken(one)))
    store.take_changed()
    return store


def test_what_is_told_is_there_and_counted() -> None:
    store = told(objects.ingress(), objects.service(), objects.ingress_class())
    assert store.ingress(WEB) == taken(objects.ingress())
    assert store.counts()["Ingress"] == store.counts()["Service"] == store.counts()["IngressClass"] == 1
    store.apply(Delete("Ingress", *WEB))
    assert store.ingress(WEB) is None
    assert store.counts()["Ingress"] == 0


def test_only_what_is_different_has_changed() -> None:
    store = told(objects.ingress(), objects.service())
    store.apply(Upsert(taken(objects.ingress())))
    assert store.take_changed() == Changed()
    store.apply(Upsert(taken(objects.ingress(host="other.example"))))
    assert store.take_changed() == Changed(ingresses={WEB})
    assert store.take_changed() == Changed()


def test_a_slice_is_a_change_of_its_service_and_of_the_one_that_it_leaves() -> None:
    store = told(objects.endpoints("web", "10.0.0.1"))
    assert len(store.slices(WEB)) == 1
    moved = objects.endpoints("web", "10.0.0.1")
    moved["metadata"]["labels"] = {"kubernetes.io/service-name": "other"}
    store.apply(Upsert(taken(moved)))
    assert store.take_changed() == Changed(services={WEB, ("demo", "other")})
    assert (len(store.slices(WEB)), len(store.slices(("demo", "other")))) == (0, 1)
    store.apply(Delete("EndpointSlice", "demo", "web-1"))
    assert store.take_changed() == Changed(services={("demo", "other")})


def test_a_slice_without_a_service_is_nobodys() -> None:
    orphan = objects.endpoints("web", "10.0.0.1")
    del orphan["metadata"]["labels"]
    assert len(told(orphan).slices(WEB)) == 0


def test_deleting_what_is_not_there_changes_nothing() -> None:
    store = told()
    store.apply(Delete("Service", *WEB))
    assert store.take_changed() == Changed()


def fault(where: str = "web.yaml, document 1", message: str = "spec.rules[0].host: must be a name") -> Invalid:
    return Invalid(where, "Ingress", "demo", "web", message)


def test_an_object_that_cannot_be_read_stays_as_it_was_and_the_fault_is_its_own() -> None:
    store = told(objects.ingress())
    store.apply(fault())
    assert store.take_changed() == Changed(faults={INGRESS})
    assert store.ingress(WEB) is not None
    (problem,) = store.faults(INGRESS)
    assert (problem.reason, problem.field) == ("InvalidObject", "spec.rules[0].host")
    assert problem.message == "must be a name (web.yaml, document 1); its last good version stays in force"


def test_one_that_was_never_read_is_ignored() -> None:
    store = told()
    store.apply(fault(message="not JSON: at byte 7"))
    (problem,) = store.faults(INGRESS)
    assert (problem.field, problem.message) == ("", "not JSON: at byte 7 (web.yaml, document 1); it is ignored")


@pytest.mark.parametrize(
    "mending", [Upsert(taken(objects.ingress())), Delete("Ingress", *WEB), Valid("web.yaml, document 1")], ids=str
)
def test_a_fault_is_over_when_the_object_is_told_again_or_its_place_is_well(mending: Upsert | Delete | Valid) -> None:
    store = told(objects.ingress())
    store.apply(fault())
    store.take_changed()
    store.apply(mending)
    assert store.faults(INGRESS) == []
    assert store.take_changed().faults == {INGRESS}


def test_faults_in_two_places_are_two() -> None:
    store = told()
    store.apply(fault("a.yaml"))
    store.apply(fault("b.yaml"))
    store.apply(fault("b.yaml", "spec: is newer"))
    assert [problem.field for problem in store.faults(INGRESS)] == ["spec.rules[0].host", "spec"]
    store.apply(Valid("a.yaml"))
    assert len(store.faults(INGRESS)) == 1


def test_a_place_without_any_object_has_a_name_of_its_own() -> None:
    store = told()
    store.apply(Invalid("x.yaml, document 2", "", "", "", "no kind"))
    assert store.take_changed().faults == {ObjectId("Manifest", "", "x.yaml, document 2")}


def test_a_secret_that_is_told_to_be_missing_has_been_looked_for() -> None:
    store = told()
    assert not store.is_reported("Secret", WEB)
    store.apply(Delete("Secret", *WEB))
    assert store.is_reported("Secret", WEB)
    assert store.take_changed() == Changed(secrets={WEB})
    store.forget("Secret", [WEB])
    assert not store.is_reported("Secret", WEB)


def test_kinds_are_synced_when_they_are_told_to_be() -> None:
    store = told()
    store.apply(Synced("Ingress"))
    assert store.synced == {"Ingress"}

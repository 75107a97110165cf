"""Which Ingresses are served, as classes and settings have it."""

from __future__ import annotations

from typing import Any

import pytest

from edge.control.kinds.objects import ObjectId
from edge.settings import Settings
from tests.support import objects
from tests.support.world import Manifest, World

OURS, THEIRS = "edge.ingress/controller", "another/controller"
ANNOTATION = "kubernetes.io/ingress.class"
DEFAULT = {"ingressclass.kubernetes.io/is-default-class": "true"}
WEB = ObjectId("Ingress", "demo", "web")


def ingress(named: str | None = None, annotated: str = "") -> Manifest:
    metadata: dict[str, Any] = {"annotations": {ANNOTATION: annotated}} if annotated else {}
    return objects.ingress(ingress_class=named, **metadata)


def klass(name: str, controller: str = OURS, created: str = "", **annotations: str) -> Manifest:
    made = objects.ingress_class(name, controller=controller)
    made["metadata"] |= {"annotations": annotations} | ({"creationTimestamp": created} if created else {})
    return made


def served(*manifests: Manifest, **settings: Any) -> bool:
    return WEB in World(Settings(**settings), with_class=False).apply(*manifests).served


def test_by_the_field_and_the_controller_of_its_class() -> None:
    assert served(ingress("any"), klass("any"))
    assert not served(ingress("edge"), klass("edge", THEIRS))


def test_by_the_annotation_without_any_class() -> None:
    assert served(ingress(annotated="edge"))
    assert not served(ingress(annotated="nginx"))
    assert served(ingress(annotated="custom"), ingress_class="custom")


def test_the_field_goes_before_the_annotation() -> None:
    assert not served(ingress("other", annotated="edge"), klass("other", THEIRS))
    assert served(ingress("edge", annotated="nginx"), klass("edge"))


def test_without_a_class_only_when_told_so_or_by_the_default_class() -> None:
    assert not served(ingress(), klass("edge"))
    assert served(ingress(), watch_ingress_without_class=True)
    assert served(ingress(), klass("edge", **DEFAULT))
    assert not served(ingress(), klass("other", THEIRS, **DEFAULT), klass("edge"))


def test_of_two_default_classes_the_newest_counts() -> None:
    old, new = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    assert served(ingress(), klass("other", THEIRS, old, **DEFAULT), klass("edge", OURS, new, **DEFAULT))
    assert not served(ingress(), klass("other", THEIRS, new, **DEFAULT), klass("edge", OURS, old, **DEFAULT))


def test_by_the_name_of_the_class_when_told_so() -> None:
    assert served(ingress("edge"), klass("edge", THEIRS), ingress_class_by_name=True)


def test_manifests_need_no_class_object() -> None:
    assert served(ingress("edge"), manifests=("x",))
    assert not served(ingress("edge"))
    assert served(ingress("edge"), klass("other", THEIRS), manifests=("x",))
    assert not served(ingress("edge"), klass("edge", THEIRS), manifests=("x",))
    assert not served(ingress("typo"), klass("other", THEIRS), manifests=("x",))


def test_classes_take_effect_when_they_come_change_and_go() -> None:
    world = World(with_class=False).apply(ingress("edge"))
    assert WEB not in world.served
    assert WEB in world.apply(klass("edge")).served
    assert "web.example" in world.routes
    assert WEB not in world.apply(klass("edge", THEIRS)).served
    assert "web.example" not in world.routes
    world.apply(klass("edge")).delete("IngressClass", "edge", namespace="")
    assert WEB not in world.served


def test_an_ingress_whose_class_is_taken_away_goes_and_comes_back_with_it() -> None:
    world = World().apply(ingress("edge"))
    assert "web.example" not in world.apply(ingress()).routes
    assert "web.example" in world.apply(ingress(annotated="edge")).routes


@pytest.mark.parametrize(
    ("named", "manifests", "classes", "told"),
    [
        ("typo", True, True, True),
        ("typo", False, True, True),
        ("typo", False, False, False),  # by-name controllers, or no permission to see classes
        ("edge", False, False, True),
    ],
)
def test_a_class_that_does_not_exist_is_reported(named: str, manifests: bool, classes: bool, told: bool) -> None:
    world = World(Settings(manifests=("x",) if manifests else ()), with_class=False)
    world.apply(ingress(named), *([klass("other")] if classes else []))
    assert world.reasons() == (["UnknownClass"] if told else [])


def test_another_controllers_ingress_is_nobodys_problem() -> None:
    world = World().apply(objects.ingress(ingress_class="other", service="missing"), klass("other", THEIRS))
    assert not world.problems


def test_a_default_backend_may_be_disallowed() -> None:
    """An Ingress that has one is then not served at all, as with ingress-nginx, which is reported."""
    catching = ingress("edge")
    catching["spec"]["defaultBackend"] = catching["spec"]["rules"][0]["http"]["paths"][0]["backend"]
    assert served(catching, klass("edge"))
    world = World(Settings(disable_catch_all=True), with_class=False).apply(catching, klass("edge"))
    assert WEB not in world.served
    assert world.reasons() == ["CatchAllDisabled"]
    assert WEB in world.apply(ingress("edge")).served
    assert world.reasons() == ["MissingService"]

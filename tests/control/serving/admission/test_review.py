"""AdmissionReviews and their answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edge.control.kinds.ingress import Ingress
from edge.control.kinds.problems import Problem, error, warning
from edge.control.serving.admission.review import MalformedReviewError, answered
from tests.support import objects

Manifest = dict[str, Any]
BAD = error("InvalidAnnotation", "metadata.annotations", "cannot be read")
ODD = warning("NoEndpoints", "spec", "has no ready endpoint")


def review(
    operation: str = "CREATE", old: Manifest | None = None, new: Manifest | None = None, **request: Any
) -> bytes:
    kind = {"group": "networking.k8s.io", "version": "v1", "kind": "Ingress"}
    asked = {"uid": "7", "kind": kind, "operation": operation, "namespace": "demo", "name": "web"}
    asked |= {"object": new or objects.ingress(), "oldObject": old} | request
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": asked}).encode()


def answer(body: bytes, *problems: Problem, ours: bool = True, watched: bool = True) -> Manifest:
    seen: list[Ingress] = []

    def judge(ingress: Ingress) -> list[Problem] | None:
        seen.append(ingress)
        return list(problems) if ours else None

    text, allowed = answered(body, judge, lambda _: watched)
    found = json.loads(text)
    assert (found["apiVersion"], found["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    response: Manifest = found["response"]
    assert (response["uid"], response["allowed"]) == ("7", allowed)
    return response


def test_without_problems_it_is_allowed() -> None:
    assert answer(review()) == {"uid": "7", "allowed": True}


def test_a_refusal_names_all_reasons() -> None:
    other = error("PathTaken", "spec.rules", "is taken")
    response = answer(review(), BAD, ODD, other)
    assert not response["allowed"]
    message = "metadata.annotations: cannot be read; spec.rules: is taken"
    assert response["status"] == {"code": 400, "reason": "BadRequest", "message": message}
    assert response["warnings"] == ["spec: has no ready endpoint"]


def test_warnings_refuse_nothing() -> None:
    assert answer(review(), ODD) == {"uid": "7", "allowed": True, "warnings": ["spec: has no ready endpoint"]}


def test_what_a_flag_brings_about_refuses_nothing() -> None:
    assert answer(review(), error("InvalidAnnotation", "--proxy-body-size", "is no size"))["allowed"]


def test_another_class_or_namespace_is_allowed_whatever_it_says() -> None:
    assert answer(review(), BAD, ours=False) == {"uid": "7", "allowed": True}
    assert answer(review(), BAD, watched=False) == {"uid": "7", "allowed": True}


@pytest.mark.parametrize("operation", ["DELETE", "CONNECT"])
def test_operations_without_an_object_are_allowed(operation: str) -> None:
    body = json.loads(review(operation))
    body["request"]["object"] = None
    assert answer(json.dumps(body).encode(), BAD) == {"uid": "7", "allowed": True}


def test_one_that_is_being_deleted_is_allowed() -> None:
    ending = objects.ingress(deletionTimestamp="2026-01-01T00:00:00Z")
    assert answer(review("UPDATE", new=ending), BAD) == {"uid": "7", "allowed": True}


def test_an_update_of_neither_spec_nor_annotations_is_allowed_and_warned_of() -> None:
    """Labels and finalizers of an Ingress that would be refused today can still be changed."""
    before = objects.ingress(annotations={"a": "b"}, finalizers=["x"])
    after = objects.ingress(annotations={"a": "b"}, labels={"c": "d"})
    response = answer(review("UPDATE", old=before, new=after), BAD)
    assert response["allowed"]
    assert response["warnings"] == ["metadata.annotations: cannot be read"]
    changed = objects.ingress(annotations={"a": "c"})
    assert not answer(review("UPDATE", old=before, new=changed), BAD)["allowed"]


def test_an_object_that_cannot_be_read_is_refused_with_its_field() -> None:
    broken = objects.ingress()
    broken["spec"]["rules"] = "x"
    response = answer(review(new=broken))
    assert not response["allowed"]
    assert response["status"]["message"].startswith("spec.rules: ")


def test_another_kind_is_refused() -> None:
    kind = {"group": "apps", "version": "v1", "kind": "Deployment"}
    response = answer(review(kind=kind))
    assert response["status"]["message"] == "apps/v1/Deployment is not validated here; only Ingresses are"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not an AdmissionReview"),
        (b"{", "not an AdmissionReview"),
        (b'{"apiVersion": "v1", "kind": "Pod", "request": {"uid": "7", "kind": {}}}', "Pod of v1 is not"),
        (b'{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}', "not an AdmissionReview"),
        (b"[" * 100_000, "not an AdmissionReview"),
    ],
)
def test_what_is_no_review_has_no_answer(body: bytes, reason: str) -> None:
    with pytest.raises(MalformedReviewError, match=reason):
        answer(body)


def test_warnings_are_as_many_and_as_long_as_the_api_server_passes_on() -> None:
    many = [warning("X", f"field{number}", "y" * 300) for number in range(100)]
    warnings = answer(review(), *many)["warnings"]
    assert all(len(one) <= 256 for one in warnings)
    assert sum(map(len, warnings)) <= 4096
    assert warnings[-1] == f"and {100 - len(warnings) + 1} more; Events of the Ingress have all"


def test_a_fault_of_our_own_refuses_nothing() -> None:
    def judge(_: Ingress) -> list[Problem] | None:
        raise KeyError("secret")

    text, allowed = answered(review(), judge, lambda _: True)
    assert allowed
    (told,) = json.loads(text)["response"]["warnings"]
    assert told.startswith("the webhook could not judge it: internal error")
    assert "secret" not in told


def test_an_ingress_without_a_name_of_its_own_has_that_of_the_request() -> None:
    unnamed = objects.ingress()
    del unnamed["metadata"]["namespace"]
    names: list[str] = []

    def judge(ingress: Ingress) -> list[Problem] | None:
        names.append(str(ingress.id))
        return []

    answered(review(new=unnamed), judge, lambda _: True)
    assert names == ["Ingress demo/web"]

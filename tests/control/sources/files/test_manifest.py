"""The content of one file, before and after an edit."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edge.control.kinds.core import ConfigMap, Secret
from edge.control.kinds.objects import ObjectId
from edge.control.sources.files.manifest import Manifest, read
from tests.control.sources.files.conftest import documents, ingress


def names(manifest: Manifest) -> set[str]:
    return {name.name for name in manifest.objects}


def host(manifest: Manifest, name: str, namespace: str = "demo") -> str:
    return manifest.objects[ObjectId("Ingress", namespace, name)].spec.rules[0].host  # type: ignore[union-attr,index,return-value]


def messages(manifest: Manifest) -> dict[str, str]:
    return {manifest.where(fault.place): fault.message for fault in manifest.faults}


LIST = {"apiVersion": "v1", "kind": "List", "items": [yaml.safe_load(ingress("a")), yaml.safe_load(ingress("b"))]}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("f.yaml", documents(ingress("a"), ingress("b"))),
        ("f.yaml", yaml.safe_dump(LIST)),
        ("f.yaml", yaml.safe_dump(LIST, default_flow_style=True)),
        ("f.yaml", json.dumps(LIST)),
        ("f.json", json.dumps(LIST)),
        ("f.json", "\n".join(json.dumps(item) for item in LIST["items"])),
        (
            "f.yaml",
            documents("", "# nothing\n", ingress("a"), "", yaml.safe_dump({**LIST, "items": LIST["items"][1:]})),
        ),
        ("f.yaml", yaml.safe_dump({"kind": "List", "apiVersion": "v1", "items": [LIST]})),
    ],
)
def test_objects_may_stand_in_documents_and_lists_in_yaml_and_json(path: str, text: str) -> None:
    manifest = read(path, text)
    assert messages(manifest) == {}
    assert {(name.namespace, name.name) for name in manifest.objects} == {("demo", "a"), ("demo", "b")}


def test_items_of_a_typed_list_need_not_say_what_they_are() -> None:
    item = yaml.safe_load(ingress("a"))
    del item["kind"], item["apiVersion"]
    text = yaml.safe_dump({"kind": "IngressList", "apiVersion": "networking.k8s.io/v1", "items": [item]})
    assert names(read("f.yaml", text)) == {"a"}


@pytest.mark.parametrize("end", ["...\n", "---\n...\n", "---\n# nothing\n...\n", "---\n---\n...\n...\n", "# nothing\n"])
def test_documents_without_content_are_nobodys_fault(end: str) -> None:
    manifest = read("f.yaml", ingress("a") + end)
    assert (names(manifest), manifest.faults) == ({"a"}, ())


def test_kinds_that_edge_does_not_read_are_nobodys_fault() -> None:
    other = documents(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {}\n",
        "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: x}\n",
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: x}\n",
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: x}\n",
        ingress("a"),
    )
    manifest = read("f.yaml", other)
    assert names(manifest) == {"a"}
    assert manifest.faults == ()


SERVICE = "apiVersion: v1\nkind: Service\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [\n", "not YAML: did not find expected node content (line 14 of the file)"),
        ("just text\n", "plain text or a number is no Kubernetes object"),
        ("- a\n", "a list is no Kubernetes object"),
        ("a: 1\n", "kind: required"),
        ("kind: Ingress\n", "apiVersion: required"),
        (
            "apiVersion: networking.k8s.io/v1\nkind: Ingres\n",
            'kind: there is no "Ingres" in networking.k8s.io/v1; did you mean Ingress?',
        ),
        (
            "apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: x}\n",
            'apiVersion: "extensions/v1beta1" of this kind is not served; use networking.k8s.io/v1',
        ),
        (SERVICE, "metadata: required"),
        (
            SERVICE + "metadata: {name: x}\nspec: {ports: [{port: http}]}\n",
            "spec.ports[0].port: expected int, got str",
        ),
    ],
)
def test_a_document_that_is_no_object_is_told_with_its_place(text: str, expected: str) -> None:
    manifest = read("some/f.yaml", documents(ingress("a"), text, ingress("b")))
    assert messages(manifest) == {"some/f.yaml, document 2": expected}
    assert names(manifest) == {"a", "b"}


def test_a_fault_names_the_object_as_far_as_it_can_be_known() -> None:
    invalid = ingress("a", namespace="shop").replace("pathType: Prefix, ", "")
    broken = ingress("b", namespace="shop").replace("}}}}", "}}}")
    item = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [yaml.safe_load(invalid)]})
    manifest = read("f.yaml", documents(invalid, broken, item))
    assert [(fault.kind, fault.namespace, fault.name) for fault in manifest.faults] == [
        ("Ingress", "shop", "a"),
        ("Ingress", "shop", "b"),
        ("Ingress", "shop", "a"),
    ]
    assert [manifest.where(fault.place) for fault in manifest.faults] == [
        "f.yaml, document 1",
        "f.yaml, document 2",
        "f.yaml, document 3, item 1",
    ]
    assert "spec.rules[0].http.paths[0].pathType: required" in manifest.faults[0].message


def test_an_object_that_stands_twice_is_the_first_one() -> None:
    manifest = read("f.yaml", documents(ingress("a", "one.example"), ingress("a", "two.example")))
    assert host(manifest, "a") == "one.example"
    assert messages(manifest) == {
        "f.yaml, document 2": "defined already in document 1 of this file; that one is in force"
    }


# --- after an edit --------------------------------------------------------------------------------------------------


def test_only_what_changed_is_read_again() -> None:
    first = read("f.yaml", documents(ingress("a"), ingress("b"), ingress("c")))
    second = read("f.yaml", documents(ingress("new"), ingress("a"), ingress("b", "other.example"), ingress("c")), first)
    same = [name.name for name, one in second.objects.items() if first.objects.get(name) is one]
    assert same == ["a", "c"]
    assert host(second, "b") == "other.example"


def test_only_the_item_of_a_list_that_changed_is_read_again() -> None:
    first = read("f.yaml", yaml.safe_dump(LIST))
    second = read("f.yaml", yaml.safe_dump(LIST).replace("a.example", "other.example"), first)
    assert [first.objects[name] is one for name, one in second.objects.items()] == [False, True]
    assert host(second, "a") == "other.example"


def test_what_is_deleted_is_gone() -> None:
    first = read("f.yaml", documents(ingress("a"), ingress("b")))
    assert names(read("f.yaml", ingress("b"), first)) == {"b"}
    assert names(read("f.yaml", "", first)) == set()


@pytest.mark.parametrize(
    "broken",
    [
        ingress("a", "new.example").replace("}}}}", "}}}"),
        ingress("a", "new.example").replace("pathType: Prefix", "pathType: Sometimes"),
        ingress("a", "new.example").replace("name: a", "nmae: a"),
        ingress("a", "new.example").replace("kind: Ingress", "kind: ingress"),
        ingress("a", "new.example").replace("networking.k8s.io/v1", "networking.k8s.io/v1beta1"),
    ],
)
def test_an_object_that_cannot_be_taken_stays_what_it_was(broken: str) -> None:
    first = read("f.yaml", documents(ingress("a"), ingress("b")))
    second = read("f.yaml", documents(broken, ingress("b", "other.example")), first)
    assert len(second.faults) == 1
    assert host(second, "a") == "a.example"
    assert host(second, "b") == "other.example"
    third = read("f.yaml", documents(broken, ingress("b", "third.example")), second)
    assert host(third, "a") == "a.example"
    mended = read("f.yaml", documents(ingress("a", "new.example"), ingress("b")), third)
    assert host(mended, "a") == "new.example"
    assert mended.faults == ()


def test_an_invalid_object_keeps_no_other_one_from_being_deleted() -> None:
    first = read("f.yaml", documents(ingress("a"), ingress("b"), ingress("c")))
    second = read("f.yaml", documents(ingress("a").replace("Prefix", "Sometimes"), ingress("b")), first)
    assert names(second) == {"a", "b"}


def test_a_broken_document_keeps_all_objects_since_it_may_be_any_of_them() -> None:
    first = read("f.yaml", documents(ingress("a"), ingress("b")))
    assert names(read("f.yaml", documents(ingress("a"), "? [\n"), first)) == {"a", "b"}


def test_a_broken_item_of_a_list_leaves_the_others_alone() -> None:
    text = yaml.safe_dump(LIST)
    first = read("f.yaml", text)
    second = read("f.yaml", text.replace("path: /", "path: [").replace("b.example", "other.example", 1), first)
    assert names(second) == {"a", "b"}
    third = read("f.yaml", text.replace("path: /", "path: [", 1).replace("b.example", "other.example", 1), first)
    assert host(third, "b") == "other.example"
    assert host(third, "a") == "a.example"
    assert [third.where(fault.place) for fault in third.faults] == ["f.yaml, document 1, item 1"]


def test_items_of_a_list_may_share_anchors() -> None:
    item = ingress("a").replace("\n", "\n  ").strip().replace("spec:", "spec: &spec")
    other = "apiVersion: networking.k8s.io/v1\n  kind: Ingress\n  metadata: {name: b, namespace: demo}\n  spec: *spec\n"
    manifest = read("f.yaml", f"apiVersion: v1\nkind: List\nitems:\n- {item}\n- {other}")
    assert messages(manifest) == {}
    assert host(manifest, "b") == "a.example"


def test_a_file_that_may_be_cut_off_takes_nothing_back_and_its_last_document_is_not_trusted() -> None:
    first = read("f.yaml", documents(ingress("a"), ingress("b"), ingress("c")))
    cut = read("f.yaml", documents(ingress("a", "new.example"), ingress("b", "new.example")), first, partial=True)
    assert host(cut, "a") == "new.example"
    assert host(cut, "b") == "b.example"
    assert names(cut) == {"a", "b", "c"}


def test_a_file_that_cannot_be_read_stays_what_it_was() -> None:
    first = read("f.yaml", ingress("a"))
    second = first.unreadable("Permission denied")
    assert names(second) == {"a"}
    assert messages(second) == {"f.yaml": "Permission denied; what it said last stays in force"}
    assert messages(read("f.yaml", ingress("a"), second)) == {}


_SMALL = st.sampled_from(
    [
        ingress("a"),
        ingress("a", "other.example"),
        ingress("b"),
        ingress("b").replace("Prefix", "Sometimes"),
        ingress("c").replace("}}}}", "}}}"),
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n",
        yaml.safe_dump(LIST),
        json.dumps(yaml.safe_load(ingress("d"))) + "\n",
        "# nothing\n",
        "",
        "a: 1\n...\n",
    ]
)


@given(st.lists(st.lists(_SMALL, max_size=5), min_size=2, max_size=5))
def test_whatever_the_edits_a_file_without_faults_says_what_it_says_at_first_sight(edits: list[list[str]]) -> None:
    manifest: Manifest | None = None
    for texts in edits:
        text = documents(*texts)
        manifest = read("f.yaml", text, manifest)
        fresh = read("f.yaml", text)
        assert manifest.faults == fresh.faults
        assert {name: manifest.objects[name] for name in fresh.objects} == fresh.objects
        if not fresh.faults:
            assert (manifest.objects, manifest.places) == (fresh.objects, fresh.places)


# --- what an API server would have added ----------------------------------------------------------------------------


def test_text_of_yaml_arrives_as_json_would_have_it() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {on: '1', day: 2024-01-31, time: 12:30}\n"
    found = read("f.yaml", text).objects[ObjectId("ConfigMap", "default", "x")]
    assert isinstance(found, ConfigMap)
    assert found.data == {"on": "1", "day": "2024-01-31", "time": "12:30"}


def test_secrets_may_be_written_in_the_clear() -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {b: plain}\ndata:\n  a: |\n    YW\n    Jj\n"
    found = read("f.yaml", text).objects[ObjectId("Secret", "default", "x")]
    assert isinstance(found, Secret)
    assert found.data == {"a": b"abc", "b": b"plain"}

"""A file's text cut into pieces."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.control.sources.files.documents import Form, Piece, cut, identity


def texts(pieces: list[Piece]) -> list[str]:
    return [piece.content.text for piece in pieces]


def said(pieces: list[Piece]) -> list[str]:
    """The texts with the line end that plain documents are without."""
    return [piece.content.text + "\n" * (piece.content.form is Form.PLAIN) for piece in pieces]


def numbers(pieces: list[Piece]) -> list[tuple[int, int]]:
    return [(piece.document, piece.item) for piece in pieces]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# nothing but a comment\n", []),
        ("a: 1\n", ["a: 1\n"]),
        ("---\na: 1\n", ["a: 1\n"]),
        ("# licence\n---\na: 1\n---\nb: 2", ["# licence\n---\na: 1\n", "b: 2"]),
        ("%YAML 1.1\n---\na: 1\n", ["%YAML 1.1\n---\na: 1\n"]),
        ("a: 1\n---\n---\nb: 2\n", ["a: 1\n", "\n", "b: 2\n"]),
        ("a: 1\n...\n# between\nb: 2\n...\n", ["a: 1\n...\n", "# between\nb: 2\n...\n"]),
        ("--- {a: 1}\n--- # comment\nb: 2\n", ["--- {a: 1}\n", "--- # comment\nb: 2\n"]),
        ("a: |\n  ---\n ---\n---x\n", ["a: |\n  ---\n ---\n---x\n"]),
        ("a: 1\r\n---\r\nb: 2\r\n", ["a: 1\r\n", "---\r\nb: 2\r\n"]),
    ],
)
def test_documents_begin_at_markers_and_comments_before_the_first_are_none(text: str, expected: list[str]) -> None:
    pieces = cut(text, is_json=False)
    assert said(pieces) == expected
    assert numbers(pieces) == [(number, 0) for number in range(1, len(expected) + 1)]


def test_items_of_a_block_style_list_are_pieces_of_their_own() -> None:
    text = "apiVersion: v1\nkind: IngressList\nitems:\n- a: 1\n  b: |\n    - x\n\n# comment\n- c: 2\nmetadata: {}\n"
    pieces = cut(text, is_json=False)
    assert texts(pieces) == ["- a: 1\n  b: |\n    - x\n\n# comment\n", "- c: 2\n"]
    assert numbers(pieces) == [(1, 1), (1, 2)]
    assert {piece.content.form for piece in pieces} == {Form.YAML_ITEM}
    assert {piece.content.kind for piece in pieces} == {"Ingress"}
    assert all(text[piece.offset :].startswith(piece.content.text) for piece in pieces)


def test_items_may_be_indented() -> None:
    pieces = cut("kind: List\nitems:\n  - a: 1\n    b:\n    - 2\n  - c: 3", is_json=False)
    assert texts(pieces) == ["  - a: 1\n    b:\n    - 2\n", "  - c: 3"]


@pytest.mark.parametrize("text", ["a: |\n  x\n---\nb: |+\n  y\n\n---\nc: |-\n  z\n", "a: |\n  x\n---\nb: |\n  y"])
def test_the_end_of_block_text_is_kept_to_the_letter(text: str) -> None:
    decoded = [yaml.safe_load(one) for one in said(cut(text, is_json=False))]
    assert decoded == list(yaml.safe_load_all(text))


@given(
    st.lists(
        st.sampled_from(
            ["---", "--- # x", "----", "...", "a: 1", "{b: 2}", "# c", "# a: 1", "", "%YAML 1.1", "kind: List"]
        )
    )
)
@example(["# c", "---", "---", "a: 1"])
@settings(max_examples=500)
def test_nothing_is_lost_and_places_are_true(lines: list[str]) -> None:
    text = "".join(line + "\n" for line in lines)
    for piece in cut(text, is_json=False):
        assert text[piece.offset :].startswith(piece.content.text)


@pytest.mark.parametrize(
    "text",
    [
        "kind: List\nitems: []\n",
        "kind: List\nitems: [{a: 1}]\n",
        "kind: List\nitems:\n-\n  a: 1\n",
        "kind: List\nitems:\n  - a: 1\n - b: 2\n",
        "items:\n- a: 1\n",
        "kind: Ingress\nitems:\n- a: 1\n",
    ],
)
def test_other_documents_are_left_whole(text: str) -> None:
    assert said(cut(text, is_json=False)) == [text]


def test_json_may_be_one_value_several_or_a_list() -> None:
    assert texts(cut('{"a": 1}', is_json=True)) == ['{"a": 1}']
    assert texts(cut('{"a": 1}\n{"b": 2}', is_json=True)) == ['{"a": 1}', '{"b": 2}']
    text = json.dumps({"kind": "List", "items": [{"a": 1}, {"b": [2, {"c": "ü"}]}]})
    assert [json.loads(one) for one in texts(cut(text, is_json=True))] == [{"a": 1}, {"b": [2, {"c": "ü"}]}]
    assert numbers(cut(text, is_json=True)) == [(1, 1), (1, 2)]
    assert numbers(cut(f'{text}\n\n{{"d": 4}}\n', is_json=True)) == [(1, 1), (1, 2), (2, 0)]


def test_json_in_a_yaml_file_is_json_and_flow_style_is_yaml() -> None:
    assert cut('{"a": 1}', is_json=False)[0].content.form is Form.JSON
    assert texts(cut("{a: 1}\n---\nb: 2\n", is_json=False)) == ["{a: 1}", "b: 2"]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from("ab-\n:#'\"{}[]|> .")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=10,
)


@given(st.lists(st.lists(_VALUES, min_size=1, max_size=4), min_size=1, max_size=4))
def test_pieces_say_together_what_the_file_says(lists: list[list[object]]) -> None:
    text = yaml.safe_dump_all([{"kind": "List", "items": items} for items in lists])
    items = [yaml.safe_load(one)[0] for one in texts(cut(text, is_json=False))]
    assert items == [item for items in lists for item in items]


_BLOCK = "kind: Ingress\nmetadata:\n  labels:\n    name: x\n    app/name: y\n  name: web\n  namespace: shop\nspec: ["
_FLOW = "- kind: Ingress\n  metadata: {name: web, labels: {app/name: x}}\n  spec:\n    name: ["
_JSON = '{"kind": "Ingress", "metadata": {"name": "web", "namespace": "shop"}, "spec": ['


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (_BLOCK, ("Ingress", "shop", "web")),
        (_FLOW, ("Ingress", "default", "web")),
        (_JSON, ("Ingress", "shop", "web")),
        ("a: [", ("", "", "")),
    ],
)
def test_what_a_broken_document_seems_to_be_is_found_by_its_text(text: str, expected: tuple[str, str, str]) -> None:
    assert identity(text) == expected

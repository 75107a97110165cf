"""One document as plain values."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.control.sources.files import manifest
from edge.control.sources.files.decoding import DocumentError, decode_json, decode_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("on", True),
        ("Off", False),
        ("y", "y"),
        ("~", None),
        ("", None),
        ("2024-01-31", "2024-01-31"),
        ("2024-01-31T10:00:00Z", "2024-01-31T10:00:00Z"),
        ("12:30", "12:30"),
        ("10.0.0.1", "10.0.0.1"),
        ("1.10", 1.1),
        ("1e3", 1000.0),
        ("8080", 8080),
        ("-7", -7),
        ("1_000", 1000),
        ("0x1F", 31),
        ("017", 15),
        ("0o17", 15),
        ("08", 8.0),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("'8080'", "8080"),
        ('"on"', "on"),
        ("!!str 8080", "8080"),
        ("!!binary YWJj", "YWJj"),
        ("!!timestamp 2024-01-31", "2024-01-31"),
    ],
)
def test_words_without_quotes_mean_what_they_mean_to_kubectl(text: str, value: object) -> None:
    decoded = decode_yaml(f"a: {text}")
    assert decoded == {"a": value}
    assert type(decoded["a"]) is type(value)  # type: ignore[index]


def test_keys_are_text_whatever_they_look_like() -> None:
    assert decode_yaml("on: 1\n8080: 2\ntrue: 3\n~: 4") == {"on": 1, "8080": 2, "true": 3, "~": 4}


def test_block_text_is_kept_to_the_letter() -> None:
    assert decode_yaml("a: |\n  x: 1\n\n  y\nb: >-\n  one\n  two\n") == {"a": "x: 1\n\ny\n", "b": "one two"}


def test_anchors_and_merge_keys_are_expanded() -> None:
    text = "base: &base {a: 1, b: 2}\none: {<<: *base, b: 3}\ntwo: {<<: [*base, {c: 4}]}\nagain: *base\n"
    assert decode_yaml(text) == {
        "base": {"a": 1, "b": 2},
        "one": {"a": 1, "b": 3},
        "two": {"a": 1, "b": 2, "c": 4},
        "again": {"a": 1, "b": 2},
    }


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        ("a: [1, 2\n", "did not find expected ',' or ']'", 1),
        ("a: 1\nb: c: d", "mapping values are not allowed", 1),
        ("a: 1\nb: 2\na: 3", 'the key "a" stands twice', 2),
        ("a: 1\nb: !secret x", "tag !secret", 1),
        ("a: *nowhere", "undefined alias", 0),
        ("? [a]\n: 1", "a key must be text", 0),
        ("a: &a [*a]", "too many or too deeply nested", 0),
        ("a: &a {<<: *a}", "too many or too deeply nested", 0),
        ("<<: 1", "<< takes a mapping", 0),
        ("a: \x01", "control characters", 0),
        ("[" * 5000, "nesting depth", 0),
        ("a: b\n...\nc: d\n", "expected", 2),
    ],
)
def test_a_text_that_is_no_document_is_refused_with_reason_and_line(text: str, reason: str, line: int) -> None:
    with pytest.raises(DocumentError, match="YAML") as caught:
        decode_yaml(text)
    assert reason in str(caught.value)
    assert caught.value.line == line


def test_a_short_text_cannot_stand_for_a_billion_values() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(DocumentError, match="too many"):
        decode_yaml("\n".join(lines))


@pytest.mark.parametrize("text", ['{"kind":' + "9" * 5000 + "}", '{"a": 1} {"kind":' + "9" * 5000 + "}"])
def test_json_with_a_number_of_thousands_of_digits_is_refused(text: str) -> None:
    with pytest.raises(DocumentError, match="not JSON"):
        decode_json(text)
    assert [said.readable for said in manifest.read("a.json", text).said.values()] == [False]


@pytest.mark.parametrize("text", ["0x" + "f" * 5000, "0o" + "7" * 5000, "9" * 5000])
def test_a_number_of_thousands_of_digits_is_text(text: str) -> None:
    assert decode_yaml(text) == text


def test_json_that_is_none_is_refused_with_its_line() -> None:
    with pytest.raises(DocumentError, match="not JSON") as caught:
        decode_json('{"a": 1,\n "b": }')
    assert caught.value.line == 1


_TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz"), inner, max_size=4),
    max_leaves=20,
)


@given(_VALUES)
def test_json_text_says_the_same_when_it_is_read_as_yaml(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False)  # escaped surrogate pairs are JSON only
    assert decode_yaml(text) == decode_json(text) == value

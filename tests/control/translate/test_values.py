"""The grammar of annotation values: ingress-nginx's, with its outcome for what cannot be read."""

from __future__ import annotations

import pytest

from edge.control.translate.annotations.defaults import defaults_of
from edge.control.translate.annotations.values import PREFIX, Values
from edge.settings import Settings


def values(text: str) -> Values:
    return Values({"x": text}, {})


@pytest.mark.parametrize("text", ["true", "TRUE", "True", "t", "T", "1", " true "])
def test_words_for_yes(text: str) -> None:
    assert values(text).boolean("x") is True


@pytest.mark.parametrize("text", ["false", "FALSE", "False", "f", "F", "0"])
def test_words_for_no(text: str) -> None:
    assert values(text).boolean("x", default=True) is False


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_value_is_none(text: str) -> None:
    empty = values(text)
    assert (empty.boolean("x", default=True), empty.integer("x", 7), empty.size("x", 8)) == (True, 7, 8)
    assert empty.problems == []


@pytest.mark.parametrize("text", ["yes", "on", "tRUE", "2"])
def test_another_word_is_reported_and_the_default_stands(text: str) -> None:
    bad = values(text)
    assert bad.boolean("x", default=True) is True
    (problem,) = bad.problems
    assert problem.reason == "InvalidAnnotation"
    assert problem.field == f'metadata.annotations["{PREFIX}x"]'
    assert f'"{text}" is not a boolean' in problem.message


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("60", 60), ("2147483647", 2147483647), ("007", 7)])
def test_integers(text: str, number: int) -> None:
    assert values(text).integer("x", 5) == number


@pytest.mark.parametrize("text", ["-1", "1.5", "60s", "2147483648", "9" * 5000, "٣", "1_000", "0x1"])
def test_what_is_no_integer(text: str) -> None:
    bad = values(text)
    assert bad.integer("x", 5) == 5
    assert len(bad.problems) == 1


def test_an_integer_below_its_least_is_none() -> None:
    assert values("0").integer("x", 5, least=1) == 5


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("100", 100), ("8k", 8192), ("8K", 8192), ("10m", 10 << 20), ("1G", 1 << 30)]
)
def test_sizes(text: str, size: int) -> None:
    assert values(text).size("x", 1) == size


@pytest.mark.parametrize("text", ["8kb", "-1", "m", "1.5m", "8 k"])
def test_what_is_no_size(text: str) -> None:
    bad = values(text)
    assert bad.size("x", 1) == 1
    assert len(bad.problems) == 1


def test_words_are_all_or_none() -> None:
    allowed = frozenset({"error", "timeout"})
    assert values("error  timeout").words("x", allowed) == allowed
    bad = values("error often")
    assert bad.words("x", allowed) == frozenset()
    assert '"error often" is not a list of the words error, timeout' in bad.problems[0].message


# --- process-wide values beneath ------------------------------------------------------------------------------------

FLAG = "--some-flag"
BENEATH = {"x": ("false", FLAG)}


def over(text: str | None) -> Values:
    """An Ingress with TEXT for `x`, or without `x`, over a process-wide value."""
    return Values({"x": text} if text is not None else {}, BENEATH)


@pytest.mark.parametrize(
    ("text", "value", "source"),
    [
        ("true", True, f'metadata.annotations["{PREFIX}x"]'),
        (" false ", False, f'metadata.annotations["{PREFIX}x"]'),
        (None, False, FLAG),
        ("", False, FLAG),
        ("  ", False, FLAG),
    ],
)
def test_an_annotation_lies_over_the_process_wide_value(text: str | None, value: bool, source: str) -> None:
    both = over(text)
    assert (both.boolean("x", default=True), both.source("x"), both.problems) == (value, source, [])


def test_a_bad_annotation_is_reported_and_the_process_wide_value_holds() -> None:
    bad = over("maybe")
    assert bad.boolean("x", default=True) is False
    assert [one.reason for one in bad.problems] == ["InvalidAnnotation"]
    assert bad.source("x") == FLAG, "the value in force is the flag's"


def test_a_bad_annotation_over_nothing_has_no_source() -> None:
    bad = values("maybe")
    assert bad.boolean("x", default=True) is True
    assert bad.source("x") == ""


def test_the_source_of_several_is_the_first_that_is_set() -> None:
    several = Values({"b": "1", "c": "2"}, {"a": ("3", "--a")})
    assert several.source("a", "b", "c") == f'metadata.annotations["{PREFIX}b"]'
    assert several.source("a") == "--a"
    assert several.source("d") == ""


def test_process_wide_values_are_those_of_the_flags() -> None:
    beneath = Values({}, defaults_of(Settings(ssl_redirect=False, hsts=True)))
    assert beneath.boolean("ssl-redirect", default=True) is False
    assert beneath.boolean("hsts", default=False) is True
    assert (beneath.source("ssl-redirect"), beneath.source("hsts")) == ("--ssl-redirect", "--hsts")

"""The grammar of annotation values: ingress-nginx's, with its outcome for what cannot be read."""

from __future__ import annotations

import pytest

from edge.control.translate.annotations.values import PREFIX, Values


def values(text: str) -> Values:
    return Values({"x": text})


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
    assert '"often" is not made of error, timeout' in bad.problems[0].message

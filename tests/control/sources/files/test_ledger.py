"""The objects of several files together."""

from __future__ import annotations

import pytest

from edge.control.kinds.changes import Change, Delete, Invalid, Upsert, Valid
from edge.control.sources.files.ledger import FileKey, Ledger
from edge.control.sources.files.manifest import Manifest, read
from tests.control.sources.files.conftest import documents, ingress

A = FileKey(0, ("a.yaml",))
B = FileKey(0, ("b.yaml",))
C = FileKey(1, ("a.yaml",))


def said(text: str, path: str = "a.yaml", last: Manifest | None = None) -> Manifest:
    return read(path, text, last)


class Book:
    """A ledger, and in short what it told since it was last asked."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.ledger = Ledger(self.changes.append)

    def update(self, files: dict[FileKey, Manifest | None]) -> list[str]:
        self.changes.clear()
        self.ledger.update(files)
        return [_short(change) for change in self.changes]


def _short(change: Change) -> str:
    if isinstance(change, Upsert):
        return f"+{change.object.metadata.name} {change.object.spec.rules[0].host}"  # type: ignore[union-attr]
    if isinstance(change, Delete):
        return f"-{change.name}"
    assert isinstance(change, Invalid | Valid)
    return f"?{change.where}" if isinstance(change, Invalid) else f"!{change.where}"


@pytest.fixture
def book() -> Book:
    return Book()


def test_only_differences_are_told(book: Book) -> None:
    first = said(documents(ingress("a"), ingress("b")))
    assert book.update({A: first}) == ["+a a.example", "+b b.example"]
    assert book.update({A: said(documents(ingress("a"), ingress("b")), last=first)}) == []
    assert book.update({A: said(documents("# moved\n", ingress("b"), ingress("a")))}) == []
    assert book.update({A: said(ingress("b", "new.example"))}) == ["-a", "+b new.example"]
    assert book.update({A: None}) == ["-b"]


def test_of_an_object_in_several_files_the_first_counts_and_the_others_are_told(book: Book) -> None:
    assert book.update({B: said(ingress("x", "b.example"), "b.yaml")}) == ["+x b.example"]
    assert book.update({A: said(ingress("x", "a.example"))}) == ["+x a.example", "?b.yaml, document 1"]
    fault = book.changes[-1]
    assert isinstance(fault, Invalid)
    assert fault.message == "defined already in a.yaml, document 1; that one is in force"
    assert book.update({C: said(ingress("x"), "other/a.yaml")}) == ["?other/a.yaml, document 1"]


def test_the_next_file_takes_over_when_the_first_goes(book: Book) -> None:
    book.update({A: said(ingress("x", "a.example")), B: said(ingress("x", "b.example"), "b.yaml")})
    assert book.update({A: None}) == ["!b.yaml, document 1", "+x b.example"]
    assert book.update({B: None}) == ["-x"]


def test_an_object_that_moves_between_files_is_never_gone(book: Book) -> None:
    book.update({A: said(documents(ingress("x"), ingress("y")))})
    assert book.update({A: said(ingress("y")), B: said(ingress("x"), "b.yaml")}) == []


def test_a_fault_is_told_once_and_so_is_its_end(book: Book) -> None:
    broken = documents(ingress("a"), "? [\n")
    assert book.update({A: said(broken)}) == ["+a a.example", "?a.yaml, document 2"]
    assert book.update({A: said(broken)}) == []
    assert book.update({A: said(documents(ingress("b"), broken))}) == [
        "!a.yaml, document 2",
        "+b b.example",
        "?a.yaml, document 3",
    ]
    assert book.update({A: said(documents(ingress("b"), ingress("a")))}) == ["!a.yaml, document 3"]


def test_a_fault_is_told_again_when_its_object_changes_elsewhere(book: Book) -> None:
    book.update({A: said(ingress("x")), B: said(ingress("x"), "b.yaml")})
    assert book.update({A: said(ingress("x", "new.example"))}) == ["+x new.example", "?b.yaml, document 1"]

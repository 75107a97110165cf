"""What the keys of records mean."""

import pytest

from edge.table.records import wildcard_of


@pytest.mark.parametrize(
    ("host", "wildcard"),
    [
        ("a.example.com", "*.example.com"),
        ("a.b.example.com", "*.b.example.com"),
        ("example.com", "*.com"),
        ("*.example.com", ""),
        ("localhost", ""),
        (".example.com", ""),
        ("a.", ""),
        ("", ""),
    ],
)
def test_a_wildcard_stands_for_one_label_and_never_for_none(host: str, wildcard: str) -> None:
    assert wildcard_of(host) == wildcard

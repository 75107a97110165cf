"""Where the host names of listeners and of routes meet."""

from __future__ import annotations

import pytest

from edge.control.translate.gateway.hostnames import intersection, record_name


@pytest.mark.parametrize(
    ("listener", "route", "met"),
    [
        ("", "", ""),
        ("", "a.example", "a.example"),
        ("a.example", "", "a.example"),
        ("a.example", "a.example", "a.example"),
        ("a.example", "b.example", None),
        ("*.example", "a.example", "a.example"),
        ("*.example", "b.a.example", "b.a.example"),
        ("*.example", "example", None),
        ("*.example", "aexample", None),
        ("a.example", "*.example", "a.example"),
        ("*.example", "*.example", "*.example"),
        ("*.example", "*.a.example", "*.a.example"),
        ("*.a.example", "*.example", "*.a.example"),
        ("*.a.example", "*.b.example", None),
        ("*.a.example", "a.example", None),
    ],
)
def test_intersection(listener: str, route: str, met: str | None) -> None:
    assert intersection(listener, route) == met


@pytest.mark.parametrize(("hostname", "record"), [("", ""), ("a.b", "a.b"), ("*.b", "**.b")])
def test_a_wildcard_stands_for_one_or_more_labels(hostname: str, record: str) -> None:
    assert record_name(hostname) == record

"""What becomes of each annotation of ingress-nginx."""

from __future__ import annotations

from edge.control.translate.annotations.catalogue import REFUSED, Support, catalogue
from edge.control.translate.annotations.names import INGRESS_NGINX
from edge.control.translate.annotations.policies import OTHERS, SUPPORTED, UNITS


def test_each_annotation_has_one_entry() -> None:
    """And nothing else has one."""
    names = [entry.name for entry in catalogue()]
    assert len(names) == len(set(names))
    assert set(names) == INGRESS_NGINX


def test_what_is_supported_is_what_the_reader_takes() -> None:
    """`Reader` reports all others."""
    found = {entry.name for entry in catalogue() if entry.support not in (Support.REFUSED, Support.UNSUPPORTED)}
    assert found == SUPPORTED


def test_differences_are_those_of_the_unit_itself() -> None:
    """A misspelt name would be lost."""
    for unit in (*UNITS, *OTHERS):
        assert set(getattr(unit, "DIFFERENCES", {})) <= unit.NAMES, unit.__name__


def test_what_is_refused_is_not_read() -> None:
    """`Reader` reports it."""
    assert not set(REFUSED) & SUPPORTED
    assert set(REFUSED) <= INGRESS_NGINX

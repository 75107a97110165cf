"""The normal form of paths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.table.paths import normal_path, normalise, normalise_bytes

FORMS = {
    "/": "/",
    "": "/",
    "/a/b": "/a/b",
    "/a/": "/a/",
    "//a": "/a",
    "/a//b///": "/a/b/",
    "/x/../a": "/a",
    "/./a/.": "/a/",
    "/a/..": "/",
    "/a/b/..": "/a/",
    "/../../a": "/a",
    "/a//../b": "/b",
    "/..a/.b/c..": "/..a/.b/c..",
    "/.well-known/acme-challenge/x": "/.well-known/acme-challenge/x",
    "/%61%7e": "/a~",
    "/%2e%2E/a": "/a",
    "/a%2fb": "/a%2Fb",
    "/a%3bb;c": "/a%3Bb;c",
    "/a%": "/a%25",
    "/a%zz": "/a%25zz",
    "/a%25zz": "/a%25zz",
    "/a b|c": "/a%20b%7Cc",
    "/grün": "/gr%C3%BCn",
    "/gr%c3%bcn": "/gr%C3%BCn",
    "/@scope:x!$&'()*+,;=": "/@scope:x!$&'()*+,;=",
    "a": "/a",
}


@pytest.mark.parametrize(("path", "form"), FORMS.items())
def test_equivalent_spellings_have_one_form(path: str, form: str) -> None:
    """Percent-encoding, slashes and dot segments are brought into one form, reserved characters are kept apart."""
    assert normalise(path) == form


@pytest.mark.parametrize("target", [b"/a?b", b"/a//b", b"/%61?/../c", b"/a", b"/"])
def test_the_form_of_a_targets_path(target: bytes) -> None:
    """Without the query, and whichever target was looked at before."""
    form = normalise_bytes(target.partition(b"?")[0])
    assert normal_path(target) == form
    assert normal_path(b"/z" + target) == normalise_bytes(b"/z" + target.partition(b"?")[0])
    assert normal_path(target) == normal_path(bytes(bytearray(target))) == form


@given(st.binary(max_size=40))
def test_the_form_is_stable(path: bytes) -> None:
    """The normal form of any bytes is ASCII from a slash on, without empty or dot segments, and its own normal form."""
    form = normalise_bytes(path)
    assert normalise_bytes(form) == form
    assert form.isascii()
    assert form[:1] == b"/"
    segments = form[1:].split(b"/")
    assert not {b".", b".."} & set(segments)
    assert b"" not in segments[:-1]


@given(st.lists(st.sampled_from(["/", ".", "..", "a", "%61", "%2F", "%2e", "%41", "é"]), max_size=12))
def test_built_paths_are_stable(parts: list[str]) -> None:
    """Paths made of the troublesome pieces have a stable form too."""
    form = normalise("/" + "".join(parts))
    assert normalise(form) == form

"""Texts with variables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.table.templates import MOST_NAMED, Template, TemplateError, Variable, parse

ALLOWED = {"host", "request_uri", "remote_addr", "http_", "cookie_"}
VALUES = {"host": "a.example", "request_uri": "/x?y", "remote_addr": "192.0.2.1", "http_x_user": "anna"}

FILLED = {
    "": "",
    "plain": "plain",
    "$host": "a.example",
    "${host}": "a.example",
    "$HOST": "a.example",
    "http://$host$request_uri": "http://a.example/x?y",
    "${host}_x": "a.example_x",
    "$host.internal": "a.example.internal",
    "$host-$remote_addr": "a.example-192.0.2.1",
    "$http_x_user": "anna",
    "$http_X_User!": "anna!",
    "[$cookie_none]": "[]",
    "{}%s{host}": "{}%s{host}",
    "grün $host": "grün a.example",
}


@pytest.mark.parametrize(("text", "filled"), FILLED.items())
def test_filled_in(text: str, filled: str) -> None:
    """A variable without a value is empty."""
    assert parse(text, ALLOWED).fill(VALUES) == filled


REFUSED = {
    "$hots": "there is no variable $hots here; did you mean $host?",
    "${nothing_like_it}": "there is no variable ${nothing_like_it} here; there are $cookie_*, $host, $http_*",
    "$host_x": "there is no variable $host_x here",
    "$http_": "there is no variable $http_ here",
    "$arg_x": "there is no variable $arg_x here",
    "a$": "the $ at character 2",
    "$$host": "the $ at character 1",
    "$host$": "the $ at character 6",
    "${host": "the $ at character 1",
    "${}": "the $ at character 1",
    "$-": "the $ at character 1",
    "$1": "there is no variable $1 here",
}


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_refused(text: str, reason: str) -> None:
    """With the variable and the way out."""
    with pytest.raises(TemplateError) as refusal:
        parse(text, ALLOWED)
    assert reason in str(refusal.value)


def test_groups_may_be_variables() -> None:
    """A reader that has the groups of a pattern allows their numbers."""
    assert parse("/$1/${2}", {"1", "2"}).fill({"1": "a", "2": "b"}) == "/a/b"


def test_no_variable_is_allowed() -> None:
    """Then there is none to offer."""
    with pytest.raises(TemplateError, match=r"there is no variable \$host here$"):
        parse("$host", ())


def test_many_variables_are_not_listed() -> None:
    """The message says where they are."""
    with pytest.raises(
        TemplateError, match=r"no variable \$nothing_like_it here; docs/access-log.md and docs/migration"
    ):
        parse("$nothing_like_it", {f"name_{number}" for number in range(MOST_NAMED + 1)})


def test_parts() -> None:
    """Literals and variables in turn, for those who compile them further."""
    template = parse("a${host}$http_x_user/b$host", ALLOWED)
    assert template.parts == ("a", Variable("host"), Variable("http_x_user"), "/b", Variable("host"))
    assert template.variables == ("host", "http_x_user")
    assert Variable("http_x_user").family == ("http_", "x_user")
    assert Variable("sent_http_etag").family == ("sent_http_", "etag")
    assert Variable("host").family is None
    assert parse("a", ALLOWED).variables == ()


def test_equal_texts_are_equal() -> None:
    """However a variable is written: what has not changed is not compiled again."""
    assert parse("${HOST}", ALLOWED) == parse("$host", ALLOWED)
    assert hash(parse("${HOST}", ALLOWED)) == hash(parse("$host", ALLOWED))
    assert parse("$host", ALLOWED) != parse("host", ALLOWED)


@given(st.text())
def test_texts_without_a_dollar_are_constants(text: str) -> None:
    """Whatever else is in them."""
    text = text.replace("$", "")
    template = parse(text, ALLOWED)
    assert template.variables == ()
    assert template.fill(VALUES) == text
    assert isinstance(template, Template)

"""The directives that a snippet may have, as statements of a policy.

Rules of this file:
- Other directives are refused, with line and name. Nothing of a snippet is ever evaluated as text.
- Variables are those of `edge.table.variables` and those that the snippet itself has set before.
- Directives of ngx_http_rewrite_module, ngx_http_headers_module, ngx_http_proxy_module and headers-more-nginx-module,
  with their own rules about where they may stand (`Place`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from edge.control.translate.snippets import endpoint_tls
from edge.control.translate.snippets.lexer import Directive, SnippetError, directives
from edge.table import templates, variables
from edge.table.fields import RESERVED, name_fault, value_fault
from edge.table.patterns.matching import PatternError, compile_pattern
from edge.table.policies.snippet import (
    REDIRECTS,
    AddField,
    Answer,
    HideField,
    If,
    RequestField,
    SetField,
    SetVariable,
    Statement,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST: Final = 200
"""Directives of one snippet."""
_URL: Final = re.compile(r"(?:(?i:https?|\$scheme)://|/)[^\x00-\x20\x7f]*")
_BLANKS: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_NAME: Final = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_SPACES: Final = str.maketrans("\t\r\n", "   ")
_OF_CONNECTIONS: Final = frozenset({"connection", "upgrade"})
"""Fields that snippets give endpoints so that WebSockets work, which they do with Edge in any case."""
_OPERATORS: Final = ("=", "!=", "~", "~*", "!~", "!~*")


class Place(NamedTuple):
    """A context of nginx's configuration. DIRECTIVES: those that may stand there; WITHIN: those in an `if` there."""

    directives: frozenset[str]
    within: frozenset[str]
    variables: frozenset[str] = frozenset()
    """Variables beside those of a request."""


_ANSWERING: Final = frozenset({"set", "return"})
_ADDING: Final = frozenset({"add_header", "more_set_headers", "more_clear_headers"})
_ASKING: Final = frozenset({"more_set_input_headers", "more_clear_input_headers"})
_SETTING: Final = frozenset({"proxy_set_header", "grpc_set_header"})
"""The same directive, for HTTP and for gRPC; snippets have both where they do not know what endpoints speak."""
_HIDING: Final = frozenset({"proxy_hide_header", "grpc_hide_header"})
LOCATION: Final = Place(
    _ANSWERING | _ADDING | _ASKING | _SETTING | _HIDING | endpoint_tls.NAMES | {"default_type", "if"},
    _ANSWERING | _ADDING | _ASKING,
    variables.ROUTE,
)
SERVER: Final = Place(_ANSWERING | _ADDING | _ASKING | _HIDING | {"default_type", "if"}, _ANSWERING, variables.ROUTE)
"""`proxy_set_header` is not inherited there: each location of ingress-nginx has some of its own."""
SUBREQUEST: Final = Place(frozenset({"proxy_set_header"}), frozenset())
"""The location that asks an authentication server."""


def statements(text: str, place: Place = LOCATION, content_type: str = "") -> tuple[Statement | If, ...]:
    """What the snippet TEXT asks for, which stands in PLACE; CONTENT_TYPE: of its answers, where it does not say so.

    Raises:
        SnippetError: TEXT has something that Edge does not support.
    """
    return _Dialect(place, content_type or "text/html").read(text)


class _Dialect:
    def __init__(self, place: Place, content_type: str) -> None:
        self._place = place
        self._variables = set(variables.REQUEST | place.variables)
        self._content_type = content_type
        self._count = 0
        self._readers: dict[str, Callable[[Directive], Iterator[Statement]]] = {
            "set": self._set,
            "return": self._return,
            "add_header": self._add_header,
            "proxy_set_header": self._proxy_set_header,
            "grpc_set_header": self._proxy_set_header,
            "proxy_hide_header": self._proxy_hide_header,
            "grpc_hide_header": self._proxy_hide_header,
            "more_set_headers": self._more_set_headers,
            "more_clear_headers": self._more_clear_headers,
            "more_set_input_headers": self._more_set_input_headers,
            "more_clear_input_headers": self._more_clear_input_headers,
        }

    def read(self, text: str) -> tuple[Statement | If, ...]:
        found: list[Statement | If] = []
        every = directives(text)
        for one in every:
            if one.name not in self._place.directives:
                known = ", ".join(sorted(self._place.directives))
                raise SnippetError(one.line, f'"{one.name}" is not supported; such a snippet may have {known}')
            if one.name == "default_type":  # a default, regardless of its position
                self._content_type = self._content(one)
        for one in every:
            if one.name == "if":
                found.append(self._if(one))
            elif one.name in endpoint_tls.NAMES:
                endpoint_tls.check(one)  # `transport` reads it
            elif one.name != "default_type":
                found.extend(self._statements(one))
        return tuple(found)

    def _statements(self, one: Directive) -> Iterator[Statement]:
        self._count += 1
        if self._count > MOST:
            raise SnippetError(one.line, f"more than {MOST} directives")
        if one.block is not None:
            raise SnippetError(one.line, f'"{one.name}" has no block')
        return self._readers[one.name](one)

    # --- tests ----------------------------------------------------------------------------------------------------

    def _if(self, one: Directive) -> If:
        if one.block is None:
            raise SnippetError(one.line, '"if" needs a block')
        value, operator, operand = self._test(one)
        self._text(one, value)
        if "~" in operator:
            try:
                compile_pattern(operand, ignore_case=operator.endswith("*"), anchored=False)
            except PatternError as error:
                raise SnippetError(one.line, str(error)) from error
        elif operator:
            self._text(one, operand)
        found: list[Statement] = []
        for inner in one.block:
            if inner.name not in self._place.within:
                raise SnippetError(inner.line, f'"{inner.name}" cannot stand within "if"')
            found.extend(self._statements(inner))
        return If(value, operator, operand, tuple(found))

    def _test(self, one: Directive) -> tuple[str, str, str]:
        """Value, operator and operand of the parentheses."""
        words = list(one.words)
        if not words or not words[0].startswith("(") or not words[-1].endswith(")"):
            raise SnippetError(one.line, '"if" needs a test in parentheses')
        words[0], words[-1] = words[0][1:], words[-1] if len(words) > 1 else words[-1][1:]
        words[-1] = words[-1][:-1]
        words = [word for number, word in enumerate(words) if word or 0 < number < len(words) - 1]
        if words and _NAME.fullmatch(words[0]):
            if len(words) == 1:
                return words[0], "", ""
            if len(words) <= 3 and words[1] in _OPERATORS:
                return words[0], words[1], words[2] if len(words) == 3 else ""
        raise SnippetError(one.line, f'the test of "if" is not "$variable", or one with {" ".join(_OPERATORS)}')

    # --- variables and answers --------------------------------------------------------------------------------------

    def _set(self, one: Directive) -> Iterator[Statement]:
        name, value = self._words(one, 2, 2)
        match = _NAME.fullmatch(name)
        if match is None:
            raise SnippetError(one.line, f'"{name}" is not the name of a variable')
        variable = match[1].lower()
        if variable in variables.REQUEST or variable.startswith(templates.FAMILIES):
            raise SnippetError(one.line, f"${variable} cannot be changed")
        text = self._text(one, value)
        self._variables.add(variable)
        yield SetVariable(variable, text)

    def _return(self, one: Directive) -> Iterator[Statement]:
        words = self._words(one, 1, 2)
        if len(words) == 1 and not words[0].isdigit():
            words = ("302", *words)
        status = int(words[0]) if re.fullmatch("[0-9]{3}", words[0]) else 0
        if not (200 <= status <= 599):
            raise SnippetError(one.line, f'"{words[0]}" is not a status from 200 to 599')
        text = self._text(one, words[1], lines=status not in REDIRECTS) if len(words) == 2 else ""
        if status in REDIRECTS and text:
            if _URL.fullmatch(text) is None:
                raise SnippetError(one.line, f'"{text}" is neither an http or https URL nor a path')
            text = f"$scheme://$host{text}" if text.startswith("/") else text
        yield Answer(status, text, self._content_type)

    # --- fields ---------------------------------------------------------------------------------------------------

    def _add_header(self, one: Directive) -> Iterator[Statement]:
        name, value, *rest = self._words(one, 2, 3)
        if rest and rest != ["always"]:
            raise SnippetError(one.line, f'"{rest[0]}" is not "always"')
        if value:
            yield AddField(self._field(one, name), self._text(one, value), bool(rest))

    def _proxy_set_header(self, one: Directive) -> Iterator[Statement]:
        name, value = self._words(one, 2, 2)
        if name.lower() in _OF_CONNECTIONS:
            return
        yield RequestField(self._field(one, name), self._text(one, value))

    def _proxy_hide_header(self, one: Directive) -> Iterator[Statement]:
        (name,) = self._words(one, 1, 1)
        if name.lower() not in RESERVED:  # of these none is passed on, or it says what follows
            yield HideField(self._field(one, name))

    def _more_set_headers(self, one: Directive) -> Iterator[Statement]:
        for name, value in self._fields(one):
            yield SetField(name, value)

    def _more_clear_headers(self, one: Directive) -> Iterator[Statement]:
        for name in self._cleared(one):
            yield SetField(name, "")

    def _more_set_input_headers(self, one: Directive) -> Iterator[Statement]:
        for name, value in self._fields(one):
            yield RequestField(name, value)

    def _more_clear_input_headers(self, one: Directive) -> Iterator[Statement]:
        for name in self._cleared(one):
            yield RequestField(name, "")

    def _cleared(self, one: Directive) -> Iterator[str]:
        for name in self._words(one, 1, MOST):
            if name.endswith("*"):
                raise SnippetError(one.line, f'"{name}" stands for several fields, which is not supported')
            yield self._field(one, name.rstrip(":"))

    def _fields(self, one: Directive) -> Iterator[tuple[str, str]]:
        """The words `Name: value`; `Name` and `Name:` have an empty value."""
        for word in self._words(one, 1, MOST):
            name, _, value = word.partition(":")
            yield self._field(one, name), self._text(one, value.strip(" \t"))

    # --- words ----------------------------------------------------------------------------------------------------

    def _words(self, one: Directive, least: int, most: int) -> tuple[str, ...]:
        if not least <= len(one.words) <= most:
            raise SnippetError(one.line, f'"{one.name}" has {len(one.words)} parameters')
        if one.words[0].startswith("-"):
            raise SnippetError(one.line, f'the option "{one.words[0]}" of "{one.name}" is not supported')
        return one.words

    def _field(self, one: Directive, name: str) -> str:
        if fault := name_fault(name.strip(" \t")):
            raise SnippetError(one.line, fault)
        return name.strip(" \t")

    def _text(self, one: Directive, text: str, *, lines: bool = False) -> str:
        """TEXT, which may have variables, and several LINES."""
        if fault := value_fault(text.translate(_SPACES) if lines else text):
            raise SnippetError(one.line, fault)
        try:
            templates.parse(text, self._variables)
        except templates.TemplateError as error:
            raise SnippetError(one.line, str(error)) from error
        return text

    def _content(self, one: Directive) -> str:
        (value,) = self._words(one, 1, 1)
        if re.fullmatch(r"[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+", value) is None:
            raise SnippetError(one.line, f'"{value}" is not a media type')
        return value

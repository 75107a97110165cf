"""Decodes one document, YAML or JSON, into plain values.

Rules of this file:
- The values are those of JSON: None, bool, int, float, str, list, dict with str as keys. A date stays text, `12:30` is
  not a number of seconds, and the key `on` is "on".
- Plain words mean what they mean to kubectl: `yes`, `on` and `off` are booleans as values.
- libyaml parses; tags are resolved here, because PyYAML's own resolver knows YAML 1.1 only, and is slow.
- Aliases are expanded up to a limit, so that a small document cannot use much memory.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final

import msgspec
import yaml

_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_INTEGER: Final = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]*|[1-9][0-9_]*)")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?")
_PREFIX: Final = "tag:yaml.org,2002:"
_MOST_VALUES: Final = 1_000_000
_DEEPEST: Final = 100
_MOST_DIGITS: Final = 100
"""Of an integer in YAML; a longer one is text, because Python cannot print it."""
_ANY: Final = msgspec.json.Decoder()


class DocumentError(ValueError):
    """The text is no document; the message says why."""

    def __init__(self, reason: str, line: int = 0) -> None:
        """LINE of the document where it goes wrong, from 0."""
        super().__init__(reason)
        self.line = line


def decode_json(text: str | bytes | msgspec.Raw) -> object:
    """The value in the JSON TEXT.

    Raises:
        DocumentError: it is not JSON.
    """
    try:
        return _ANY.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        reason, line = str(error), 0
        if isinstance(text, str):  # again, for the place
            try:
                json.loads(text)
            except json.JSONDecodeError as precise:
                reason, line = precise.msg, precise.lineno - 1
            except (ValueError, RecursionError):
                pass  # a number of thousands of digits, or values that lie too deep: msgspec has said why
        raise DocumentError(f"not JSON: {reason}", line) from error


def decode_yaml(text: str) -> object:
    """The value in the YAML TEXT, one document.

    Raises:
        DocumentError: it is not YAML, or has values that JSON cannot have.
    """
    try:
        loader = _Loader(text)
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError(f"not YAML: {error.problem}", mark.line if mark is not None else 0) from error
    except yaml.reader.ReaderError as error:
        raise DocumentError(f"not YAML: {error.reason}", text.count("\n", 0, error.position)) from error
    return None if root is None else _Builder().value(root)


class _Loader(yaml.CSafeLoader):
    """Composes nodes; says of a scalar without a tag only whether it is plain."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:  # noqa: ARG002 - PyYAML's signature
        return "plain" if implicit is True or (implicit and implicit[0]) else ""


class _Builder:
    """Values of the nodes of one document."""

    def __init__(self) -> None:
        self._left = _MOST_VALUES
        self._depth = 0

    def value(self, node: yaml.Node) -> object:
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        self._left -= 1 + len(node.value)
        self._depth += 1
        if self._left < 0 or self._depth > _DEEPEST:
            raise DocumentError("not usable YAML: too many or too deeply nested values", _line(node))
        if node.tag not in ("plain", "", _PREFIX + "map", _PREFIX + "seq"):
            raise DocumentError(f"not usable YAML: tag {_shown(node.tag)} has no meaning here", _line(node))
        result = self._mapping(node) if isinstance(node, yaml.MappingNode) else [self.value(one) for one in node.value]
        self._depth -= 1
        return result

    def _mapping(self, node: yaml.MappingNode) -> dict[str, object]:
        result: dict[str, object] = {}
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise DocumentError("not usable YAML: a key must be text", _line(key))
            if key.value == "<<" and key.tag == "plain":
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            elif key.value in result:
                raise DocumentError(f'not usable YAML: the key "{key.value}" stands twice', _line(key))
            else:
                result[key.value] = self.value(value)
        for one in merged:
            for name, value in self._merged(one).items():
                result.setdefault(name, value)
        return result

    def _merged(self, node: yaml.Node) -> dict[str, object]:
        values = self.value(node)
        if not isinstance(values, dict):
            raise DocumentError("not usable YAML: << takes a mapping", _line(node))
        return values

    @staticmethod
    def _scalar(node: yaml.ScalarNode) -> object:
        text: str = node.value
        tag: str = node.tag
        if tag == "plain":
            return _plain(text)
        if not tag or tag in (_PREFIX + "str", _PREFIX + "binary", _PREFIX + "timestamp"):
            return text
        if tag in (_PREFIX + "int", _PREFIX + "float", _PREFIX + "bool", _PREFIX + "null"):
            return _plain(text)
        raise DocumentError(f"not usable YAML: tag {_shown(tag)} has no meaning here", _line(node))


def _plain(text: str) -> object:
    """The value of TEXT, a scalar without quotes."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "-+.0123456789":
        if _INTEGER.fullmatch(text):
            return _integer(text.replace("_", ""))
        if _FLOAT.fullmatch(text):
            number = float(text.replace("_", ""))
            return number if math.isfinite(number) else text
    return text


def _integer(text: str) -> object:
    digits = text.lstrip("-+")
    if len(digits) > _MOST_DIGITS:
        return text
    octal = len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()
    try:
        return int(text, 8 if octal else 0)
    except ValueError:
        return text


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line)


def _shown(tag: str) -> str:
    return tag.replace(_PREFIX, "!!")

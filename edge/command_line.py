"""Command lines and environments that use flags of ingress-nginx, in terms of Edge's settings.

Rules of this file:
- Other flags than those of ingress-nginx are passed on; `edge.options` checks them.
- A flag that has no effect, or none on this command, is removed with a warning.
- The settings of a renamed flag come first, so that the setting itself wins if both are given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from edge import nginx_flags, options
from edge.nginx_flags import IGNORED, NAMES, RENAMED, FlagError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_FLAG: Final = re.compile(r"--?(?P<name>[A-Za-z][\w-]*)(?:=(?P<value>.*))?", re.DOTALL)
_REPEATED: Final = frozenset({"exclude-socket-metrics"})
"""Renamed flags of which each occurrence counts; of others the last one does."""
_DEFAULTS: Final = {name: one.default for name, one in options.FIELDS.items()}
_SWITCHES: Final = nginx_flags.switches(_DEFAULTS)


@dataclass(frozen=True, slots=True)
class Given:
    """The settings that a user has given, and the warnings about them."""

    arguments: list[str]
    environment: dict[str, str]
    warnings: list[str] = field(default_factory=list)


def translated(command: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Given:
    """The ARGUMENTS of COMMAND and its ENVIRONMENT without anything that only ingress-nginx knows.

    Raises:
        OptionError: a value is not valid.
    """
    try:
        return _Translator(command).translated(arguments, environment)
    except FlagError as error:
        raise options.OptionError(str(error)) from None


class _Translator:
    def __init__(self, command: str) -> None:
        self._command = command
        self._ours = {name.name for name in options.of_command(command)}
        self._warnings: list[str] = []

    def translated(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Given:
        renamed: dict[str, str] = {}
        kept = list(self._kept(arguments, renamed))
        first = [one for name, texts in nginx_flags.renamed(renamed).items() for one in self._arguments(name, texts)]
        return Given([*first, *kept], self._environment(environment), self._warnings)

    # --- the command line -----------------------------------------------------------------------------------------

    def _kept(self, arguments: Sequence[str], renamed: dict[str, str]) -> Iterator[str]:
        """Those of ARGUMENTS that settings are read from; RENAMED gets the flags that stand for others."""
        words = iter(arguments)
        for word in words:
            match = _FLAG.fullmatch(word)
            name = match["name"].replace("_", "-") if match is not None else ""
            if match is None or (name not in NAMES and name not in _SWITCHES) or not _is_spelt(word, name):
                yield word
            elif name not in RENAMED and name.replace("-", "_") in self._ours:
                yield from _setting(name, match["value"])
            elif name in NAMES:
                text = match["value"]
                if text is None:
                    text = "true" if name in _SWITCHES else next(words, "")
                self._take(name, text, renamed)
            else:
                yield word

    def _take(self, name: str, text: str, renamed: dict[str, str]) -> None:
        """Handle NAME, a flag of ingress-nginx that is not a setting of this command."""
        if name in RENAMED:
            several = name in _REPEATED and name in renamed
            renamed[name] = f"{renamed[name]},{text}" if several else text
        elif name.replace("-", "_") in options.FIELDS:
            self._warnings.append(f"--{name} has no effect on `edge {self._command}`")
        elif name in IGNORED:
            self._warnings.append(f"--{name} has no effect: {IGNORED[name]}")

    def _arguments(self, name: str, texts: list[str]) -> Iterator[str]:
        """The flags that give the setting NAME these TEXTS; none: this command does not have it."""
        if name not in self._ours:
            return
        for text in texts:
            yield from _setting(name.replace("_", "-"), text)

    # --- the environment ------------------------------------------------------------------------------------------

    def _environment(self, environment: Mapping[str, str]) -> dict[str, str]:
        found = dict(environment)
        renamed = {}
        for name in sorted(NAMES - {"version"}):
            variable = options.PREFIX + name.upper().replace("-", "_")
            text = environment.get(variable, "").strip()
            if not text:
                continue
            if name in RENAMED:
                renamed[name] = text
            elif name in IGNORED and name.replace("-", "_") not in options.FIELDS:
                self._warnings.append(f"environment: {variable} has no effect: {IGNORED[name]}")
        for name, texts in nginx_flags.renamed(renamed).items():
            variable = options.PREFIX + name.upper()
            if name.replace("_", "-") in renamed or not found.get(variable):
                found[variable] = ",".join(texts)
        return found


def _is_spelt(word: str, name: str) -> bool:
    """Whether WORD spells the flag NAME: one letter has one dash or two, a word has two."""
    return word.startswith("--") or len(name) == 1


def _setting(name: str, text: str | None) -> Iterator[str]:
    """The flag NAME as `edge.options` takes it, with the value TEXT if it has one."""
    if text is None:
        yield f"--{name}"
    elif not isinstance(_DEFAULTS[name.replace("-", "_")], bool):
        yield f"--{name}={text}"
    else:
        try:
            yield f"--{name}" if nginx_flags.truth(text) else f"--no-{name}"
        except FlagError as error:
            raise FlagError(f"--{name} {text!r}: {error}") from None

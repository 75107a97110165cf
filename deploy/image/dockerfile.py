"""Reads the Dockerfile's instructions, as far as this project's Dockerfile uses them.

Rules of this file: it only reads; what an instruction does stands in `rootfs.py`. An instruction, flag or heredoc that
is not known here is an error, never skipped: the rehearsal must not pass because it left something out.
Source: Dockerfile reference (https://docs.docker.com/reference/dockerfile/).
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field

INSTRUCTIONS = ("ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN")
KNOWN = frozenset((*INSTRUCTIONS, "STOPSIGNAL", "USER", "WORKDIR"))
FLAGS = {"COPY": {"from"}, "HEALTHCHECK": {"interval", "timeout", "start-period", "retries"}}


class UnknownInstructionError(ValueError):
    """The Dockerfile says something that the rehearsal cannot do."""


@dataclass(frozen=True)
class Instruction:
    """One instruction of a stage."""

    line: int
    name: str
    flags: dict[str, str]
    text: str
    """What follows name and flags, continuation lines joined."""

    def words(self) -> list[str]:
        """The arguments: of the JSON form as they are, else split as a shell would."""
        if self.text.startswith("["):
            return [str(word) for word in json.loads(self.text)]
        return shlex.split(self.text)

    def pairs(self) -> list[tuple[str, str]]:
        """NAME=VALUE arguments (ENV, LABEL, ARG); a name alone has an empty value."""
        return [(name, value) for name, _, value in (word.partition("=") for word in self.words())]


@dataclass
class Stage:
    """What stands between one FROM and the next."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)


def parse(text: str) -> tuple[dict[str, str], list[Stage]]:
    """The ARGs before the first FROM with their defaults, and the stages."""
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for instruction in _instructions(text):
        if instruction.name == "FROM":
            words = instruction.words()
            name = words[2] if len(words) == 3 else str(len(stages))
            stages.append(Stage(base=substitute(words[0], arguments), name=name))
        elif stages:
            stages[-1].instructions.append(instruction)
        else:
            arguments.update(instruction.pairs())
    return arguments, stages


def substitute(text: str, variables: dict[str, str]) -> str:
    """TEXT with `$NAME` and `${NAME}` replaced; an unset variable is empty, as in a build."""
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda match: variables.get(match[1] or match[2], ""), text)


def _instructions(text: str) -> list[Instruction]:
    found = []
    for number, line in _logical_lines(text):
        name, _, rest = line.partition(" ")
        name, rest = name.upper(), rest.strip()
        flags = {}
        while match := re.match(r"--([\w-]+)(?:=(\S+))?\s+", rest):
            flags[match[1]] = match[2] or ""
            rest = rest[match.end() :]
        if name not in KNOWN or set(flags) - FLAGS.get(name, set()) or rest.startswith("<<"):
            raise UnknownInstructionError(f"line {number}: {line.split(' --', 1)[0]}: not known to the rehearsal")
        found.append(Instruction(number, name, flags, rest))
    return found


def _logical_lines(text: str) -> list[tuple[int, str]]:
    lines: list[tuple[int, str]] = []
    start, parts = 0, list[str]()
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        start = start or number
        parts.append(line.removesuffix("\\").strip())
        if not line.endswith("\\"):
            lines.append((start, " ".join(parts)))
            start, parts = 0, []
    return lines

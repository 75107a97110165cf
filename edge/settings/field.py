"""One setting: its default, its help text, and the commands that take it."""

from __future__ import annotations

import math
from dataclasses import field
from typing import Any

ALL = ("run", "control", "proxy")
CONTROL = ("run", "control")
TRANSLATION = ("run", "control", "check")
PROXY = ("run", "proxy")

LARGEST_HEAD = 60 << 10
"""Bytes that a head may have at most: it must fit into one buffer, with room for what Edge adds."""


def setting(
    default: Any,
    text: str,
    *,
    placeholder: str = "",
    commands: tuple[str, ...] = ALL,
    choices: tuple[str, ...] = (),
    least: float = 0,
    most: float = math.inf,
) -> Any:
    """A field of `Settings`; a tuple as DEFAULT makes the flag repeatable (in the environment: comma separated).

    LEAST and MOST are for numbers.
    """
    metadata = {
        "help": text,
        "placeholder": placeholder,
        "commands": commands,
        "choices": choices,
        "least": least,
        "most": most,
    }
    return field(default=default, metadata=metadata)

"""Times as nginx writes them (nginx docs, "Configuration file measurement units")."""

from __future__ import annotations

import re
from typing import Final

_SECONDS: Final = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
    "M": 2592000.0,
    "y": 31536000.0,
}
_DURATION: Final = re.compile(r"([0-9]{1,9})(ms|[smhdwMy])")
_STATUS: Final = re.compile(r"[1-5][0-9]{2}")
PLAIN: Final = (200, 301, 302)
"""Statuses for a time without any (nginx docs, proxy_cache_valid)."""
ANY: Final = 0


def cache_times(text: str) -> tuple[tuple[int, float], ...] | None:
    """Seconds by status of TEXT, such as `200 202 10m, 401 1m`; ANY stands for any other status; None: it is none."""
    times: list[tuple[int, float]] = []
    for entry in text.split(","):
        words = entry.split()
        durations = [_DURATION.fullmatch(word) for word in words]
        first = next((number for number, one in enumerate(durations) if one is not None), len(words))
        statuses = words[:first]
        if not words:
            continue
        if None in durations[first:] or first == len(words):
            return None
        if any(word != "any" and _STATUS.fullmatch(word) is None for word in statuses):
            return None
        seconds = sum(int(one[1]) * _SECONDS[one[2]] for one in durations[first:] if one is not None)
        codes = [ANY if word == "any" else int(word) for word in statuses] or list(PLAIN)
        times += [(code, seconds) for code in codes]
    return tuple(times) or None

"""The header fields that policies may set: one rule for the control plane, which reports violations, and for workers.

Source: RFC 9110, sections 5.1, 5.5 and 7.6.1; RFC 9112, section 6.
"""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}")
_VALUE: Final = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]{0,8192}")
RESERVED: Final = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "http2-settings",
        "keep-alive",
        "proxy",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""They frame a message or belong to one connection: Edge alone writes them."""


def name_fault(name: str) -> str:
    """Why NAME cannot be that of a field that a policy changes; empty: it can."""
    if _NAME.fullmatch(name) is None:
        return f'"{name}" is not a field name'
    return f'"{name}" cannot be changed' if name.lower() in RESERVED else ""


def value_fault(value: str) -> str:
    """Why VALUE cannot be that of a field; empty: it can."""
    return "" if _VALUE.fullmatch(value) is not None else "a field value has no control characters"

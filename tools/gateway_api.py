"""Writes the table of features into docs/gateway-api.md: python tools/gateway_api.py (make docs)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from edge.control.translate.gateway.statuses import FEATURES, OWN_ADDRESSES

TARGET: Final = Path(__file__).parents[1] / "docs/gateway-api.md"
BEGIN: Final = "<!-- features -->\n"
END: Final = "<!-- /features -->\n"


def text() -> str:
    """The page, with the features of the code."""
    before, _, rest = TARGET.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    rows = [f"| `{name}` | {'*' if name in OWN_ADDRESSES else ''} |\n" for name in FEATURES]
    return f"{before}{BEGIN}| feature | |\n|---|---|\n{''.join(rows)}{END}{after}"


if __name__ == "__main__":
    TARGET.write_text(text())

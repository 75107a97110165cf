"""Writes the table of features into docs/gateway-api.md: python tools/gateway_api.py (make docs)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from edge.control.translate.gateway.features import EXPERIMENTAL, FEATURES, OWN_ADDRESSES, SERVICES

TARGET: Final = Path(__file__).parents[1] / "docs/gateway-api.md"
BEGIN: Final = "<!-- features -->\n"
END: Final = "<!-- /features -->\n"
NEEDS: Final = (
    (OWN_ADDRESSES, "`--gateway-addresses` or `--gateway-services`"),
    (SERVICES, "`--gateway-services`"),
    (EXPERIMENTAL, "CRDs of the experimental channel"),
)


def text() -> str:
    """The page, with the features of the code."""
    before, _, rest = TARGET.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    rows = [f"| `{name}` | {_needs(name)} |\n" for name in FEATURES]
    return f"{before}{BEGIN}| feature | needs |\n|---|---|\n{''.join(rows)}{END}{after}"


def _needs(feature: str) -> str:
    return ", ".join(text for features, text in NEEDS if feature in features)


if __name__ == "__main__":
    TARGET.write_text(text())

"""docs/metrics.md and the code."""

import runpy

from tests.support.rendering import ROOT


def test_the_reference_is_made_from_the_definitions():
    generated = runpy.run_path(str(ROOT / "tools/metrics.py"))["text"]()
    assert (ROOT / "docs/metrics.md").read_text() == generated, "run `python tools/metrics.py`"

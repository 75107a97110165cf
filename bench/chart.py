#!/usr/bin/env python3
"""A picture of what bench/compare.py measured: `python bench/chart.py RESULT.json docs/images/speed.png`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import matplotlib as mpl

mpl.use("Agg")

from compare import Measured, medians
from matplotlib import pyplot as plt

COLOURS = {"edge": "#0b6e4f", "nginx": "#9aa5b1", "haproxy": "#c3ccd5"}
TITLES = {
    "small": "HTTP, 13 bytes",
    "64k": "HTTP, 64 KiB",
    "tls": "TLS, keep-alive",
    "tls-new": "TLS, new connection",
    "policies": "five policies",
    "h2": "HTTP/2",
    "h2-tls": "HTTP/2 over TLS",
    "grpc": "gRPC",
}
IN_A_ROW = 4


def main() -> None:
    document = json.loads(Path(sys.argv[1]).read_text())
    middle = medians([Measured(**one) for one in document["rounds"]])
    rows = -(-len(middle) // IN_A_ROW)
    figure, grid = plt.subplots(rows, IN_A_ROW, figsize=(2.6 * IN_A_ROW, 3.2 * rows), squeeze=False)
    for axis in grid.flat[len(middle) :]:
        axis.axis("off")
    for axis, (scenario, found) in zip(grid.flat, middle.items(), strict=False):
        names = [name for name in COLOURS if name in found]
        values = [found[name].microseconds for name in names]
        bars = axis.bar(names, values, color=[COLOURS[name] for name in names])
        axis.bar_label(bars, fmt="%.0f", padding=2, fontsize=9)
        axis.set_title(TITLES.get(scenario, scenario), fontsize=10)
        axis.set_ylim(0, max(values) * 1.18)
        axis.set_yticks([])
        axis.spines[["top", "right", "left"]].set_visible(False)
    versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    figure.suptitle("Processor time per request, microseconds (less is better)", fontsize=11)
    caption = f"{versions}; one worker, {document['hosts']} hosts"
    figure.text(0.5, 0.01, caption, ha="center", fontsize=8, color="#555555")
    figure.tight_layout(rect=(0, 0.04, 1, 0.97))
    Path(sys.argv[2]).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(sys.argv[2], dpi=150)


if __name__ == "__main__":
    main()

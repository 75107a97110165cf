"""Draws a dashboard as a picture for the README: its own panels and queries, answered by a real Prometheus.

    python grafana/render.py [--seconds 120] [--output docs/images/dashboard.png]

Edge, three servers and a Prometheus are started, traffic that rises and falls goes through Edge for SECONDS, and the
panels of edge-overview.json are drawn with matplotlib where Grafana would put them. It is no screenshot of Grafana, and
says so. Needs the extras `test` and `dashboards`, and the Debian package prometheus.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from tests.support import observed, prometheus  # noqa: E402 - the repository is no package

BACKGROUND, CARD, TEXT, FAINT = "#111217", "#181b1f", "#ccccdc", "#6e7079"
COLORS = ["#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9", "#8ab8ff", "#fade2a", "#96d98d", "#ffb357"]
CLASSES = {"2xx": "#73bf69", "3xx": "#5794f2", "4xx": "#f2cc0c", "5xx": "#f2495c"}
VARIABLES = {"namespace": ".*", "ingress": ".*", "instance": ".*", "__rate_interval": prometheus.RATE_INTERVAL}
ROWS = ("Requests", "Routes", "Saturation")
"""Rows of the dashboard that are drawn."""
CELL = 0.42
"""Inches of a row of Grafana's grid."""


class View(NamedTuple):
    """A panel, where it goes, and where its data come from."""

    figure: Any
    card: Any
    box: tuple[float, float, float, float]
    panel: dict[str, Any]
    source: prometheus.Prometheus
    start: float
    end: float

    @property
    def unit(self) -> str:
        """What its numbers are."""
        unit: str = self.panel["fieldConfig"]["defaults"]["unit"]
        return unit

    def series(self, target: dict[str, Any]) -> list[dict[str, Any]]:
        """What a query of the panel gives."""
        return self.source.query_range(_query(target), self.start, self.end)


def main() -> None:
    """Run, watch, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--output", type=Path, default=ROOT / "docs/images/dashboard.png")
    arguments = parser.parse_args()
    board = json.loads((ROOT / "grafana/edge-overview.json").read_text())
    with tempfile.TemporaryDirectory() as folder, observed.world(Path(folder)) as world:
        world.error_share = 0.01
        more = [client for _ in range(5) for client in world.clients()]
        for client in more:
            client.start()
        started = time.time()
        traffic = threading.Thread(target=_vary, args=(world, started, arguments.seconds))
        traffic.start()
        traffic.join()
        picture = draw(board, world.prometheus, started + 6, time.time())
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(arguments.output, facecolor=BACKGROUND, dpi=100)


def _vary(world: observed.World, started: float, seconds: float) -> None:
    """Two tides of traffic, and a spell of errors in the second half."""
    while (passed := (time.time() - started) / seconds) < 1:
        world.pause = 0.05 - 0.035 * math.sin(passed * 4 * math.pi)
        world.error_share = 0.12 if 0.6 < passed < 0.7 else 0.01
        time.sleep(0.2)


def draw(board: dict[str, Any], source: prometheus.Prometheus, start: float, end: float) -> Any:
    """A figure with the panels of BOARD, from what SOURCE knows between START and END."""
    panels = _chosen(board)
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) + 2
    figure = plt.figure(figsize=(16, height * CELL), facecolor=BACKGROUND)
    note = "drawn by grafana/render.py from a real Prometheus; not a screenshot of Grafana"
    figure.text(0.01, 1 - 0.7 / height, board["title"], color=TEXT, fontsize=15, weight="bold", va="center")
    figure.text(0.99, 1 - 0.7 / height, note, color=FAINT, fontsize=10, ha="right", va="center")
    for panel in panels:
        place = panel["gridPos"]
        bottom = 1 - (place["y"] + place["h"] + 1.5) / height
        box = (place["x"] / 24 + 0.002, bottom + 0.1 / height, place["w"] / 24 - 0.004, (place["h"] - 0.2) / height)
        card = figure.add_axes(box, facecolor=CARD, xticks=[], yticks=[])
        card.spines[:].set_visible(False)
        if panel["type"] == "row":
            card.set_facecolor(BACKGROUND)
            card.text(0.0, 0.4, panel["title"], color=TEXT, fontsize=12, weight="bold", va="center")
            continue
        inches = place["h"] * CELL
        card.text(0.012 * 24 / place["w"] * 0.5, 1 - 0.2 / inches, panel["title"], color=TEXT, fontsize=10, va="center")
        DRAWERS[panel["type"]](View(figure, card, box, panel, source, start, end))
    return figure


def _chosen(board: dict[str, Any]) -> list[dict[str, Any]]:
    found, wanted = [], False
    for panel in board["panels"]:
        if panel["type"] == "row":
            wanted = panel["title"] in ROWS
        if wanted:
            found += [panel, *panel.get("panels", ())]
    return found


def _query(target: dict[str, Any]) -> str:
    expression: str = target["expr"]
    for name, value in VARIABLES.items():
        expression = expression.replace(f"${name}", value)
    return expression


def _legend(target: dict[str, Any], labels: dict[str, str]) -> str:
    text: str = target.get("legendFormat", "")
    for name, value in labels.items():
        text = text.replace(f"{{{{{name}}}}}", "edge" if name == "instance" else value)
    return text


def _chart(view: View) -> None:
    panel, (left, bottom, width, height) = view.panel, view.box
    axes = view.figure.add_axes((left + 0.04, bottom + 0.27 * height, width - 0.048, 0.6 * height), facecolor=CARD)
    stacked = (panel["fieldConfig"]["defaults"].get("custom", {}).get("stacking") or {}).get("mode") == "normal"
    lines = []
    for target in panel["targets"]:
        for series in view.series(target):
            times = [(float(at) - view.start) for at, _ in series["values"]]
            lines.append((_legend(target, series["metric"]), times, [float(value) for _, value in series["values"]]))
    for number, (name, times, values) in enumerate(lines):
        color = CLASSES.get(name, COLORS[number % len(COLORS)])
        if stacked:
            continue
        axes.plot(times, values, color=color, linewidth=1.2, label=name)
        axes.fill_between(times, values, color=color, alpha=0.08, linewidth=0)
    if stacked:
        grid = sorted({at for _, times, _ in lines for at in times})
        filled = [[dict(zip(times, values, strict=True)).get(at, 0.0) for at in grid] for _, times, values in lines]
        names = [name for name, _, _ in lines]
        colors = [CLASSES.get(name, COLORS[number % len(COLORS)]) for number, name in enumerate(names)]
        axes.stackplot(grid, filled, labels=names, colors=colors, alpha=0.75, linewidth=0)
    axes.set_ylim(bottom=0)
    axes.margins(x=0)
    axes.yaxis.set_major_locator(mpl.ticker.MaxNLocator(4))
    axes.yaxis.set_major_formatter(lambda value, _: shown(value, view.unit))
    axes.xaxis.set_major_formatter(lambda value, _: f"{int(value) // 60}:{int(value) % 60:02d}")
    axes.tick_params(colors=FAINT, labelsize=8, length=0)
    axes.grid(color="#2c2f36", linewidth=0.6)
    axes.spines[:].set_visible(False)
    columns = min(len(lines), 3 if panel["gridPos"]["w"] < 10 else 6)
    view.card.legend(
        *axes.get_legend_handles_labels(),
        loc="lower left",
        ncols=max(1, columns),
        fontsize=7.5,
        frameon=False,
        labelcolor=TEXT,
        borderpad=0.2,
        handlelength=1.2,
        columnspacing=1.2,
    )


def _number(view: View) -> None:
    values = [float(value) for _, value in view.series(view.panel["targets"][0])[0]["values"]]
    color = "#73bf69"
    for step in view.panel["fieldConfig"]["defaults"]["thresholds"]["steps"]:
        if step["value"] is not None and values[-1] >= step["value"]:
            color = {"yellow": "#f2cc0c", "red": "#f2495c"}[step["color"]]
    inner = view.card.inset_axes((0, 0, 1, 0.4))
    inner.fill_between(range(len(values)), values, color=color, alpha=0.25, linewidth=0)
    inner.set_ylim(0, max(*values, 1e-9) * 1.2)
    inner.margins(x=0)
    inner.axis("off")
    text = shown(values[-1], view.unit)
    view.card.text(0.5, 0.5, text, color=color, fontsize=20, weight="bold", ha="center", va="center")


def _table(view: View) -> None:
    panel, card = view.panel, view.card
    names = list(panel["transformations"][1]["options"]["renameByName"].values())
    units = {one["matcher"]["options"]: one["properties"][0]["value"] for one in panel["fieldConfig"]["overrides"]}
    rows: dict[tuple[tuple[str, str], ...], dict[str, float]] = {}
    for name, target in zip(names, panel["targets"], strict=True):
        for labels, value in view.source.query(_query(target)):
            rows.setdefault(tuple(sorted(labels.items())), {})[name] = value
    keys = ["namespace", "ingress", "service"]
    header = [*keys, *names]
    lines = sorted(rows.items(), key=lambda row: -row[1].get(names[0], 0))
    places = [0.01 + 0.165 * index for index in range(len(header))]
    for place, title in zip(places, header, strict=True):
        card.text(place, 0.83, title, color="#6e9fff", fontsize=9, va="center")
    for number, (labels, values) in enumerate(lines):
        texts = [dict(labels)[key] for key in keys] + [shown(values.get(name, math.nan), units[name]) for name in names]
        for place, cell in zip(places, texts, strict=True):
            card.text(place, 0.72 - 0.1 * number, cell, color=TEXT, fontsize=9, va="center")


def shown(value: float, unit: str) -> str:
    """VALUE as Grafana would write it in UNIT."""
    if unit == "percentunit":
        return f"{value * 100:.3g}%"
    if unit == "s":
        return f"{value:.3g} s" if value >= 1 or not value else f"{value * 1000:.3g} ms"
    suffix = {"reqps": " req/s", "ops": " ops/s", "Bps": "B/s", "bytes": "B"}.get(unit, "")
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.3g}{' ' if suffix.startswith('B') else ''}{letter}{suffix}"
    return f"{value:.3g}{' ' if suffix.startswith('B') else ''}{suffix}"


DRAWERS = {"timeseries": _chart, "stat": _number, "table": _table}

if __name__ == "__main__":
    main()

"""Writes the dashboards, and what the Helm chart and the Prometheus operator need of this folder.

    python grafana/generate.py            (make dashboards)

edge-overview.json and edge-ingress.json come from overview.py and ingress.py; prometheusrule.yaml from alerts.yaml; the
chart's files/ are copies, since Helm reads nothing outside of a chart. Needs the extra `dashboards`.
"""

from __future__ import annotations

from pathlib import Path

import ingress
import overview
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder

FOLDER = Path(__file__).parent
CHART_FILES = FOLDER.parent / "deploy/helm/edge-ingress/files"
BOARDS = {"edge-overview.json": overview.build, "edge-ingress.json": ingress.build}


def files() -> dict[Path, str]:
    """Every generated file and its text."""
    alerts = (FOLDER / "alerts.yaml").read_text()
    found = {FOLDER / "prometheusrule.yaml": _rule(yaml.safe_load(alerts)), CHART_FILES / "alerts.yaml": alerts}
    for name, build in BOARDS.items():
        text = JSONEncoder(sort_keys=True, indent=1).encode(build().build()) + "\n"
        found[FOLDER / name] = found[CHART_FILES / name] = text
    return found


def _rule(alerts: dict[str, object]) -> str:
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "edge", "labels": {"app.kubernetes.io/name": "edge-ingress"}},
        "spec": alerts,
    }
    return "# Made from alerts.yaml by generate.py.\n" + yaml.safe_dump(rule, sort_keys=False, width=120)


if __name__ == "__main__":
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

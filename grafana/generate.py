"""Writes the dashboards into the Helm chart, which reads nothing outside of itself, and the PrometheusRule.

    python grafana/generate.py            (make dashboards)

edge-overview.json and edge-ingress.json come from overview.py and ingress.py; prometheusrule.yaml, for the Prometheus
operator without Helm, from the chart's alerts.yaml. Needs the extra `dashboards`.
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
    encoder = JSONEncoder(sort_keys=True, indent=1)
    found = {CHART_FILES / name: encoder.encode(build().build()) + "\n" for name, build in BOARDS.items()}
    found[FOLDER / "prometheusrule.yaml"] = _rule(yaml.safe_load((CHART_FILES / "alerts.yaml").read_text()))
    return found


def _rule(alerts: dict[str, object]) -> str:
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "edge", "labels": {"app.kubernetes.io/name": "edge-ingress"}},
        "spec": alerts,
    }
    return "# Made from the alerts.yaml of the Helm chart by generate.py.\n" + yaml.safe_dump(
        rule, sort_keys=False, width=120
    )


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text)

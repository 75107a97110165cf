"""Writes the dashboards and the PrometheusRule. The Helm chart has links to them.

    python grafana/generate.py            (make dashboards)

edge-overview.json and edge-ingress.json come from overview.py and ingress.py; prometheusrule.yaml, for the Prometheus
operator without Helm, from alerts.yaml. Needs the extra `dashboards`.
"""

from __future__ import annotations

from pathlib import Path

import ingress
import overview
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder

FOLDER = Path(__file__).parent
BOARDS = {"edge-overview.json": overview.build, "edge-ingress.json": ingress.build}


def files() -> dict[Path, str]:
    """Every generated file and its text."""
    encoder = JSONEncoder(sort_keys=True, indent=1)
    found = {FOLDER / name: encoder.encode(build().build()) + "\n" for name, build in BOARDS.items()}
    found[FOLDER / "prometheusrule.yaml"] = _rule(yaml.safe_load((FOLDER / "alerts.yaml").read_text()))
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
        path.write_text(text)

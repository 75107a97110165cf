"""A real Prometheus that scrapes a real Edge twice a second."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support.waiting import eventually, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERVAL = "500ms"
RATE_INTERVAL = "5s"
"""What `$__rate_interval` stands for: at least four times what is scraped."""
TAKEOVER_LABELS = {"namespace": "edge-ingress", "kubernetes_pod_name": "edge-0"}
"""Labels that discovery in a cluster gives to the targets of the second job."""
_NGINX = "nginx_ingress_controller_.*"


def program(name: str) -> str:
    """The path of NAME; skips the test where it is not installed, except in CI, which has to have it."""
    found = shutil.which(name)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{name} is not installed; `make packages` installs it")
    return found or pytest.skip(f"{name} is not installed")


class Prometheus:
    """One that runs."""

    def __init__(self, port: int) -> None:
        self.port = port

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The series that EXPRESSION gives now: labels and value."""
        result = self._get("query", query=expression)
        if result["resultType"] == "scalar":
            return [({}, float(result["result"][1]))]
        return [(one["metric"], float(one["value"][1])) for one in result["result"]]

    def query_range(self, expression: str, start: float, end: float, step: float = 1) -> list[dict[str, Any]]:
        """The series that EXPRESSION gives between START and END (Unix seconds)."""
        found: list[dict[str, Any]] = self._get("query_range", query=expression, start=start, end=end, step=step)[
            "result"
        ]
        return found

    def firing(self) -> set[str]:
        """Names of the alerts that fire."""
        return {one["labels"]["alertname"] for one in self._get("alerts")["alerts"] if one["state"] == "firing"}

    def _get(self, what: str, **parameters: Any) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                data: dict[str, Any] = json.load(response)["data"]
                return data
        except urllib.error.HTTPError as error:
            raise ValueError(f"{json.load(error)['error']}: {parameters}") from None


@contextlib.contextmanager
def running(folder: Path, *targets: str, rules: dict[str, Any] | None = None) -> Iterator[Prometheus]:
    """Scrapes TARGETS, evaluates RULES twice a second, and keeps everything in FOLDER."""
    port = free_port()
    config = {
        "global": {"scrape_interval": INTERVAL, "scrape_timeout": INTERVAL, "evaluation_interval": INTERVAL},
        "scrape_configs": [_ours(targets), _as_ingress_nginx(targets)],
        "rule_files": [str(folder / "rules.yaml")] if rules else [],
    }
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    arguments = [
        program("prometheus"),
        f"--config.file={folder}/prometheus.yaml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
    prometheus = Prometheus(port)
    try:
        eventually(lambda: _answers(prometheus), message="Prometheus did not start")
        yield prometheus
    finally:
        process.terminate()
        process.wait(40)


def _ours(targets: tuple[str, ...]) -> dict[str, Any]:
    """The job for metrics under our own names."""
    return {
        "job_name": "edge",
        "honor_labels": True,
        "static_configs": [{"targets": list(targets)}],
        "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": _NGINX, "action": "drop"}],
    }


def _as_ingress_nginx(targets: tuple[str, ...]) -> dict[str, Any]:
    """The job for metrics under the names of ingress-nginx, as its dashboards want it: where a label of a metric is one
    of its target, too, the metric's gets the prefix `exported_`."""
    return {
        "job_name": "ingress-nginx",
        "static_configs": [{"targets": list(targets), "labels": TAKEOVER_LABELS}],
        "metric_relabel_configs": [{"source_labels": ["__name__"], "regex": _NGINX, "action": "keep"}],
    }


def hasty(alerts: dict[str, Any]) -> dict[str, Any]:
    """ALERTS that need not wait: no `for`, and no look back over more than ten seconds."""
    groups = [group | {"rules": [_hasty_rule(rule) for rule in group["rules"]]} for group in alerts["groups"]]
    return {"groups": groups}


def _hasty_rule(rule: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in rule.items() if name != "for"} | {
        "expr": re.sub(r"\[\d+m\]", "[10s]", rule["expr"])
    }


def _answers(prometheus: Prometheus) -> bool:
    try:
        return bool(prometheus.query("vector(1)"))
    except (OSError, ValueError):
        return False

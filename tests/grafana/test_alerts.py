"""The alerts as they are written: what they say, and by promtool how long each waits before it fires."""

import re
import subprocess

import pytest
import yaml

from tests.grafana.conftest import RULES
from tests.support import prometheus
from tests.support.rendering import FILES, ROOT

# --- the rules themselves --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alert", RULES)
def test_an_alert_says_how_bad_it_is_what_it_means_and_what_to_do(alert):
    rule = RULES[alert]
    assert rule["labels"]["severity"] in ("info", "warning", "critical")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}


def test_prometheus_takes_the_rules():
    command = [prometheus.program("promtool"), "check", "rules", FILES / "alerts.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_metric_of_a_rule_is_one_that_edge_has():
    documented = (ROOT / "docs/metrics.md").read_text()
    for rule in RULES.values():
        for name in re.findall(r"\bedge_\w+", rule["expr"]):
            assert f"`{re.sub('_(bucket|count|sum)$', '', name)}`" in documented, name


# --- time ------------------------------------------------------------------------------------------------------------

ROUTE = 'namespace="demo",ingress="shop",service="shop"'
ON = 'job="edge",instance="a"'
SECOND = f'edge_requests_total{{{ROUTE},status_class="2xx"}}'
TIMES = {
    "EdgeErrorRatioHigh": (
        {f'edge_requests_total{{{ROUTE},status_class="5xx"}}': "0+60x60", SECOND: "0+240x60"},
        (5, 11),
    ),
    "EdgeLatencyHigh": (
        {
            f'edge_request_duration_seconds_bucket{{{ROUTE},le="2.5"}}': "0+90x60",
            f'edge_request_duration_seconds_bucket{{{ROUTE},le="5"}}': "0+100x60",
            f'edge_request_duration_seconds_bucket{{{ROUTE},le="+Inf"}}': "0+100x60",
            f"edge_request_duration_seconds_count{{{ROUTE}}}": "0+100x60",
        },
        (10, 16),
    ),
    "EdgeNoEndpoints": ({'edge_service_endpoints{namespace="demo",service="shop",port="80"}': "0x60"}, (4, 6)),
    "EdgeUpstreamConnectFailures": (
        {
            f"edge_upstream_connect_failures_total{{{ON}}}": "0+20x60",
            f"edge_upstream_connections_total{{{ON}}}": "0+80x60",
        },
        (10, 16),
    ),
    "EdgeSessionErrorRatioHigh": (
        {
            f'edge_sessions_total{{{ROUTE},protocol="tcp",status="503"}}': "0+60x60",
            f'edge_sessions_total{{{ROUTE},protocol="tcp",status="200"}}': "0+240x60",
        },
        (5, 11),
    ),
    "EdgeDatagramsDropped": (
        {
            f"edge_datagrams_dropped_total{{{ON}}}": "0+20x60",
            f"edge_datagrams_received_total{{{ON}}}": "0+80x60",
        },
        (10, 16),
    ),
    "EdgeCertificateExpiresSoon": (
        {'edge_certificate_expiry_timestamp_seconds{namespace="demo",secret="tls",common_name="a"}': "600000x120"},
        (59, 62),
    ),
    "EdgeCertificateExpired": (
        {'edge_certificate_expiry_timestamp_seconds{namespace="demo",secret="tls",common_name="a"}': "300x60"},
        (4, 6),
    ),
    "EdgeDown": ({f"edge_build_info{{{ON}}}": "1x3 stale"}, (3, 8)),
    "EdgeControlPlaneStale": ({f'edge_kind_synced{{{ON},kind="Ingress"}}': "0x60"}, (4, 6)),
    "EdgeWorkerBehind": (
        {
            f'edge_worker_table_lag{{{ON},worker="0"}}': "1x60",
            f'edge_worker_table_generation{{{ON},worker="0"}}': "7x60",
        },
        (1, 3),
    ),
    "EdgeProblems": ({f'edge_problems{{{ON},severity="error",reason="MissingService"}}': "2x60"}, (14, 16)),
    "EdgeWorkersRestarting": ({f'edge_worker_restarts_total{{{ON},worker="0"}}': "0x9 1+1x30"}, (10, 20)),
    "EdgeWorkersSaturated": ({f'edge_worker_cpu_seconds_total{{{ON},worker="0"}}': "0+58x60"}, (14, 22)),
    "EdgeConnectionsRefused": ({f"edge_connections_refused_total{{{ON}}}": "0+5x60"}, (1, 5)),
}
"""Series of each alert by the minute; a minute at which it does not fire yet, and one at which it does."""


def test_each_alert_waits_as_long_as_it_says_and_then_fires(tmp_path):
    assert TIMES.keys() == RULES.keys()
    (tmp_path / "alerts.yaml").write_text((FILES / "alerts.yaml").read_text())
    script = prometheus.program("promtool")
    for alert, (series, (early, late)) in TIMES.items():
        test = {
            "interval": "1m",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [
                {"expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})', "eval_time": f"{minute}m",
                 "exp_samples": samples}
                for minute, samples in ((early, []), (late, [{"labels": "{}", "value": 1}]))
            ],
        }  # fmt: skip
        (tmp_path / f"{alert}.yaml").write_text(
            yaml.safe_dump({"rule_files": ["alerts.yaml"], "evaluation_interval": "1m", "tests": [test]})
        )
    files = [str(tmp_path / f"{alert}.yaml") for alert in TIMES]
    done = subprocess.run([script, "test", "rules", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

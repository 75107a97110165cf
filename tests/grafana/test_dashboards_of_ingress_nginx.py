"""The dashboards and alerts that ingress-nginx ships work on Edge's metrics as they are.

Each query of the dashboards "NGINX Ingress controller" and "Request handling performance" of ingress-nginx 1.15, and of
the alerts that its chart suggests, is put to a real Prometheus that scrapes a loaded Edge: the same metrics, matchers,
functions, ranges and groups. Grafana's variables stand for everything (`.*`), then for what they offer.
"""

import math
import re

import pytest

from tests.support.prometheus import TAKEOVER_LABELS
from tests.support.waiting import eventually

ALL = dict.fromkeys(("namespace", "controller_class", "controller", "exported_namespace", "ingress"), ".*")
CHOSEN = {
    "namespace": TAKEOVER_LABELS["namespace"],
    "controller_class": "edge.ingress/controller",
    "controller": TAKEOVER_LABELS["kubernetes_pod_name"],
    "exported_namespace": "demo",
    "ingress": "shop",
}

PREFIX = "nginx_ingress_controller_"
POD = 'controller_pod=~"$controller",controller_class=~"$controller_class"'
TARGET = f'{POD},namespace=~"$namespace"'
"""Of the metric's target: the label `namespace` is the controller's there, and that of the Ingress `exported_`."""
PLANE = f'{POD},controller_namespace=~"$namespace"'
ROUTE = 'exported_namespace=~"$exported_namespace",ingress=~"$ingress"'
NAMED = f'ingress!="",{PLANE},{ROUTE}'
GOOD = 'status!~"[4-5].*"'
BAD = 'status=~"[4-5].*"'


def total(function, metric, labels, range_, by=""):
    """FUNCTION over RANGE_ of the series of METRIC with LABELS, summed BY some of them."""
    return f"sum({function}({PREFIX}{metric}{{{labels}}}[{range_}])){f' by ({by})' if by else ''}"


def quantile(share, metric, labels, range_, by="le"):
    return f"histogram_quantile({share}, {total('rate', f'{metric}_bucket', labels, range_, by)})"


def quotient(metric, one, other, range_, by=""):
    return f"{total('rate', metric, one, range_, by)} / {total('rate', metric, other, range_, by)}"


REQUESTS = "requests"
DURATION, RESPONSE = "request_duration_seconds", "response_duration_seconds"
SIZE_IN, SIZE_OUT = "request_size_sum", "response_size_sum"
CONTROLLER = {
    "request volume": f"round({total('irate', REQUESTS, TARGET, '2m')}, 0.001)",
    "connections": total("avg_over_time", "nginx_process_connections", f'{PLANE},state="active"', "2m"),
    "success rate": quotient(REQUESTS, f"{TARGET},{GOOD}", TARGET, "2m"),
    "reloads": f"avg(irate({PREFIX}success{{{PLANE}}}[1m])) * 60",
    "volume of each Ingress": f"round({total('irate', REQUESTS, f'{PLANE},{ROUTE}', '2m', 'ingress')}, 0.001)",
    "success of each Ingress": quotient(REQUESTS, f"{TARGET},{ROUTE},{GOOD}", f"{TARGET},{ROUTE}", "2m", "ingress"),
    "bytes received": total("irate", SIZE_IN, PLANE, "2m"),
    "bytes sent": f"- {total('irate', SIZE_OUT, PLANE, '2m')}",
    "memory": f"avg({PREFIX}nginx_process_resident_memory_bytes{{{PLANE}}})",
    "processor": f"avg(rate({PREFIX}nginx_process_cpu_seconds_total{{{PLANE}}}[2m]))",
    **{
        f"p{share} of each Ingress": quantile(share, DURATION, NAMED, "2m", "le, ingress") for share in (0.5, 0.9, 0.99)
    },
    "bytes received by each Ingress": total("irate", SIZE_IN, NAMED, "2m", "ingress"),
    "bytes sent by each Ingress": total("irate", SIZE_OUT, NAMED, "2m", "ingress"),
    **{f"p{share}": quantile(share, DURATION, NAMED, "2m") for share in (0.8, 0.9, 0.99)},
    "heat map": total("increase", f"{DURATION}_bucket", NAMED, "2m", "le"),
    "annotation of reloads": total(
        "changes",
        "config_last_reload_successful_timestamp_seconds",
        'instance!="unknown",controller_class=~"$controller_class",namespace=~"$namespace"',
        "30s",
        "controller_class",
    ),
}
ONE = 'ingress =~ "$ingress"'
PLACE = "method, host, path"
PERFORMANCE = {
    **{f"p{share} of requests": quantile(share, DURATION, ONE, "5m") for share in (0.5, 0.95, 0.99)},
    **{f"p{share} of endpoints": quantile(share, RESPONSE, ONE, "5m") for share in (0.5, 0.95, 0.99)},
    "rate by place": total("rate", f"{DURATION}_count", ONE, "5m", PLACE),
    "median of endpoints by place": quantile(0.5, RESPONSE, ONE, "5m", f"le, {PLACE}"),
    "share of errors by place": quotient(f"{DURATION}_count", f"{ONE},{BAD}", f"{ONE},", "5m", PLACE),
    "time of endpoints by place": total("rate", f"{RESPONSE}_sum", ONE, "5m", PLACE),
    "errors by place and status": total("rate", f"{DURATION}_count", f"{ONE},{BAD},", "5m", f"{PLACE}, status"),
    "mean size by place": " / ".join(
        total("rate", f"response_size_{part}", f"{ONE},", "5m", PLACE) for part in ("sum", "count")
    ),
    "sizes": total("rate", "response_size_bucket", f"{ONE},", "5m", "le"),
}
CERTIFICATES = 'kubernetes_pod_name=~"$controller",namespace=~"$namespace",ingress=~"$ingress"'
EXPIRY = f"avg({PREFIX}ssl_expire_time_seconds{{{CERTIFICATES}}}) by (host) - time()"
"""The metric has no label `ingress`, in ingress-nginx either: the panel is empty there while one Ingress is chosen."""
FAILED = (
    f'count({PREFIX}config_last_reload_successful{{controller_pod=~"$controller",controller_namespace=~"$namespace"}}'
)
VARIABLES = {
    "namespace": ("config_hash", "", "controller_namespace"),
    "controller_class": ("config_hash", 'namespace=~"$namespace"', "controller_class"),
    "controller": ("config_hash", 'namespace=~"$namespace",controller_class=~"$controller_class"', "controller_pod"),
    "exported_namespace": (REQUESTS, TARGET, "exported_namespace"),
    "ingress": (REQUESTS, f'{TARGET},exported_namespace=~"$exported_namespace"', "ingress"),
}


def asked(world, expression, values):
    """What Prometheus answers to EXPRESSION once it has an answer, VALUES put for its variables."""
    query = re.sub(r"\$(\w+)", lambda match: values[match[1]], expression)
    return eventually(lambda: world.prometheus.query(query), timeout=40, message=query)


@pytest.mark.parametrize("values", [ALL, CHOSEN], ids=["all", "chosen"])
@pytest.mark.parametrize("title", [*CONTROLLER, *PERFORMANCE])
def test_a_panel_shows_data(world, title, values):
    found = asked(world, (CONTROLLER | PERFORMANCE)[title], values)
    assert any(math.isfinite(value) for _, value in found), found


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_offers_what_there_is(world, name):
    metric, labels, label = VARIABLES[name]
    offered = {labels.get(label) for labels, _ in asked(world, f"{PREFIX}{metric}{{{labels}}}", ALL)}
    assert CHOSEN[name] in offered


def test_the_expiry_of_certificates_is_shown_by_host(world):
    hosts = {labels.get("host") for labels, _ in asked(world, EXPIRY, CHOSEN | {"ingress": ".*"})}
    assert hosts == {"shop.example", "_"}


def test_the_count_of_failed_configurations_is_empty_in_good_times(world):
    assert asked(world, f"{FAILED} == 1)", CHOSEN)
    assert not world.prometheus.query(re.sub(r"\$(\w+)", lambda match: CHOSEN[match[1]], f"{FAILED} == 0)"))


def test_the_alerts_of_the_chart_have_what_they_compare(world):
    """Configurations that fail, certificates that expire, too many errors of either kind."""
    assert asked(world, f"count({PREFIX}config_last_reload_successful == 1) > 0", ALL)
    assert asked(world, f'(avg({PREFIX}ssl_expire_time_seconds{{host!="_"}}) by (host) - time()) > 604800', ALL)
    for status in ("5.+", "4.+"):
        share = f'100 * ( sum( {PREFIX}requests{{status=~"{status}"}} ) / sum({PREFIX}requests) )'
        assert asked(world, f"{share} > 0.1", ALL)

"""One Edge and one Prometheus for the whole folder: the dashboards look at them in good times, then come faults."""

import pytest
import yaml

from tests.support import observed, prometheus
from tests.support.rendering import FILES

ALERTS = yaml.safe_load((FILES / "alerts.yaml").read_text())
RULES = {rule["alert"]: rule for group in ALERTS["groups"] for rule in group["rules"]}
MOST_CONNECTIONS = 40


@pytest.fixture(scope="package")
def world(tmp_path_factory):
    flags = ("--max-worker-connections", str(MOST_CONNECTIONS))
    with observed.world(tmp_path_factory.mktemp("observed"), *flags, rules=prometheus.hasty(ALERTS)) as made:
        yield made

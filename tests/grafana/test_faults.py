"""Alerts fire in the faults that they are about. Alerts that depend on time alone are in `test_alerts.py`."""

import contextlib
import os
import re
import signal
import threading

from tests.grafana.conftest import MOST_CONNECTIONS, RULES
from tests.support import objects, observed
from tests.support.certificates import self_signed
from tests.support.clients import Client
from tests.support.edge import write
from tests.support.waiting import eventually


def fires(world, alert):
    eventually(lambda: alert in world.prometheus.firing(), timeout=40, message=f"{alert} does not fire")


def test_nothing_is_wrong_in_good_times(world):
    world.error_share = 0.0
    quiet = RULES.keys() - {"EdgeUpstreamConnectFailures"}  # of an endpoint that nobody listens on
    eventually(lambda: not quiet & world.prometheus.firing(), timeout=40)


def test_a_worker_that_does_not_take_up_the_table(world):
    # Early, because a worker that has taken up a table just before does not count.
    stuck = world.edge.workers()[0]
    os.kill(stuck, signal.SIGSTOP)
    try:
        write(world.manifests, "later.yaml", objects.ingress("later", host="later.example", service="news"))
        fires(world, "EdgeWorkerBehind")
    finally:
        os.kill(stuck, signal.SIGCONT)


def test_errors(world):
    world.error_share = 0.5
    fires(world, "EdgeErrorRatioHigh")
    world.error_share = 0.0


def test_slow_answers(world):
    def wait():
        with contextlib.suppress(OSError, AssertionError), Client(world.edge.http) as client:
            client.request("/hold", host=observed.NEWS)

    waiting = [threading.Thread(target=wait, daemon=True) for _ in range(30)]
    for one in waiting:
        one.start()
    world.release_after(3.0)
    fires(world, "EdgeLatencyHigh")
    for one in waiting:
        one.join(40)


def test_a_service_without_endpoints_and_a_certificate_that_ends_soon(world):
    soon = self_signed("soon.example", days=3)
    write(
        world.manifests,
        "soon.yaml",
        objects.ingress("soon", host="soon.example", service="soon", secret="soon-tls"),
        objects.secret("soon-tls", tls_crt=soon.certificate, tls_key=soon.key),
        objects.service("soon"),
    )
    fires(world, "EdgeNoEndpoints")
    fires(world, "EdgeCertificateExpiresSoon")
    write(
        world.manifests,
        "bad.yaml",
        objects.ingress("bad", host="bad.example", service="missing", annotations={
            "nginx.ingress.kubernetes.io/proxy-read-timeout": "soon",
        }),
    )  # fmt: skip
    fires(world, "EdgeProblems")


def test_endpoints_that_refuse(world):
    fires(world, "EdgeUpstreamConnectFailures")


def test_too_many_connections(world):
    connections = []
    try:
        for _ in range(3 * MOST_CONNECTIONS):
            with contextlib.suppress(OSError):
                connections.append(Client(world.edge.http))
        fires(world, "EdgeConnectionsRefused")
    finally:
        for connection in connections:
            connection.close()


def test_workers_that_die(world):
    def restarts():
        text = world.edge.admin_get("/metrics").body.decode()
        return sum(float(value) for value in re.findall(r"^edge_worker_restarts_total\{.*\} (.+)$", text, re.MULTILINE))

    for _ in range(8):
        before = restarts()
        os.kill(world.edge.workers()[0], signal.SIGKILL)
        eventually(lambda before=before: restarts() > before)
    fires(world, "EdgeWorkersRestarting")


def test_nothing_to_scrape(world):
    world.edge.close()
    fires(world, "EdgeDown")

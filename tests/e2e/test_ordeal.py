"""Everything at once."""

from __future__ import annotations

import signal

from tests.e2e.conftest import Site
from tests.e2e.test_updates import fingerprint, write_secret
from tests.support import certificates
from tests.support.edge import Edge, is_alive
from tests.support.load import BROKEN_HANDSHAKE, Load, Responder
from tests.support.waiting import eventually

REQUESTS = 100_000
TLS_SHARE = 0.3
"""So many that some come after the Secret is rotated."""


def test_only_requests_in_flight_on_a_killed_worker_fail(site: Site) -> None:
    """100,000 requests, plain and TLS, while a worker is killed twice, the control plane is killed twice, the Secret
    is rotated, and the workers go from two to three to one."""
    old, new = (certificates.issue("web.example") for _ in range(2))
    connections, secure_connections = 16, 4
    with Responder() as responder:
        site.serve("web", responder, secret="tls", annotations={"nginx.ingress.kubernetes.io/ssl-redirect": "false"})
        write_secret(site, old)
        with (
            Edge(site.folder, "--no-access-log", workers=2) as edge,
            Load(edge.http, requests=int(REQUESTS * (1 - TLS_SHARE)), connections=connections) as plain,
            Load(
                edge.https,
                requests=int(REQUESTS * TLS_SHARE),
                connections=secure_connections,
                tls=True,
                per_connection=50,
            ) as secure,
        ):
            step = REQUESTS // 20
            deaths = []
            """Of workers: from when to when they may be felt."""
            for _ in range(2):
                plain.more(step)
                worker = edge.workers()[0]
                killed = plain.now()
                edge.signal_to(worker, signal.SIGKILL)
                eventually(lambda worker=worker: not is_alive(worker) and len(edge.workers()) == 2)
                plain.more(step)
                deaths.append((killed, plain.now()))
                control = edge.control_pid
                edge.signal_to(control, signal.SIGKILL)
                eventually(lambda control=control: edge.pids("control") not in ([], [control]))
            plain.more(step)
            write_secret(site, new)
            edge.signal(signal.SIGTTIN)
            eventually(lambda: len(edge.workers()) == 3)
            plain.more(step)
            for left in (2, 1):
                edge.signal(signal.SIGTTOU)
                eventually(lambda left=left: len(edge.workers()) == left)
            results = [plain.finish(120), secure.finish(120)]
            eventually(lambda: edge.admin_get("/readyz").status == 200)
            assert edge.stop() == 0
    broken = {"reset", "closed", "reset in an answer", "closed in an answer"}
    for result in results:
        assert set(result.statuses) == {"200"}
        assert set(result.kinds) <= {*broken, BROKEN_HANDSHAKE}
    assert sum(result.requests + sum(result.kinds[kind] for kind in broken) for result in results) == REQUESTS
    # A connection has one request in flight: the two deaths cannot cost more than one each a connection.
    assert len(results[0].failures) <= 2 * connections
    assert len(results[1].failures) <= 2 * secure_connections
    moments = [failure["at"] for result in results for failure in result.failures]
    assert not [moment for moment in moments if not any(begin <= moment <= end for begin, end in deaths)]
    assert fingerprint(new) in results[1].certificates

"""Sessions of streams have metrics of their own, apart from those of requests."""

import pytest

from edge.control.compiling.delta import Delta
from edge.table.counter_layout import stream_labels
from edge.table.counters import WorkerWord
from edge.table.records import Backend, Owner
from edge.table.streams import StreamRoute

KEY = "s:tcp:9000"
BACKEND = Backend("shop", "db", "5432", "shop/db:5432")
STREAM = StreamRoute(Owner("ConfigMap", "edge", "tcp"), (BACKEND,))
OURS = {"kind": "ConfigMap", "namespace": "edge", "ingress": "tcp", "service": "db"}


def count(world, protocol="tcp", status=200, worker=0):
    """Count a session of 2 s, connected in 10 ms, with 100 bytes in and 9000 out."""
    series = world.workers[worker].sessions(stream_labels(KEY, STREAM, BACKEND), protocol, status)
    series.record(2.0, 0.01, 100, 9000)


@pytest.fixture(autouse=True)
def _table(world):
    world.state.commit(Delta({KEY: STREAM}), {})


def test_sessions_are_told_by_service_protocol_and_status(world):
    count(world)
    count(world, worker=1)
    count(world, status=502)
    count(world, protocol="udp")
    assert world.value("edge_sessions_total", **OURS, protocol="tcp", status="200") == 2
    assert world.value("edge_sessions_total", **OURS, protocol="tcp", status="502") == 1
    assert world.value("edge_sessions_total", **OURS, protocol="udp") == 1


def test_times_and_bytes_of_sessions(world):
    count(world)
    assert world.value("edge_session_duration_seconds_sum", **OURS) == 2
    assert world.value("edge_session_connect_duration_seconds_sum", **OURS) == pytest.approx(0.01)
    assert world.value("edge_session_received_bytes_sum", **OURS) == 100
    assert world.value("edge_session_sent_bytes_sum", **OURS) == 9000


def test_sessions_are_no_requests(world):
    count(world)
    world.count()
    assert world.values("edge_requests_total", service="db") == []
    assert world.values("nginx_ingress_controller_requests", service="db") == []
    assert world.values("edge_sessions_total", service="cart") == []


def test_streams_that_are_gone_have_no_metrics(world):
    count(world)
    world.state.commit(Delta({KEY: None}), {})
    assert world.values("edge_sessions_total", service="db") == []


def test_what_is_open_now(world):
    world.workers[0].add(WorkerWord.STREAMS_ACTIVE, 2)
    world.workers[1].add(WorkerWord.SESSIONS_ACTIVE, 3)
    world.workers[1].add(WorkerWord.DATAGRAMS_DROPPED, 4)
    assert world.value("edge_stream_connections_active") == 2
    assert world.value("edge_datagram_sessions_active") == 3
    assert world.value("edge_datagrams_dropped_total") == 4

"""limit-rps, limit-rpm, limit-connections and limit-allowlist: how much one client may ask for."""

from __future__ import annotations

import itertools
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from edge.table.policies import ClientLimits, SourceRanges
from edge.table.policies.policy import Policy
from tests.e2e.conftest import Site
from tests.support.annotated import Annotated, annotated, place
from tests.support.backends import Backend
from tests.support.clients import head
from tests.support.edge import Edge
from tests.support.stage import Stage
from tests.support.waiting import eventually

numbers = itertools.count(1)


@pytest.fixture
def client() -> str:
    """An address that no other test has."""
    return f"10.9.8.{next(numbers)}"


def statuses(stage: Stage, host: str, client: str, count: int) -> list[int]:
    """What CLIENT is answered when it asks COUNT times."""
    fields = [("X-Forwarded-For", client)]
    return [stage.get(host, fields=fields).status for _ in range(count)]


# --- what the annotations ask for ------------------------------------------------------------------------------------


def test_all_limits_are_one_policy() -> None:
    web = Annotated(
        limit_rps="3", limit_rpm="100", limit_connections="8", limit_burst_multiplier="2", limit_allowlist="10.0.0.0/8"
    )
    assert web.policies == (ClientLimits(place("limit-rps"), 3, 100, 8, 2, ("10.0.0.0/8",)),)


def test_the_burst_is_five_times_the_rate_unless_something_else_is_said() -> None:
    assert Annotated(limit_rpm="7").policies == (ClientLimits(place("limit-rpm"), per_minute=7, burst=5),)


def test_zero_is_no_limit() -> None:
    assert Annotated(limit_rps="0", limit_rpm="0", limit_connections="0", limit_whitelist="10.0.0.0/8").policies == ()


def test_a_limit_that_cannot_be_read_is_reported_and_the_others_hold() -> None:
    web = Annotated(limit_rps="many", limit_connections="8")
    assert web.policies == (ClientLimits(place("limit-connections"), connections=8),)
    assert [(reason, field) for reason, field, _ in web.problems] == [("InvalidAnnotation", place("limit-rps"))]


def test_exemptions_that_cannot_be_read_are_none() -> None:
    web = Annotated(limit_rps="1", limit_whitelist="10.0.0.0/8, friends")
    assert web.policies == (ClientLimits(place("limit-rps"), per_second=1),)
    ((_, field, message),) = web.problems
    assert field == place("limit-whitelist")
    assert "the limits hold for all clients" in message


def test_the_summary_names_the_limits() -> None:
    summary = ClientLimits("", 3, 100, 8, exempt=("10.0.0.0/8",)).summary()
    assert summary == "requests of a client: 3/s, 100/min, 8 at once, not for 1 network"


# --- rates -----------------------------------------------------------------------------------------------------------


def test_a_burst_passes_and_what_is_beyond_it_is_503(stage: Stage, backend: Backend, client: str) -> None:
    """The first request and a burst of five; none is delayed. With a rate per minute, the test may take its time."""
    host = stage.serve(backend, policies=(ClientLimits("test", per_minute=1),))
    before = len(backend.requests)
    assert statuses(stage, host, client, 9) == [200] * 6 + [503] * 3
    assert len(backend.requests) == before + 6, "what is refused does not reach the endpoint"


def test_the_bucket_leaks_at_the_rate(stage: Stage, backend: Backend, client: str) -> None:
    host = stage.serve(backend, policies=(ClientLimits("test", per_second=2, burst=1),))
    assert 503 in statuses(stage, host, client, 50)
    eventually(lambda: statuses(stage, host, client, 1) == [200])


def test_both_rates_hold(stage: Stage, backend: Backend, client: str) -> None:
    host = stage.serve(backend, policies=(ClientLimits("test", per_second=1000, per_minute=2, burst=1),))
    assert statuses(stage, host, client, 5) == [200] * 3 + [503] * 2


def test_every_client_has_its_own_count(stage: Stage, backend: Backend, client: str) -> None:
    host = stage.serve(backend, policies=(ClientLimits("test", per_minute=1, burst=1),))
    assert statuses(stage, host, client, 3) == [200, 200, 503]
    assert statuses(stage, host, "2001:db8::7", 3) == [200, 200, 503]


def test_every_ingress_has_its_own_count(stage: Stage, backend: Backend, client: str) -> None:
    limits: tuple[Policy, ...] = (ClientLimits("test", per_minute=1, burst=1),)
    one, two = stage.serve(backend, policies=limits), stage.serve(backend, policies=limits)
    assert statuses(stage, one, client, 3) == [200, 200, 503]
    assert statuses(stage, two, client, 3) == [200, 200, 503]


def test_a_new_version_of_the_ingress_goes_on_counting(stage: Stage, backend: Backend, client: str) -> None:
    host = stage.serve(backend, policies=(ClientLimits("test", per_minute=1, burst=1),))
    assert statuses(stage, host, client, 3) == [200, 200, 503]
    stage.serve(backend, host=host, policies=(ClientLimits("test", per_minute=2, burst=1),))
    assert statuses(stage, host, client, 3) == [200, 503, 503]


def test_exempt_clients_are_not_limited(stage: Stage, backend: Backend, client: str) -> None:
    limits = ClientLimits("test", per_minute=1, burst=1, connections=1, exempt=("192.0.2.0/24", "2001:db8:5::/48"))
    host = stage.serve(backend, policies=(limits,))
    assert statuses(stage, host, "192.0.2.9", 9) == [200] * 9
    assert statuses(stage, host, "2001:db8:5::9", 9) == [200] * 9
    assert 503 in statuses(stage, host, client, 9)


def test_limits_go_before_the_lists_of_clients(stage: Stage, backend: Backend, client: str) -> None:
    """As in nginx: who is kept out is counted, and is refused for its number first."""
    policies = (SourceRanges("test", (client,)), ClientLimits("test", per_minute=1, burst=1, exempt=("192.0.2.1",)))
    host = stage.serve(backend, policies=policies)
    assert statuses(stage, host, client, 3) == [403, 403, 503]
    assert statuses(stage, host, "192.0.2.1", 4) == [200] * 4


def test_exempt_and_denied_is_denied(stage: Stage, backend: Backend, client: str) -> None:
    policies = (SourceRanges("test", (client,)), ClientLimits("test", per_minute=1, exempt=(client,)))
    assert statuses(stage, stage.serve(backend, policies=policies), client, 9) == [403] * 9


# --- requests at once ------------------------------------------------------------------------------------------------


def test_of_twenty_requests_at_once_eight_pass(stage: Stage, client: str) -> None:
    with Backend() as backend, ThreadPoolExecutor(20) as threads:
        host = stage.serve(backend, policies=(ClientLimits("test", connections=8),))
        fields = [("X-Forwarded-For", client)]
        asked = [threads.submit(stage.get, host, "/hold", fields=fields) for _ in range(20)]
        eventually(lambda: sum(one.done() for one in asked) == 12)
        eventually(lambda: backend.held == 8)
        backend.release.set()
        assert sorted(one.result().status for one in asked) == [200] * 8 + [503] * 12


def test_a_request_that_has_ended_makes_room(stage: Stage, backend: Backend, client: str) -> None:
    host = stage.serve(backend, policies=(ClientLimits("test", connections=1),))
    fields = [("X-Forwarded-For", client)]
    with stage.connect() as connection:
        assert [connection.request(host=host, fields=fields).status for _ in range(5)] == [200] * 5


ENDS = ["/status/500", "/close", "/truncate/10000", "/bytes/100000"]


@pytest.mark.parametrize("target", ENDS)
def test_however_it_ends(stage: Stage, backend: Backend, client: str, target: str) -> None:
    host = stage.serve(backend, policies=(ClientLimits("test", connections=1),))
    fields = [("X-Forwarded-For", client)]
    for _ in range(3):
        with stage.connect() as connection:
            connection.send(head(target, host=host, fields=fields))
            assert connection.head().status != 503
            connection.send(head("/", host=host, fields=[*fields, ("Connection", "close")]))
            connection.read_to_end()
        eventually(lambda: statuses(stage, host, client, 1) == [200])


def test_a_client_that_goes_away_makes_room(stage: Stage, client: str) -> None:
    with Backend() as backend:
        host = stage.serve(backend, policies=(ClientLimits("test", connections=1),))
        with stage.connect() as connection:
            connection.send(head("/hold", host=host, fields=[("X-Forwarded-For", client)]))
            eventually(lambda: backend.held == 1)
            assert statuses(stage, host, client, 1) == [503]
        eventually(lambda: statuses(stage, host, client, 1) == [200])


def test_a_websocket_takes_room_until_it_ends(stage: Stage, backend: Backend, client: str) -> None:
    host = stage.serve(backend, policies=(ClientLimits("test", connections=1),))
    upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
    fields = [("X-Forwarded-For", client), *upgrade, ("Sec-WebSocket-Key", "x" * 22 + "==")]
    with stage.connect() as connection:
        assert connection.request("/websocket", host=host, fields=fields).status == 101
        assert statuses(stage, host, client, 1) == [503]
    eventually(lambda: statuses(stage, host, client, 1) == [200])


def test_a_refused_request_takes_no_room(stage: Stage, backend: Backend, client: str) -> None:
    """One that another gate refuses, too."""
    policies = (ClientLimits("test", connections=1), SourceRanges("test", (client,)))
    assert statuses(stage, stage.serve(backend, policies=policies), client, 5) == [403] * 5


# --- workers ---------------------------------------------------------------------------------------------------------


def test_limits_hold_for_all_workers_together(client: str) -> None:
    with (
        Backend() as backend,
        Stage("--use-forwarded-headers", "--proxy-real-ip-cidr=127.0.0.0/8", workers=2) as stage,
        ThreadPoolExecutor(20) as threads,
    ):
        host = stage.serve(backend, policies=(ClientLimits("test", connections=4, per_minute=4),))
        fields = [("X-Forwarded-For", client)]
        asked = [threads.submit(stage.get, host, "/hold", fields=fields) for _ in range(24)]
        eventually(lambda: sum(one.done() for one in asked) >= 20)
        backend.release.set()
        assert 1 <= [one.result().status for one in asked].count(200) <= 4
        # the rate: 1 and a burst of 20, of which requests that were too many at once have been counted too
        assert statuses(stage, host, client, 25).count(503) >= 24


def test_what_a_dead_worker_has_counted_is_given_back(client: str) -> None:
    with Backend() as backend, Stage("--use-forwarded-headers", "--proxy-real-ip-cidr=127.0.0.0/8") as stage:
        host = stage.serve(backend, policies=(ClientLimits("test", connections=1),))
        (worker,) = eventually(stage.edge.workers)
        with stage.connect() as connection:
            connection.send(head("/hold", host=host, fields=[("X-Forwarded-For", client)]))
            eventually(lambda: backend.held == 1)
            assert statuses(stage, host, client, 1) == [503]
            stage.edge.signal_to(worker, signal.SIGKILL)
            eventually(lambda: stage.edge.workers() not in ([], [worker]))
            eventually(lambda: statuses(stage, host, client, 1) == [200])


def test_without_a_limit_nothing_is_kept(backend: Backend) -> None:
    """Not even the file."""
    with Stage() as other:
        assert other.get(other.serve(backend)).status == 200
        assert not (other.directory / "limits").exists()


def test_where_limits_cannot_be_kept_the_route_is_closed(backend: Backend) -> None:
    with Stage() as stage:
        (stage.directory / "limits").mkdir()
        limited, free = stage.serve(backend, policies=(ClientLimits("test", per_second=9),)), stage.serve(backend)
        assert [stage.get(host).status for host in (limited, free)] == [503, 200]
        eventually(lambda: "limits cannot be kept" in stage.edge.log)


def test_from_the_annotation_to_the_answer(site: Site, backend: Backend) -> None:
    site.serve("web", backend, annotations=annotated(limit_rpm="1", limit_burst_multiplier="2"))
    site.serve("open", backend, host="open.example", annotations=annotated(limit_rpm="1", limit_whitelist="127.0.0.1"))
    with Edge(site.folder, workers=2) as edge:
        assert [edge.get("/").status for _ in range(5)] == [200, 200, 200, 503, 503]
        assert [edge.get("/", host="open.example").status for _ in range(9)] == [200] * 9
        with edge.connect(source="127.0.0.2") as other:
            assert other.request().status == 200

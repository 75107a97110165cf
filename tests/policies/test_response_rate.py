"""limit-rate and limit-rate-after: how fast a client gets a response."""

from __future__ import annotations

import time

import pytest

from edge.data.policies.pace import Pace
from edge.table.policies import ResponseRate, SourceRanges
from tests.e2e.conftest import Site
from tests.support.annotated import Annotated, annotated, place
from tests.support.backends import Backend, pattern
from tests.support.clients import head
from tests.support.edge import Edge
from tests.support.stage import Stage
from tests.support.waiting import eventually


def test_the_annotations_are_in_kilobytes() -> None:
    web = Annotated(limit_rate="5", limit_rate_after="100", proxy_buffering="on")
    assert ResponseRate(place("limit-rate"), 5 << 10, 100 << 10) in web.policies


@pytest.mark.parametrize("annotations", [{}, {"proxy_buffering": "off"}, {"proxy_buffering": "yes"}])
def test_without_buffering_they_have_no_effect_as_in_nginx(annotations: dict[str, str]) -> None:
    """Which is reported, once."""
    web = Annotated(limit_rate="5", **annotations)
    assert web.policies == ()
    reasons = [reason for reason, _, _ in web.problems]
    assert reasons.count("AnnotationWithoutEffect") == 1
    assert reasons.count("InvalidAnnotation") == (annotations.get("proxy_buffering") == "yes")


def test_zero_is_no_limit() -> None:
    assert Annotated(limit_rate="0", limit_rate_after="100").policies == ()


def test_a_response_waits_for_what_is_ahead_of_the_rate() -> None:
    """1000 bytes per second after the first 5000."""
    pace = Pace(1000, 5000)
    assert pace.delay(5000, 0.0) == 0.0
    assert pace.delay(8000, 0.0) == 3.0
    assert pace.delay(8000, 1.0) == 2.0
    assert pace.delay(8000, 9.0) == 0.0


def test_the_whole_response_arrives_and_not_sooner(stage: Stage, backend: Backend) -> None:
    """With a length and chunked; the last piece does not wait, so that a little less than the whole time passes."""
    host = stage.serve(backend, policies=(ResponseRate("test", 400_000),))
    for target, size in (("/bytes/600000", 600_000), ("/stream/6/100000", 600_000)):
        begun = time.monotonic()
        answer = stage.get(host, target)
        assert len(answer.body) == size
        assert time.monotonic() - begun > 1, "1.5 s at that rate, less the last piece"
    assert stage.get(host, "/bytes/600000").body == pattern(600_000)


def test_others_go_on_meanwhile(stage: Stage, backend: Backend) -> None:
    slow = stage.serve(backend, policies=(ResponseRate("test", 1024),))
    quick = stage.serve(backend)
    with stage.connect() as client:
        client.send(head("/bytes/1000000", host=slow))
        assert client.head().status == 200
        assert client.read(100), "what has come is sent at once"
        assert stage.get(quick).status == 200
        assert stage.get(slow, "/status/204").status == 204


def test_small_responses_and_the_first_bytes_do_not_wait(stage: Stage, backend: Backend) -> None:
    """Without that exemption the test would not end in time."""
    host = stage.serve(backend, policies=(ResponseRate("test", 1024, 1_000_000),))
    assert len(stage.get(host, "/bytes/900000").body) == 900_000


def test_a_client_that_goes_away_ends_the_response(stage: Stage) -> None:
    """Within the wait for the next block."""
    with Backend() as backend:
        host = stage.serve(backend, policies=(ResponseRate("test", 100_000),))
        with stage.connect() as client:
            client.send(head("/stream/1000/10000", host=host))
            assert client.read(100)
        eventually(lambda: backend.open == 0)


def test_answers_of_edge_do_not_wait(stage: Stage, backend: Backend) -> None:
    policies = (ResponseRate("test", 1024), SourceRanges("test", ("0.0.0.0/0",)))
    assert stage.get(stage.serve(backend, policies=policies)).status == 403


def test_from_the_annotation_to_the_answer(site: Site, backend: Backend) -> None:
    site.serve("web", backend, annotations=annotated(limit_rate="400", proxy_buffering="on"))
    with Edge(site.folder) as edge:
        begun = time.monotonic()
        assert len(edge.get("/bytes/600000").body) == 600_000
        assert time.monotonic() - begun > 1

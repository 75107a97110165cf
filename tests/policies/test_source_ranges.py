"""denylist-source-range and allowlist-source-range (also called whitelist-source-range): who may come in."""

from __future__ import annotations

import pytest

from edge.table.policies import Closed, SourceRanges
from tests.e2e.conftest import Site
from tests.support import objects
from tests.support.annotated import Annotated, annotated, place
from tests.support.backends import Backend
from tests.support.edge import Edge
from tests.support.stage import Stage
from tests.support.waiting import eventually

# --- what the annotations ask for ------------------------------------------------------------------------------------


def test_lists_are_separated_by_commas_and_blanks_do_not_matter() -> None:
    web = Annotated(
        denylist_source_range=" 10.1.0.0/16,", allowlist_source_range="10.0.0.0/8 , 2001:db8::/32,192.0.2.1"
    )
    place_of = place("denylist-source-range")
    assert web.policies == (SourceRanges(place_of, ("10.1.0.0/16",), ("10.0.0.0/8", "2001:db8::/32", "192.0.2.1")),)
    assert web.problems == []


@pytest.mark.parametrize("name", ["allowlist_source_range", "whitelist_source_range"])
def test_the_allow_list_has_two_names(name: str) -> None:
    found = Annotated(**{name: "10.0.0.0/8"}).policy(SourceRanges)
    assert found == SourceRanges(place(name.replace("_", "-")), (), ("10.0.0.0/8",))


def test_of_both_names_the_newer_one_counts() -> None:
    found = Annotated(whitelist_source_range="10.0.0.0/8", allowlist_source_range="192.0.2.0/24").policy(SourceRanges)
    assert found is not None
    assert found.allow == ("192.0.2.0/24",)


def test_an_empty_list_is_none() -> None:
    assert Annotated(denylist_source_range="", allowlist_source_range=" ").policies == ()


@pytest.mark.parametrize("name", ["denylist-source-range", "allowlist-source-range", "whitelist-source-range"])
@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0.0/8,office.example", ",", "10.0.0.0/8;192.0.2.1"])
def test_a_list_that_cannot_be_read_closes_the_route(name: str, text: str) -> None:
    web = Annotated(**{name: text})
    assert [type(one) for one in web.policies] == [Closed]
    ((reason, field, message),) = web.problems
    assert (reason, field) == ("InvalidAnnotation", place(name))
    assert message.endswith("; requests are answered 503")


def test_both_lists_unreadable_are_two_problems_and_one_closed_route() -> None:
    web = Annotated(denylist_source_range="x", allowlist_source_range="y")
    assert [type(one) for one in web.policies] == [Closed]
    assert [field for _, field, _ in web.problems] == [place("denylist-source-range"), place("allowlist-source-range")]


def test_the_other_ingresses_go_on() -> None:
    web = Annotated(allowlist_source_range="x")
    web.world.apply(objects.ingress("other", host="other.example"))
    assert web.world.route("other.example").policies == ()


def test_summaries_name_the_first_networks() -> None:
    many = tuple(f"10.0.{number}.0/24" for number in range(9))
    assert SourceRanges("", many, ("::1",)).summary() == (
        "clients: no 10.0.0.0/24 10.0.1.0/24 10.0.2.0/24 and 6 more, only ::1"
    )


# --- what clients get -------------------------------------------------------------------------------------------------


def status(stage: Stage, host: str, client: str) -> int:
    """What CLIENT, an address, is answered."""
    return stage.get(host, fields=[("X-Forwarded-For", client)]).status


def test_outside_of_the_allow_list_is_403(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend, policies=(SourceRanges("test", (), ("10.0.0.0/8", "2001:db8::/32")),))
    assert status(stage, host, "10.1.2.3") == 200
    assert status(stage, host, "2001:db8::1") == 200
    assert status(stage, host, "11.0.0.1") == 403
    assert status(stage, host, "2001:db9::1") == 403


def test_inside_of_the_deny_list_is_403(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend, policies=(SourceRanges("test", ("10.0.0.0/8",)),))
    assert status(stage, host, "10.1.2.3") == 403
    assert status(stage, host, "11.0.0.1") == 200


def test_the_deny_list_goes_before_the_allow_list(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend, policies=(SourceRanges("test", ("10.1.0.0/16",), ("10.0.0.0/8", "10.1.2.3")),))
    assert [status(stage, host, client) for client in ("10.2.0.1", "10.1.2.3", "11.0.0.1")] == [200, 403, 403]


def test_a_refused_request_does_not_reach_the_endpoint(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend, policies=(SourceRanges("test", ("0.0.0.0/0",)),))
    before = len(backend.requests)
    answer = stage.get(host, "/secret", method="POST", body=b"x" * 100)
    assert (answer.status, answer.body) == (403, b"403 Forbidden\n")
    assert len(backend.requests) == before


def test_thousands_of_networks(stage: Stage, backend: Backend) -> None:
    networks = tuple(f"10.{number // 256}.{number % 256}.0/25" for number in range(5000))
    host = stage.serve(backend, policies=(SourceRanges("test", (), networks),))
    assert [status(stage, host, one) for one in ("10.0.0.1", "10.19.135.127", "10.19.135.128", "10.20.0.1")] == [
        200,
        200,
        403,
        403,
    ]


def test_the_peer_counts_where_forwarded_fields_are_not_believed(backend: Backend) -> None:
    with Stage() as stage:
        host = stage.serve(backend, policies=(SourceRanges("test", (), ("127.0.0.2",)),))
        assert status(stage, host, "127.0.0.2") == 403, "a client cannot say who it is"
        with stage.connect(source="127.0.0.2") as client:
            assert client.request(host=host, fields=[("X-Forwarded-For", "10.0.0.1")]).status == 200


def test_from_the_annotation_to_the_answer(site: Site, backend: Backend) -> None:
    site.serve("web", backend, annotations=annotated(whitelist_source_range="127.0.0.2"))
    site.serve("bad", backend, host="bad.example", annotations=annotated(denylist_source_range="everybody"))
    with Edge(site.folder) as edge:
        assert edge.get("/").status == 403
        assert edge.get("/", host="bad.example").status == 503
        with edge.connect(source="127.0.0.2") as client:
            assert client.request().status == 200
        site.serve("web", backend, annotations=annotated(whitelist_source_range="127.0.0.1"))
        eventually(lambda: edge.get("/").status == 200)

"""satisfy: whether a client has to pass all checks who it is, or one of them."""

from __future__ import annotations

import base64
import hashlib
import itertools

import pytest

from edge.table.policies import BasicAuth, ClientLimits, DigestAuth, SatisfyAny, SourceRanges
from edge.table.policies.policy import Policy
from tests.e2e.conftest import Site
from tests.support import objects
from tests.support.annotated import Annotated, annotated, place
from tests.support.backends import Backend
from tests.support.edge import Edge, write
from tests.support.stage import Stage

HASH = "{SHA}" + base64.b64encode(hashlib.sha1(b"secret").digest()).decode()
AUTH = BasicAuth("test", "shop", (("anna", HASH),))
RIGHT = ("Authorization", "Basic " + base64.b64encode(b"anna:secret").decode())
WRONG = ("Authorization", "Basic " + base64.b64encode(b"anna:wrong").decode())
ANY = SatisfyAny("test")
numbers = itertools.count(1)


# --- what the annotation asks for -------------------------------------------------------------------------------------


def test_any_is_a_policy_and_all_is_none() -> None:
    assert Annotated(satisfy="any").policies == (SatisfyAny(place("satisfy")),)
    assert Annotated(satisfy="all").policies == ()


def test_something_else_is_reported_and_means_all() -> None:
    web = Annotated(satisfy="some")
    assert web.policies == ()
    assert [(reason, field) for reason, field, _ in web.problems] == [("InvalidAnnotation", place("satisfy"))]


# --- what clients get -------------------------------------------------------------------------------------------------

LISTED, DENIED, OTHER = "10.0.0.1", "10.0.0.9", "11.0.0.1"
LISTS = SourceRanges("test", (DENIED,), ("10.0.0.0/8",))
DENY = SourceRanges("test", (DENIED,))

TABLE: dict[str, tuple[tuple[Policy, ...], dict[tuple[str, str], int]]] = {
    "all": (
        (LISTS, AUTH),
        {
            (LISTED, "right"): 200,
            (LISTED, "wrong"): 401,
            (LISTED, ""): 401,
            (OTHER, "right"): 403,
            (DENIED, "right"): 403,
            (OTHER, ""): 403,
        },
    ),
    "any": (
        (LISTS, AUTH, ANY),
        {
            (LISTED, "right"): 200,
            (LISTED, "wrong"): 200,
            (LISTED, ""): 200,
            (OTHER, "right"): 200,
            (OTHER, "wrong"): 401,
            (OTHER, ""): 401,
            (DENIED, "right"): 200,
            (DENIED, ""): 401,
        },
    ),
    "any, with a deny list: who is not in it needs a password all the same": (
        (DENY, AUTH, ANY),
        {(OTHER, ""): 401, (OTHER, "right"): 200, (DENIED, ""): 401, (DENIED, "right"): 200},
    ),
    "any, with lists alone": (
        (LISTS, ANY),
        {(LISTED, ""): 200, (OTHER, ""): 403, (DENIED, ""): 403},
    ),
    "any, with a deny list alone": ((DENY, ANY), {(OTHER, ""): 200, (DENIED, ""): 403}),
    "any, with a password alone": ((AUTH, ANY), {(OTHER, ""): 401, (OTHER, "right"): 200}),
    "any, with nothing to satisfy": ((ANY,), {(OTHER, ""): 200}),
}


@pytest.mark.parametrize("case", TABLE)
def test_who_is_let_in(stage: Stage, backend: Backend, case: str) -> None:
    policies, expected = TABLE[case]
    for order in (policies, policies[::-1]):  # that of the record does not matter
        host = stage.serve(backend, policies=order)
        found = {}
        for client, password in expected:
            fields = [("X-Forwarded-For", client)]
            fields += {"right": [RIGHT], "wrong": [WRONG], "": []}[password]
            found[client, password] = stage.get(host, fields=fields).status
        assert found == expected


def test_the_challenge_comes_with_401(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend, policies=(LISTS, AUTH, ANY))
    assert stage.get(host).get("www-authenticate") == 'Basic realm="shop"'


def test_digest_counts_as_well(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend, policies=(LISTS, DigestAuth("test", "shop"), ANY))
    assert stage.get(host, fields=[("X-Forwarded-For", LISTED)]).status == 200
    assert stage.get(host, fields=[("X-Forwarded-For", OTHER)]).status == 401


def test_the_endpoint_gets_no_password_of_a_client_that_the_list_lets_in(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend, policies=(LISTS, AUTH, ANY))
    answer = stage.get(host, fields=[("X-Forwarded-For", LISTED), RIGHT])
    assert "authorization" not in {name.lower() for name, _ in answer.json()["headers"]}


@pytest.mark.parametrize("policies", [(LISTS, AUTH, ANY), (LISTS, AUTH)])
def test_limits_hold_before_all_of_them(stage: Stage, backend: Backend, policies: tuple[Policy, ...]) -> None:
    """A guesser of passwords is slowed down."""
    client = f"10.7.7.{next(numbers)}"
    host = stage.serve(backend, policies=(*policies, ClientLimits("test", per_minute=1, burst=2)))
    fields = [("X-Forwarded-For", client), RIGHT]
    assert [stage.get(host, fields=fields).status for _ in range(5)] == [200] * 3 + [503] * 2


def test_from_the_annotations_to_the_answer(site: Site, backend: Backend) -> None:
    asked = annotated(
        auth_type="basic", auth_secret="users", auth_realm="shop", satisfy="any", allowlist_source_range="127.0.0.2"
    )
    site.serve("web", backend, annotations=asked)
    write(site.folder, "users.yaml", objects.secret("users", kind="Opaque", auth=f"anna:{HASH}"))
    with Edge(site.folder) as edge:
        assert edge.get("/").status == 401
        assert edge.get("/", fields=[RIGHT]).status == 200
        with edge.connect(source="127.0.0.2") as client:
            assert client.request().status == 200

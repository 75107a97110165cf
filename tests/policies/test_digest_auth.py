"""auth-type digest: as basic, but the password does not cross the wire."""

from __future__ import annotations

import hashlib
import re

import pytest

from edge.table.policies import Closed, DigestAuth
from tests.e2e.conftest import Site
from tests.support import objects
from tests.support.annotated import Annotated, annotated, place
from tests.support.backends import Backend
from tests.support.clients import Response
from tests.support.edge import Edge, write
from tests.support.stage import Stage
from tests.support.waiting import eventually
from tests.support.world import World

ASKED = {"auth_type": "digest", "auth_secret": "users", "auth_realm": "shop"}
SOURCE = place("auth-type")


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


HA1 = md5("anna:shop:secret")


def users(text: str = f"anna:shop:{HA1}\n") -> objects.Manifest:
    return objects.secret("users", kind="Opaque", auth=text)


def answer_to(challenge: str, password: str, target: str = "/", user: str = "anna") -> list[tuple[str, str]]:
    """What a client sends with PASSWORD after CHALLENGE."""
    found = re.search(r'nonce="([^"]+)"', challenge)
    assert found is not None
    proof = md5(":".join((md5(f"{user}:shop:{password}"), found[1], "00000001", "c", "auth", md5(f"GET:{target}"))))
    fields = f'username="{user}", realm="shop", nonce="{found[1]}", uri="{target}", response="{proof}"'
    return [("Authorization", f'Digest {fields}, qop=auth, nc=00000001, cnonce="c", algorithm=MD5')]


# --- what the annotations ask for -------------------------------------------------------------------------------------


def test_a_file_of_users() -> None:
    web = Annotated(World().apply(users(f"anna:shop:{HA1.upper()}\nbert:other:{HA1}\n")), **ASKED)
    assert web.policies == (DigestAuth(SOURCE, "shop", (("anna", HA1),)),)
    assert web.problems == []


def test_a_map_of_users() -> None:
    secret = objects.secret("users", kind="Opaque", anna=f"shop:{HA1}\n")
    web = Annotated(World().apply(secret), **ASKED, auth_secret_type="auth-map")
    assert web.policies == (DigestAuth(SOURCE, "shop", (("anna", HA1),)),)


def test_users_of_another_realm_are_reported() -> None:
    web = Annotated(World().apply(users(f"anna:other:{HA1}")), **ASKED)
    assert web.policies == (DigestAuth(SOURCE, "shop"),)
    ((reason, field, message),) = web.problems
    assert (reason, field) == ("InvalidSecret", place("auth-secret"))
    assert 'of the realm "shop"' in message


@pytest.mark.parametrize("text", ["anna:secret", f"anna:shop:{HA1}\nbert:shop:{HA1[1:]}"])
def test_a_file_that_htdigest_would_not_write_closes_the_route(text: str) -> None:
    web = Annotated(World().apply(users(text)), **ASKED)
    assert [type(one) for one in web.policies] == [Closed]
    assert [reason for reason, _, _ in web.problems] == ["InvalidSecret"]


# --- what clients get -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def host(stage: Stage, backend: Backend) -> str:
    return stage.serve(backend, policies=(DigestAuth("test", "shop", (("anna", HA1),)),))


def challenge_of(answer: Response) -> str:
    assert answer.status == 401
    challenge = answer.get("www-authenticate")
    assert challenge is not None
    assert challenge.startswith('Digest realm="shop", qop="auth", algorithm=MD5, nonce="')
    return challenge


def test_the_right_password_is_let_in_and_no_other(stage: Stage, host: str) -> None:
    challenge = challenge_of(stage.get(host))
    assert stage.get(host, fields=answer_to(challenge, "secret")).status == 200
    challenge_of(stage.get(host, fields=answer_to(challenge, "Secret")))
    challenge_of(stage.get(host, fields=answer_to(challenge, "secret", user="bert")))


def test_an_answer_is_for_one_target(stage: Stage, host: str) -> None:
    challenge = challenge_of(stage.get(host, "/a?b=c"))
    assert stage.get(host, "/a?b=c", fields=answer_to(challenge, "secret", "/a?b=c")).status == 200
    challenge_of(stage.get(host, "/other", fields=answer_to(challenge, "secret", "/a?b=c")))


def test_a_nonce_that_edge_did_not_make_is_401(stage: Stage, host: str) -> None:
    forged = 'nonce="{:x}-{}"'.format(2_000_000_000, "0" * 32)
    assert "stale" not in challenge_of(stage.get(host, fields=answer_to(forged, "secret")))


def test_basic_is_401(stage: Stage, host: str) -> None:
    challenge_of(stage.get(host, fields=[("Authorization", "Basic YW5uYTpzZWNyZXQ=")]))


def test_the_endpoint_gets_no_authorization(stage: Stage, host: str) -> None:
    answer = stage.get(host, fields=answer_to(challenge_of(stage.get(host)), "secret"))
    assert "authorization" not in {name.lower() for name, _ in answer.json()["headers"]}


def test_from_the_annotation_to_the_answer(site: Site, backend: Backend) -> None:
    """A nonce of one worker is good for all, and for those of other pods."""
    site.serve("web", backend, annotations=annotated(**ASKED))
    write(site.folder, "users.yaml", users())
    with Edge(site.folder, workers=2) as edge, Edge(site.folder) as other:
        challenge = challenge_of(edge.get("/"))
        assert {edge.get("/", fields=answer_to(challenge, "secret")).status for _ in range(8)} == {200}
        assert other.get("/", fields=answer_to(challenge, "secret")).status == 200
        write(site.folder, "users.yaml", users(f"anna:shop:{md5('anna:shop:new')}"))
        eventually(lambda: edge.get("/", fields=answer_to(challenge, "secret")).status == 401)
        assert edge.get("/", fields=answer_to(challenge_of(edge.get("/")), "new")).status == 200

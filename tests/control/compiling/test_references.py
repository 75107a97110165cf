"""Secrets and ConfigMaps that annotations name: asked for by need, and followed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edge.control.kinds.changes import Delete, Invalid, Upsert
from edge.control.kinds.objects import ObjectId
from edge.control.translate.annotations import policies
from edge.control.translate.annotations.values import Values
from edge.control.translate.annotations.wanted import Deferred
from edge.table.policies import BasicAuth, Closed, ResponseHeaders
from tests.support import objects
from tests.support.annotated import annotated
from tests.support.policies import policy
from tests.support.world import World, taken

HASH = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="
USERS = ObjectId("Secret", "demo", "users")
ASKED = annotated(auth_type="basic", auth_secret="users")
GONE = Delete("Secret", "demo", "users")


def users(text: str = f"anna:{HASH}") -> objects.Manifest:
    return objects.secret("users", kind="Opaque", auth=text)


def world(**compiler: bool) -> World:
    """One with an Ingress that names the Secret, and its Service."""
    made = World(**compiler)
    return made.apply(objects.service(), objects.endpoints("web", "10.0.0.1"), objects.ingress(annotations=ASKED))


def names(made: World, host: str = "web.example") -> list[str] | None:
    """The users that are let in; None: the route is closed."""
    route = made.route(host)
    found = policy(route, BasicAuth)
    assert (found is None) == (policy(route, Closed) is not None), "one of the two"
    return [name for name, _ in found.users] if found is not None else None


def test_it_is_wanted_for_as_long_as_it_is_named() -> None:
    made = world()
    version = made.compiler.needs_version
    assert made.compiler.wanted == {USERS}
    made.apply(objects.ingress(annotations=annotated(auth_type="basic", auth_secret="others")))
    assert made.compiler.wanted == {ObjectId("Secret", "demo", "others")}
    assert made.compiler.needs_version > version
    made.delete("Ingress", "web")
    assert made.compiler.wanted == frozenset()


def test_one_of_another_namespace_is_not_even_asked_for() -> None:
    made = World().apply(objects.ingress(annotations=annotated(auth_type="basic", auth_secret="other/users")))
    assert made.compiler.wanted == frozenset()


def test_its_life_is_followed() -> None:
    made = world()
    assert (names(made), made.reasons()) == (None, ["MissingSecret"])
    made.apply(users())
    assert (names(made), made.reasons()) == (["anna"], [])
    made.apply(users(f"bert:{HASH}"))
    assert names(made) == ["bert"]
    made.delete("Secret", "users")
    assert (names(made), made.reasons()) == (None, ["MissingSecret"])


def test_one_that_has_not_been_looked_for_closes_the_route_and_is_no_problem() -> None:
    made = world(by_need=True)
    assert (names(made), made.reasons()) == (None, [])
    made.tell([GONE])
    assert (names(made), made.reasons()) == (None, ["MissingSecret"])
    made.apply(users())
    assert (names(made), made.reasons()) == (["anna"], [])


def test_one_that_was_wanted_before_is_looked_for_again() -> None:
    made = world(by_need=True).apply(users())
    made.delete("Ingress", "web")
    made.tell([GONE])  # the source drops what is wanted no longer
    made.apply(objects.ingress(annotations=ASKED))
    assert (names(made), made.reasons()) == (None, [])
    made.apply(users())
    assert names(made) == ["anna"]


def test_one_that_tls_needs_too_is_not_forgotten() -> None:
    made = world(by_need=True).apply(users())
    made.apply(objects.ingress(annotations=ASKED, secret="users"))
    made.apply(objects.ingress(annotations=ASKED))
    assert made.compiler.wanted == {USERS}
    assert names(made) == ["anna"]
    made.apply(objects.ingress(secret="users"), objects.ingress("other", host="other.example", annotations=ASKED))
    assert names(made, "other.example") == ["anna"]


def test_one_that_cannot_be_read_any_more_stays_in_force() -> None:
    made = world().apply(users())
    made.tell([Invalid("users.yaml", "Secret", "demo", "users", "data.auth: not base64")])
    assert names(made) == ["anna"]


def test_one_that_could_never_be_read_closes_the_route() -> None:
    made = world()
    made.tell([Invalid("users.yaml", "Secret", "demo", "users", "data.auth: not base64")])
    assert (names(made), made.reasons()) == (None, ["MissingSecret"])
    assert "data.auth: not base64" in made.problems_of()[0].message


def test_all_that_name_it_follow() -> None:
    made = world()
    made.apply(*(objects.ingress(f"web{n}", host=f"web{n}.example", annotations=ASKED) for n in range(3)))
    made.tell([Upsert(taken(users()))])
    assert [names(made, f"web{n}.example") for n in range(3)] == [["anna"]] * 3
    made.apply(objects.ingress("free", host="free.example"))
    before = made.routes["free.example"]
    made.apply(users(f"bert:{HASH}"))
    assert made.routes["free.example"] is before, "what does not name it is not made again"


# --- ConfigMaps -------------------------------------------------------------------------------------------------------


class Greeting:
    """A unit with an annotation that names a ConfigMap."""

    NAMES = frozenset({"custom-headers"})

    @staticmethod
    def read(values: Values) -> Iterator[Deferred]:
        reference = values.reference("ConfigMap", "custom-headers")
        if reference is not None:
            yield Deferred(reference, lambda found: (ResponseHeaders("", set=tuple((found.data or {}).items())), ()))


def test_a_config_map_is_followed_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "UNITS", (Greeting,))
    made = World(by_need=True)
    made.apply(objects.service(), objects.endpoints("web", "10.0.0.1"))
    made.apply(objects.ingress(annotations=annotated(custom_headers="demo/fields")))
    assert made.compiler.wanted == {ObjectId("ConfigMap", "demo", "fields")}
    closed = policy(made.route("web.example"), Closed)
    assert closed is not None
    assert closed.reason == "ConfigMap demo/fields has not been read yet"
    for value in ("one", "two"):
        fields = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "fields", "namespace": "demo"}}
        made.apply({**fields, "data": {"X-Count": value}})
        found = policy(made.route("web.example"), ResponseHeaders)
        assert found is not None
        assert found.set == (("X-Count", value),)
    made.delete("ConfigMap", "fields")
    assert "MissingConfigMap" in made.reasons()
    assert policy(made.route("web.example"), Closed) is not None

"""affinity: cookie and session-cookie-*: a client stays with an endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support import objects
from tests.support.backends import Backend
from tests.support.certificates import trusting_all
from tests.support.ingresses import Annotated

WHO = "x-backend"


@pytest.fixture(scope="module")
def edge() -> Iterator[Annotated]:
    """With two workers, so that they have to agree."""
    with Annotated("--workers=2") as one, Backend() as backend:
        one.service("web", backend)
        yield one


@pytest.fixture(scope="module")
def three() -> Iterator[list[Backend]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Backend(f"pod{number}")) for number in range(3)]


@pytest.fixture
def many(edge: Annotated, three: list[Backend]) -> str:
    edge.service("many", *three)
    return "@ Prefix / many"


def cookie(edge: Annotated, host: str, target: str = "/", **rest: object) -> str:
    """The Set-Cookie field of an answer to a client without a cookie; empty: there is none."""
    return edge.get(host, target, **rest).get("Set-Cookie") or ""


def ask(edge: Annotated, host: str, given: str, *fields: tuple[str, str]) -> tuple[str | None, str | None]:
    """Who answers a client with the cookie GIVEN, and the one that it gets."""
    response = edge.get(host, fields=[("Cookie", given.partition(";")[0]), *fields])
    return response.get(WHO), response.get("Set-Cookie")


@pytest.mark.parametrize("mode", ["balanced", "persistent"])
def test_the_cookie_leads_to_one_endpoint(edge: Annotated, many: str, mode: str) -> None:
    host = edge.ingress(many, affinity="cookie", affinity_mode=mode)
    assert edge.reasons() == []
    for _ in range(5):
        first = edge.get(host)
        given = first.get("Set-Cookie") or ""
        assert given.startswith("INGRESSCOOKIE=")
        assert given.partition(";")[2] == " Path=/; HttpOnly"
        assert {ask(edge, host, given) for _ in range(8)} == {(first.get(WHO), None)}


def test_name_and_attributes_are_live(edge: Annotated, many: str) -> None:
    host = edge.ingress(many, affinity="cookie", session_cookie_name="SERVERID")
    name = edge.last.name
    assert cookie(edge, host).startswith("SERVERID=")
    edge.ingress(
        many, host=host, name=name, affinity="cookie", session_cookie_name="OTHER", session_cookie_max_age="60"
    )
    given = cookie(edge, host)
    assert given.startswith("OTHER=")
    assert "; Max-Age=60; Path=/; HttpOnly" in given
    edge.ingress(many, host=host, name=name)
    assert cookie(edge, host) == ""


def test_it_is_secure_over_tls(edge: Annotated, many: str) -> None:
    host = edge.ingress(many, affinity="cookie", session_cookie_secure="false")
    assert "; Secure" not in cookie(edge, host)
    with edge.connect(tls=trusting_all()) as client:
        assert "; Secure; HttpOnly" in (client.request("/", host=host).get("Set-Cookie") or "")
    assert "; Secure" in cookie(edge, edge.ingress(many, affinity="cookie", session_cookie_secure="true"))


def test_each_path_has_its_own(edge: Annotated) -> None:
    host = edge.ingress("@ Prefix /something many\n@ Prefix /somewhereelse many", affinity="cookie")
    edge.ingress("@ Prefix /plain many", host=host)
    assert "; Path=/something;" in cookie(edge, host, "/something")
    assert "; Path=/somewhereelse;" in cookie(edge, host, "/somewhereelse/x")
    assert cookie(edge, host, "/plain") == ""


def test_with_patterns(edge: Annotated) -> None:
    rules = "@ ImplementationSpecific /foo/.* many"
    host = edge.ingress(rules, affinity="cookie", use_regex="true", session_cookie_path="/foo/bar")
    assert "; Path=/foo/bar;" in cookie(edge, host, "/foo/bar")
    edge.ingress(rules, affinity="cookie", use_regex="true")
    assert edge.reasons() == ["CookiePath"]


def test_without_a_host(edge: Annotated, many: str) -> None:
    edge.ingress(many.replace("@", "any"), name="hostless", affinity="cookie")
    assert cookie(edge, "nobody-names-it.example").startswith("INGRESSCOOKIE=")
    edge.delete("Ingress", "hostless")


@pytest.mark.parametrize(("mode", "renewed"), [("balanced", False), ("persistent", True)])
def test_an_endpoint_that_is_gone(edge: Annotated, three: list[Backend], mode: str, renewed: bool) -> None:
    """Another takes over; a persistent cookie names an endpoint, so there is a new one."""
    rules = f"@ Prefix / leaving-{mode}"
    edge.service(f"leaving-{mode}", *three)
    host = edge.ingress(rules, affinity="cookie", affinity_mode=mode)
    first = edge.get(host)
    given = first.get("Set-Cookie") or ""
    gone = next(one for one in three if one.name == first.get(WHO))
    edge.put(*(left_out(f"leaving-{mode}", number) for number, one in enumerate(three) if one is gone))
    who, again = ask(edge, host, given)
    assert who not in (None, gone.name)
    assert bool(again) is renewed
    assert {ask(edge, host, again or given) for _ in range(6)} == {(who, None)}


def left_out(service: str, number: int) -> dict[str, object]:
    return objects.endpoints(service, suffix=str(number))


def test_an_endpoint_that_refuses_connections(edge: Annotated) -> None:
    """Another answers at once; whether the client gets another cookie is as the annotation says."""
    for renews in ("false", "true"):
        with Backend("stays") as stays, ExitStack() as stack:
            goes = stack.enter_context(Backend("goes"))
            name = f"refusing-{renews}"
            edge.service(name, goes, stays)
            host = edge.ingress(f"@ Prefix / {name}", affinity="cookie", session_cookie_change_on_failure=renews)
            first = edge.get(host)
            while first.get(WHO) != "goes":
                first = edge.get(host)
            goes.close()
            who, again = ask(edge, host, first.get("Set-Cookie") or "")
            assert who == "stays"
            assert (again is not None) is (renews == "true")


def test_only_few_move_when_an_endpoint_comes_and_none_if_persistent(edge: Annotated, three: list[Backend]) -> None:
    for mode in ("balanced", "persistent"):
        name = f"growing-{mode}"
        edge.service(name, *three[:2])
        host = edge.ingress(f"@ Prefix / {name}", affinity="cookie", affinity_mode=mode)
        clients = [(one.get(WHO), one.get("Set-Cookie") or "") for one in (edge.get(host) for _ in range(30))]
        edge.service(name, *three)
        moved = [who for who, given in clients if ask(edge, host, given)[0] != who]
        assert len(moved) < 25 if mode == "balanced" else not moved


# --- with a canary ---


@pytest.fixture
def canary(edge: Annotated, three: list[Backend]) -> str:
    edge.service("fresh", three[2])
    edge.service("main", three[0], three[1])
    return "@ Prefix / fresh"


def test_a_client_of_the_canary_stays_there(edge: Annotated, canary: str) -> None:
    host = edge.ingress("@ Prefix / main", affinity="cookie")
    rule = {"canary_by_header": "ForceCanary", "canary_by_header_value": "yes", "canary_weight": "1"}
    edge.ingress(canary, host=host, canary="true", **rule)
    forced = edge.get(host, fields=[("ForceCanary", "yes")])
    assert forced.get(WHO) == "pod2"
    assert {ask(edge, host, forced.get("Set-Cookie") or "") for _ in range(20)} == {("pod2", None)}
    plain = edge.get(host, fields=[("ForceCanary", "no")])
    while plain.get(WHO) == "pod2":
        plain = edge.get(host)
    given = plain.get("Set-Cookie") or ""
    assert {ask(edge, host, given, ("ForceCanary", "yes")) for _ in range(5)} == {(plain.get(WHO), None)}


def test_a_legacy_canary_is_decided_about_anew(edge: Annotated, canary: str) -> None:
    host = edge.ingress("@ Prefix / main", affinity="cookie")
    edge.ingress(canary, host=host, canary="true", canary_by_header="ForceCanary", affinity_canary_behavior="legacy")
    given = cookie(edge, host)
    assert given
    assert ask(edge, host, given, ("ForceCanary", "always")) == ("pod2", None)
    assert cookie(edge, host, fields=[("ForceCanary", "always")]) == ""

"""ssl-passthrough: streams by server name, out of Ingresses."""

from __future__ import annotations

from typing import Any

import pytest

from edge.settings import Settings
from edge.table.records import Balance
from edge.table.streams import SERVER_STREAMS, ServerStreams, StreamRoute
from tests.support import objects
from tests.support.site import ingress
from tests.support.world import World

RULES = "tls.example Prefix / web"


def world(**settings: Any) -> World:
    made = World(Settings(**{"enable_ssl_passthrough": True, **settings}))
    return made.apply(objects.service("web"), objects.endpoints("web", "10.0.0.1"))


def asking(rules: str = RULES, name: str = "web", **annotate: str) -> dict[str, Any]:
    named = {key.replace("_", "-"): value for key, value in annotate.items()}
    return ingress(name, rules, annotate={"ssl-passthrough": "true", **named})


def stream(made: World, host: str = "tls.example") -> StreamRoute:
    found = made.routes[f"n:{host}"]
    assert isinstance(found, StreamRoute)
    return found


def test_the_host_s_root_has_a_stream() -> None:
    made = world().apply(asking())
    (backend,) = stream(made).backends
    assert (backend.key, backend.policies) == ("demo/web:80", ())
    assert not stream(made).terminate
    assert made.routes[SERVER_STREAMS] == ServerStreams(("",))
    assert made.route("tls.example").backends, "in the clear it is served as before"
    made.delete("Ingress", "web")
    assert "n:tls.example" not in made.routes
    assert SERVER_STREAMS not in made.routes


def test_without_the_flag_it_is_reported_and_ignored() -> None:
    made = world(enable_ssl_passthrough=False).apply(asking())
    assert "n:tls.example" not in made.routes
    assert any("--enable-ssl-passthrough" in problem.message for problem in made.problems_of())


@pytest.mark.parametrize(
    ("rules", "reason"), [("any Prefix / web", "NoServerName"), ("tls.example Prefix /a web", "NoRootPath")]
)
def test_where_there_is_no_name_or_no_root(rules: str, reason: str) -> None:
    made = world().apply(asking(rules))
    assert reason in made.reasons()
    assert not any(key.startswith("n:") for key in made.routes)


def test_wildcards_and_several_hosts() -> None:
    made = world().apply(asking("*.wild.example Prefix / web\na.example Prefix / web\na.example Prefix /b web"))
    assert {key for key in made.routes if key.startswith("n:")} == {"n:*.wild.example", "n:a.example"}


def test_the_oldest_ingress_has_the_name() -> None:
    made = world().apply(asking(name="web"), asking(name="later"))
    made.apply(objects.service("other"), asking("tls.example Prefix / other", name="a-third"))
    assert stream(made).owner.name == "a-third", "of the same age the first by name"
    assert "StreamConflict" in made.reasons("web")
    assert "StreamConflict" in made.reasons("later")
    made.delete("Ingress", "a-third")
    assert stream(made).owner.name == "later"
    assert "StreamConflict" not in made.reasons("later")


def test_balancing_is_that_of_the_ingress() -> None:
    made = world().apply(asking(load_balance="least_conn", upstream_hash_by="$remote_addr"))
    assert made.service("web").balance is Balance.LEAST_CONNECTIONS
    assert stream(made).by_client

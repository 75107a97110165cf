"""Names of Services of type ExternalName are resolved in the background, and again after a time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from edge.control.compiling.dns_names import Resolution
from edge.control.publishing import resolver as module
from edge.control.publishing.resolver import Resolver, addresses_of
from tests.support.waiting import eventually


class Dns:
    """A resolver's resolver; a name without an entry cannot be resolved."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[str, ...]] = {}
        self.asked: list[str] = []
        self.slow: dict[str, threading.Event] = {}
        self.told: list[str] = []

    def look(self, name: str) -> tuple[str, ...]:
        self.asked.append(name)
        if name in self.slow:
            self.slow[name].wait(40)
        if name not in self.entries:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self.entries[name]


@pytest.fixture
def dns() -> Dns:
    return Dns()


@pytest.fixture
def resolver(dns: Dns, monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    monkeypatch.setattr(module, "RETRY", 0.02)
    made = Resolver(dns.told.append, look=dns.look, ttl=0.02)
    yield made
    made.stop()


def test_a_wanted_name_is_resolved_and_told(dns: Dns, resolver: Resolver) -> None:
    dns.entries["a.example"] = ("10.0.0.1",)
    assert resolver.look_up("a.example") is None
    resolver.want(frozenset({"a.example"}))
    eventually(lambda: resolver.look_up("a.example") == Resolution(("10.0.0.1",)))
    eventually(lambda: dns.told == ["a.example"])


def test_it_is_asked_for_again_and_told_when_it_is_another(dns: Dns, resolver: Resolver) -> None:
    dns.entries["a.example"] = ("10.0.0.1",)
    resolver.want(frozenset({"a.example"}))
    eventually(lambda: len(dns.asked) > 3)
    assert dns.told == ["a.example"]
    dns.entries["a.example"] = ("10.0.0.2",)
    eventually(lambda: resolver.look_up("a.example") == Resolution(("10.0.0.2",)))
    eventually(lambda: dns.told == ["a.example"] * 2)


def test_a_failure_is_told_with_its_reason_and_mended_later(dns: Dns, resolver: Resolver) -> None:
    resolver.want(frozenset({"a.example"}))
    eventually(lambda: resolver.look_up("a.example") == Resolution((), "Name or service not known"))
    dns.entries["a.example"] = ("10.0.0.1",)
    eventually(lambda: resolver.look_up("a.example") == Resolution(("10.0.0.1",)))


def test_the_last_addresses_stay_while_a_name_cannot_be_resolved(
    dns: Dns, resolver: Resolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    dns.entries["a.example"] = ("10.0.0.1",)
    resolver.want(frozenset({"a.example"}))
    eventually(lambda: resolver.look_up("a.example"))
    del dns.entries["a.example"]
    eventually(lambda: resolver.look_up("a.example") == Resolution(("10.0.0.1",), "Name or service not known"))
    monkeypatch.setattr(module, "STALE", 0.0)
    eventually(lambda: resolver.look_up("a.example") == Resolution((), "Name or service not known"))


def test_a_name_that_does_not_answer_holds_up_no_other(dns: Dns, resolver: Resolver) -> None:
    dns.slow["slow.example"] = threading.Event()
    dns.entries |= {"slow.example": ("10.0.0.1",), "fast.example": ("10.0.0.2",)}
    resolver.want(frozenset(dns.entries))
    eventually(lambda: resolver.look_up("fast.example"))
    assert resolver.look_up("slow.example") is None
    dns.slow["slow.example"].set()
    eventually(lambda: resolver.look_up("slow.example"))


def test_what_is_not_wanted_any_more_is_forgotten(dns: Dns, resolver: Resolver) -> None:
    resolver.want(frozenset({"a.example", "b.example"}))
    eventually(lambda: resolver.look_up("a.example"))
    resolver.want(frozenset({"b.example"}))
    assert resolver.look_up("a.example") is None
    asked = dns.asked.count("a.example")
    seen = len(dns.asked)
    eventually(lambda: len(dns.asked) > seen + 3)
    assert dns.asked.count("a.example") <= asked + 1  # one may have been on its way


def test_without_names_nothing_runs(resolver: Resolver) -> None:
    resolver.want(frozenset())
    assert not resolver._threads


def test_a_name_that_is_none_is_a_failure_and_not_the_end(dns: Dns) -> None:
    real = Resolver(dns.told.append, look=addresses_of)
    real.want(frozenset({"x" * 70 + ".example"}))
    eventually(lambda: (found := real.look_up("x" * 70 + ".example")) is not None and found.fault)
    real.stop()


def test_an_address_stands_for_itself() -> None:
    assert addresses_of("127.0.0.1") == ("127.0.0.1",)


@pytest.mark.parametrize("spelling", ["127.1", "0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1"])
def test_an_address_in_an_odd_spelling_is_told_in_its_usual_form(spelling: str) -> None:
    assert addresses_of(spelling) == ("127.0.0.1",)


@pytest.mark.parametrize("name", ["api.example.test.", "api.example.test"])
def test_the_resolver_of_the_system_is_given_a_name_as_it_is_written(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def getaddrinfo(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert addresses_of(name) == ("192.0.2.1",)
    assert asked == [name]


def test_names_with_and_without_a_dot_at_the_end_are_followed_beside_each_other(dns: Dns, resolver: Resolver) -> None:
    dns.entries |= {"a.example": ("10.0.0.1",), "a.example.": ("10.0.0.2",)}
    resolver.want(frozenset(dns.entries))
    eventually(lambda: resolver.look_up("a.example") == Resolution(("10.0.0.1",)))
    eventually(lambda: resolver.look_up("a.example.") == Resolution(("10.0.0.2",)))


def test_a_name_that_comes_and_goes_is_looked_up_no_more_often_than_another(dns: Dns, resolver: Resolver) -> None:
    dns.entries["a.example"] = ("10.0.0.1",)
    for _ in range(20):
        resolver.want(frozenset({"a.example"}))
        eventually(lambda: resolver.look_up("a.example"))
        resolver.want(frozenset())
    resolver.want(frozenset({"a.example"}))
    dns.slow["a.example"] = threading.Event()
    asked = len(dns.asked)
    eventually(lambda: len(dns.asked) > asked)
    time.sleep(0.2)
    assert len(dns.asked) <= asked + 2, "one may have been on its way"
    dns.slow["a.example"].set()

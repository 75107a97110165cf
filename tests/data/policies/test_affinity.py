"""Sticky sessions: which endpoint a cookie leads to, and which cookie a client gets (affinity of ingress-nginx)."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from edge.data.policies import affinity, session_times
from edge.table.policies import Affinity, Canary, CookieChange, Retry, SessionBackend
from edge.table.policies.affinity import side
from tests.support.play import Answer, Endpoint, Request, backend, route

NAME = "INGRESSCOOKIE"
SIDE = side("demo-web-80")
KEY = re.compile(r"[0-9]{10}(\.[0-9]{1,3})?\.[0-9]+\.[0-9]{1,6}")
DIGEST = re.compile(r"[0-9a-f]{32}")
MODES = pytest.mark.parametrize("persistent", [False, True], ids=["balanced", "persistent"])


def sticky(**rest: Any) -> Affinity:
    return Affinity("test", NAME, **rest)


def endpoints(count: int) -> list[Endpoint]:
    return [Endpoint(Answer(content=str(number).encode())) for number in range(count)]


class Asking:
    """A route with affinity and COUNT endpoints."""

    def __init__(self, scene: Callable[..., Any], policy: Affinity, count: int = 3, *others: Any) -> None:
        self.endpoints = endpoints(count)
        to = (backend(policies=(policy,)),)
        self.scene = scene(services={"web": self.endpoints}, routes=(route("/", *others, to=to),))

    def fail(self, *names: str) -> None:
        """These endpoints refuse connections from now on, and have closed those that there were."""
        for number, endpoint in enumerate(self.endpoints):
            endpoint.connect = 502 if str(number) in names else 0
        for target in self.scene.planner.targets._known.values():
            target.ejected_until = 0.0
        self.scene.close_idle()

    def __call__(self, cookie: str = "", *, secure: bool = False, agent: str = "", **rest: Any) -> tuple[str, str]:
        """Who answers, and the cookie that the client gets; empty: none."""
        fields = (*((("Cookie", cookie),) if cookie else ()), *((("User-Agent", agent),) if agent else ()))
        played = self.scene.play(Request(fields=fields, **rest), secure=secure)
        return played.content.decode(), played.field("set-cookie") or ""


def pair(cookie: str) -> str:
    """The name and value of a Set-Cookie field."""
    return cookie.partition(";")[0]


@MODES
def test_a_client_without_the_cookie_gets_one_and_stays_with_its_endpoint(scene, persistent: bool) -> None:
    ask = Asking(scene, sticky(persistent=persistent))
    seen = set()
    for _ in range(12):
        who, given = ask()
        assert given
        assert [ask(pair(given)) for _ in range(3)] == [(who, "")] * 3, "without a new cookie"
        seen.add(who)
    assert len(seen) > 1


def test_the_value_is_that_of_ingress_nginx(scene) -> None:
    """Behind the `|` stands which Service it is of."""
    value = pair(Asking(scene, sticky())()[1]).removeprefix(f"{NAME}=")
    key, _, behind = value.partition("|")
    assert KEY.fullmatch(key)
    assert behind == SIDE
    assert abs(float(re.match(r"[0-9]+", key)[0]) - time.time()) < 120  # type: ignore[index]
    value = pair(Asking(scene, sticky(persistent=True))()[1]).removeprefix(f"{NAME}=")
    key, _, behind = value.partition("|")
    assert DIGEST.fullmatch(key)
    assert behind == SIDE


def test_cookies_of_ingress_nginx_lead_to_the_same_endpoints(scene) -> None:
    """Values that its modules make for these addresses: sessions go on when an application is moved."""
    ask = Asking(scene, sticky())
    value = f"{NAME}=1700000001.234.33.482013|{SIDE}"
    assert {ask(value) for _ in range(5)} == {("1", "")}
    ask = Asking(scene, sticky(persistent=True))
    assert ask(f"{NAME}=623cb3fd4d70eadd26a40960ea917dce|{SIDE}") == ("1", "")
    assert SIDE == "4eccf85e3a373e847aa679b764930aaa"


@pytest.mark.parametrize("workers", [2])
@MODES
def test_workers_agree_without_knowing_of_each_other(scene, persistent: bool, workers: int) -> None:
    all_of_them = [Asking(scene, sticky(persistent=persistent), 5) for _ in range(workers)]
    for _ in range(10):
        who, given = all_of_them[0]()
        assert [ask(pair(given)) for ask in all_of_them] == [(who, "")] * workers


@pytest.mark.parametrize("cookie", ["made=up", f"{NAME}=", f"{NAME}=|{SIDE}", f"not{NAME}=x"])
def test_what_is_no_cookie_of_ours_is_as_none(scene, cookie: str) -> None:
    assert Asking(scene, sticky())(cookie)[1]


def test_a_balanced_key_that_somebody_made_up_has_an_endpoint(scene) -> None:
    ask = Asking(scene, sticky())
    assert len({ask(f"{NAME}=anything") for _ in range(5)}) == 1
    assert ask(f"{NAME}=anything")[1] == ""


def test_a_persistent_key_of_an_endpoint_that_is_gone_gives_a_new_cookie(scene) -> None:
    who, given = Asking(scene, sticky(persistent=True))(f"{NAME}={'0' * 32}|{SIDE}")
    assert who in ("0", "1", "2")
    assert given


def test_of_several_cookies_with_the_name_the_last_counts(scene) -> None:
    ask = Asking(scene, sticky(persistent=True))
    first = ask()
    other = first
    while other[0] == first[0]:
        other = ask()
    assert ask(f"{pair(first[1])}; a=b; {pair(other[1])}") == (other[0], "")


def test_new_clients_are_spread(scene) -> None:
    for persistent in (False, True):
        ask = Asking(scene, sticky(persistent=persistent))
        shares = Counter(ask()[0] for _ in range(90))
        assert min(shares.values()) > 10


# --- the attributes ---


def test_the_cookie_has_the_path_of_the_route_and_is_http_only(scene) -> None:
    given = Asking(scene, sticky(path="/app"))()[1]
    assert given.partition(";")[2] == " Path=/app; HttpOnly"


@pytest.mark.parametrize(
    ("now", "seconds", "date"),
    [
        (1_700_000_000.0, 3600, "Tue, 14-Nov-23 23:13:20 GMT"),
        (1_700_000_000.0, -9_999_999_999, "Thu, 01-Jan-70 00:00:00 GMT"),
        (2_150_000_000.0, -3600, "Wed, 17-Feb-2038 05:13:20 GMT"),
    ],
)
def test_expires_is_written_as_nginx_does(scene, monkeypatch, now: float, seconds: int, date: str) -> None:
    """With two digits for the year, as far as old clients understand them."""
    monkeypatch.setattr(affinity, "time", SimpleNamespace(time=lambda: now, gmtime=time.gmtime))
    given = Asking(scene, sticky(expires=seconds, path="/"))()[1]
    assert given.partition(";")[2] == f" Expires={date}; Path=/; HttpOnly"


def test_all_attributes_in_the_order_of_ingress_nginx(scene) -> None:
    policy = sticky(path="/", domain="a.example", expires=3600, max_age=-1, secure=True, same_site="Strict")
    names = [one.strip() for one in Asking(scene, policy)()[1].split(";")[1:]]
    assert names[0].startswith("Expires=")
    assert names[1:] == ["Max-Age=-1", "Domain=a.example", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"]


def test_it_is_secure_by_itself_over_tls(scene) -> None:
    ask = Asking(scene, sticky())
    assert "; Secure" in ask(secure=True)[1]
    assert "; Secure" not in ask()[1]


BY_APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.0 Safari/605.1.15"
BY_GOOGLE = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{} Safari/537.36"
OLD_CHROME = "Mozilla/5.0 (X11; Linux x86_64) " + BY_GOOGLE.format("58.0.3029.110")
NEW_CHROME = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_6) " + BY_GOOGLE.format("120.0")
MAC_SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14) " + BY_APPLE
IPHONE_12 = "Mozilla/5.0 (iPhone; CPU iPhone OS 12_0 like Mac OS X) " + BY_APPLE
IPAD_12 = "Mozilla/5.0 (iPad; CPU OS 12_0 like Mac OS X) " + BY_APPLE


@pytest.mark.parametrize(
    ("agent", "left_out"),
    [(OLD_CHROME, True), (MAC_SAFARI, True), (IPHONE_12, True), (IPAD_12, True), (NEW_CHROME, False), ("", False)],
)
def test_same_site_none_is_left_out_for_browsers_that_misread_it(scene, agent: str, left_out: bool) -> None:
    """Where that is asked for; the other values are not misread."""
    assert ("SameSite=None" not in Asking(scene, sticky(same_site="None", lenient=True))(agent=agent)[1]) is left_out
    assert "SameSite=None" in Asking(scene, sticky(same_site="None"))(agent=agent)[1]
    assert "SameSite=Lax" in Asking(scene, sticky(same_site="Lax", lenient=True))(agent=agent)[1]


# --- endpoints that fail ---


@MODES
@pytest.mark.parametrize("renews", [False, True])
def test_when_its_endpoint_fails_another_answers(scene, persistent: bool, renews: bool) -> None:
    """The cookie stays, so that the client comes back; with change-on-failure it gets another."""
    ask = Asking(scene, sticky(persistent=persistent, renews=renews))
    who, given = ask()
    ask.fail(who)
    other, again = ask(pair(given))
    assert other != who
    assert bool(again) is renews
    if renews:
        assert ask(pair(again)) == (other, "")
    else:
        ask.fail()
        assert ask(pair(given)) == (who, "")


@MODES
def test_a_client_without_a_cookie_gets_that_of_the_endpoint_that_answered(scene, persistent: bool) -> None:
    ask = Asking(scene, sticky(persistent=persistent), 2)
    ask.fail("0")
    for _ in range(8):
        who, given = ask()
        assert who == "1"
        assert ask(pair(given)) == ("1", "")


@MODES
def test_when_none_answers_there_is_no_cookie(scene, persistent: bool) -> None:
    ask = Asking(scene, sticky(persistent=persistent), 2)
    ask.fail("0", "1")
    assert ask()[1] == ""


def test_without_retries_the_endpoint_of_the_cookie_is_the_only_one(scene) -> None:
    ask = Asking(scene, sticky(), 3, Retry("test", tries=1))
    who, given = ask()
    ask.fail(who)
    assert not ask(pair(given))[0].isdigit()


@MODES
def test_without_endpoints_the_answer_is_503(scene, persistent: bool) -> None:
    ask = Asking(scene, sticky(persistent=persistent), 0)
    assert ask.scene.play(Request(fields=(("Cookie", f"{NAME}=x"),))).status == 503


# --- with other policies ---


def test_attributes_of_endpoints_cookies_are_changed_and_ours_is_not(scene) -> None:
    one = scene(
        services={"web": [Endpoint(Answer(fields=(("Set-Cookie", "a=b; Path=/inner"),)))]},
        routes=(
            route(
                "/", CookieChange("test", path="/inner", new_path="/"), to=(backend(policies=(sticky(path="/inner"),)),)
            ),
        ),
    )
    both = one.play(Request()).field("set-cookie")
    assert "a=b; Path=/" in both
    assert "Path=/inner; HttpOnly" in both


class Sides:
    """A main Service and its canary, as the control plane lays them out."""

    def __init__(self, scene: Callable[..., Any], *, keeps: bool = True, weight: int = 0, canary: int = 2) -> None:
        names = ("main", "canary")
        policy = sticky()
        rule = Canary("test", header="X-Canary")
        if keeps:
            rule = Canary(
                "test", header="X-Canary", affinity=NAME, sides=tuple(side(f"demo-{one}-80") for one in names)
            )
        own = ((policy,), (policy,) if keeps else ())
        to = tuple(
            backend(name, weight=share, canary=name == "canary", policies=policies)
            for name, share, policies in zip(names, (100 - weight, weight), own, strict=True)
        )
        answers = {
            name: [Endpoint(Answer(content=f"{name}{number}".encode())) for number in range(2)] for name in names
        }
        answers["canary"] = answers["canary"][:canary]
        self.scene = scene(services=answers, routes=(route("/", rule, to=to),))

    def __call__(self, cookie: str = "", word: str = "") -> tuple[str, str]:
        fields = (*((("Cookie", cookie),) if cookie else ()), *((("X-Canary", word),) if word else ()))
        played = self.scene.play(Request(fields=fields))
        return played.content.decode(), played.field("set-cookie") or ""


@pytest.mark.parametrize("word", ["always", "never"])
def test_a_client_stays_with_the_side_that_it_got_to_first(scene, word: str) -> None:
    """Whatever header and weight say later on."""
    for weight in (0, 100):
        ask = Sides(scene, weight=weight)
        who, given = ask(word=word)
        assert who.startswith("canary" if word == "always" else "main")
        assert given
        others = "never" if word == "always" else "always"
        assert {ask(pair(given), one) for one in ("", others, word)} == {(who, "")}


def test_a_legacy_canary_gives_no_cookie_and_obeys_none(scene) -> None:
    ask = Sides(scene, keeps=False)
    who, given = ask()
    assert who.startswith("main")
    assert {ask(pair(given), "always")[0][:-1] for _ in range(4)} == {"canary"}
    assert ask(word="always")[1] == ""
    assert ask(pair(given)) == (who, "")


def test_a_client_of_a_canary_without_endpoints_goes_to_the_main_one_and_comes_back(scene) -> None:
    given = Sides(scene)(word="always")[1]
    who, again = Sides(scene, canary=0)(pair(given))
    assert who.startswith("main")
    assert again == ""
    assert Sides(scene)(pair(given))[0].startswith("canary")


def test_a_field_may_take_the_place_of_the_cookie(scene) -> None:
    """The client gets it once, and leads its further requests by it."""
    asking = Asking(scene, Affinity("test", "", persistent=True, header="X-Session"))
    first = asking.scene.play(Request())
    session = first.received.field("x-session")
    assert session is not None
    assert first.received.field("set-cookie") is None
    again = [asking.scene.play(Request(fields=(("X-Session", session),))) for _ in range(6)]
    assert {one.content for one in again} == {first.content}
    assert {one.received.field("x-session") for one in again} == {None}


@pytest.mark.parametrize("header", ["", "X-Session"])
def test_a_session_stays_with_its_backend_whatever_the_weights(scene, header: str) -> None:
    own = Affinity("test", "" if header else NAME, persistent=True, header=header)
    to = tuple(backend(name, weight=weight, policies=(own,)) for name, weight in (("web", 1), ("other", 0)))
    sides = (SIDE, side("demo-other-80"))
    services = {"web": endpoints(1), "other": [Endpoint(Answer(content=b"other"))]}
    one = scene(services=services, routes=(route("/", SessionBackend("test", own.cookie, header, sides), to=to),))
    session = f"unknown|{sides[1]}"
    fields = ((header, session) if header else ("Cookie", f"{NAME}={session}"),)
    assert [one.play(Request(fields=given)).content for given in (fields, ())] == [b"other", b"0"]


# --- the times of sessions ------------------------------------------------------------------------------------------

BEGIN = 1_800_000_000


class Clock:
    """The clock that sessions go by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = float(BEGIN)
        monkeypatch.setattr(session_times, "CLOCK", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def times_of(session: str) -> tuple[int, int]:
    """When it began and when its client was last here, in seconds since the first one."""
    begun, last = session.split("|")[2].split(".")
    return int(begun, 16) - BEGIN, int(last, 16) - BEGIN


class Visits:
    """A client with a session by a field, of which it keeps what it got last."""

    def __init__(self, scene: Callable[..., Any], **times: float) -> None:
        own = Affinity("test", "", persistent=True, header="X-Session", **times)
        self.asking = Asking(scene, own)
        self.session = ""

    def __call__(self) -> str:
        """What it gets; empty: nothing new."""
        fields = (("X-Session", self.session),) if self.session else ()
        given = self.asking.scene.play(Request(fields=fields)).received.field("x-session") or ""
        self.session = given or self.session
        return str(given)


def test_a_session_ends_so_long_after_its_begin(scene, clock: Clock) -> None:
    """However often its client comes; the next one is new."""
    visit = Visits(scene, absolute=60.0)
    assert times_of(visit()) == (0, 0)
    clock.now += 59
    assert visit() == ""
    clock.now += 1
    assert times_of(visit()) == (60, 60)


def test_a_session_ends_when_its_client_is_silent_for_so_long(scene, clock: Clock) -> None:
    """A client that comes keeps it: responses renew it, once a second at most, and its begin stays."""
    visit = Visits(scene, idle=60.0)
    visit()
    assert visit() == ""
    for turn in (1, 2, 3):
        clock.now = BEGIN + 59 * turn
        assert times_of(visit()) == (0, 59 * turn)
        clock.now += 0.5
        assert visit() == ""
    clock.now = BEGIN + 59 * 3 + 60
    assert times_of(visit()) == (237, 237)


def test_both_times(scene, clock: Clock) -> None:
    visit = Visits(scene, absolute=100.0, idle=60.0)
    visit()
    for now, expected in ((50, (0, 50)), (99, (0, 99)), (100, (100, 100)), (160, (160, 160))):
        clock.now = BEGIN + now
        assert times_of(visit()) == expected


@pytest.mark.parametrize("times", ["", "|", "|x.y", "|1", "|1.2|3", f"|1.{'f' * 300}"])
def test_a_session_that_does_not_say_its_times_is_over(scene, clock: Clock, times: str) -> None:
    """One from before they were asked for, or one that a client has made up."""
    visit = Visits(scene, idle=60.0)
    visit()
    visit.session = "|".join(visit.session.split("|")[:2]) + times
    assert times_of(visit()) == (0, 0)
    assert clock.now == BEGIN


def test_a_cookie_has_the_times_too(scene, clock: Clock) -> None:
    ask = Asking(scene, sticky(persistent=True, idle=60.0))
    who, given = ask()
    assert times_of(pair(given)) == (0, 0)
    clock.now += 10
    assert (ask(pair(given))[0], times_of(pair(ask(pair(given))[1]))) == (who, (0, 10))


def test_the_weights_count_again_when_a_session_is_over(scene, clock: Clock) -> None:
    own = Affinity("test", "", persistent=True, header="X-Session", idle=60.0)
    to = tuple(backend(name, weight=weight, policies=(own,)) for name, weight in (("web", 1), ("other", 0)))
    sides = (SIDE, side("demo-other-80"))
    services = {"web": endpoints(1), "other": [Endpoint(Answer(content=b"other"))]}
    chosen = SessionBackend("test", "", "X-Session", sides, idle=60.0)
    one = scene(services=services, routes=(route("/", chosen, to=to),))
    fields = (("X-Session", f"unknown|{sides[1]}|{BEGIN:x}.{BEGIN:x}"),)
    assert one.play(Request(fields=fields)).content == b"other"
    clock.now += 60
    assert one.play(Request(fields=fields)).content == b"0"

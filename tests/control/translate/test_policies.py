"""Annotations of an Ingress as policies, and what is said of those that are none."""

from __future__ import annotations

import pytest

from edge.control.translate.annotations import policies
from edge.control.translate.annotations.names import INGRESS_NGINX
from edge.control.translate.annotations.values import PREFIX
from edge.table.records import Balance, Retry, Timeouts
from tests.support import objects
from tests.support.world import World


def read(**annotations: str) -> tuple[policies.Policies, list[str]]:
    named = {PREFIX + name.replace("_", "-"): value for name, value in annotations.items()}
    asked, problems = policies.read(named)
    return asked, [problem.reason for problem in problems]


def test_no_annotations_are_the_defaults_of_ingress_nginx() -> None:
    asked, problems = read()
    assert asked.exchanges.timeouts == Timeouts(connect=5.0, send=60.0, read=60.0)
    assert asked.exchanges.retry == Retry(tries=3, timeout=0.0, non_idempotent=False)
    assert asked.redirects.with_tls is None
    assert problems == []


def test_annotations_of_others_are_nobodys_business() -> None:
    assert policies.read({"cert-manager.io/issuer": "x", "nginx.org/rewrites": "y"}) == (policies.NONE, ())


def test_timeouts_and_tries() -> None:
    asked, _ = read(
        proxy_connect_timeout="1",
        proxy_send_timeout="2",
        proxy_read_timeout="3",
        proxy_next_upstream="error timeout non_idempotent",
        proxy_next_upstream_tries="7",
        proxy_next_upstream_timeout="9",
    )
    assert asked.exchanges.timeouts == Timeouts(1.0, 2.0, 3.0)
    assert asked.exchanges.retry == Retry(tries=7, timeout=9.0, non_idempotent=True)


def test_conditions_for_further_tries() -> None:
    retry = read(proxy_next_upstream="invalid_header http_503 http_429")[0].exchanges.retry
    assert retry == Retry(on_error=False, on_timeout=False, on_invalid=True, on_statuses=(429, 503))


def test_off_means_one_try() -> None:
    assert read(proxy_next_upstream="off", proxy_next_upstream_tries="7")[0].exchanges.retry.tries == 1


def test_body_size_and_log() -> None:
    asked, _ = read(proxy_body_size="8m", enable_access_log="false")
    assert (asked.exchanges.body_limit, asked.logging.access) == (8 << 20, False)


@pytest.mark.parametrize(
    ("word", "balance"),
    [
        ("round_robin", Balance.ROUND_ROBIN),
        ("least_conn", Balance.LEAST_CONNECTIONS),
        ("ewma", Balance.LEAST_CONNECTIONS),
    ],
)
def test_ways_of_balancing(word: str, balance: Balance) -> None:
    assert read(load_balance=word)[0].balancing.algorithm is balance


def test_one_that_ingress_nginx_knows_and_we_do_not_is_a_warning() -> None:
    name = sorted(INGRESS_NGINX - policies.SUPPORTED)[0]
    assert read(**{name: "x"})[1] == ["UnsupportedAnnotation"]


def test_one_that_nobody_knows_is_a_warning_with_a_guess() -> None:
    _, problems = policies.read({PREFIX + "ssl-redirct": "true"})
    assert problems[0].reason == "UnknownAnnotation"
    assert f'did you mean "{PREFIX}ssl-redirect"?' in problems[0].message


def test_what_is_supported_is_of_ingress_nginx() -> None:
    assert policies.SUPPORTED <= INGRESS_NGINX


def test_they_arrive_in_the_routes_of_their_ingress_alone() -> None:
    slow = objects.ingress("slow", host="slow.example", annotations={PREFIX + "proxy-read-timeout": "600"})
    world = World().apply(slow, objects.ingress())
    assert world.route("slow.example").timeouts.read == 600.0
    assert world.route("web.example").timeouts.read == 60.0


def test_a_bad_one_is_a_problem_of_its_ingress_and_the_rest_counts() -> None:
    notes = {PREFIX + "proxy-read-timeout": "soon", PREFIX + "proxy-send-timeout": "7"}
    world = World().apply(objects.ingress(annotations=notes), objects.service(), objects.endpoints("web", "10.0.0.1"))
    assert world.reasons() == ["InvalidAnnotation"]
    assert world.route("web.example").timeouts == Timeouts(5.0, 7.0, 60.0)

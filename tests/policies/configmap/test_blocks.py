"""Keys that keep clients out whatever the route."""

from __future__ import annotations

import pytest

from tests.support.configured import Configured


def agent(configured: Configured, host: str, name: str, field: str = "User-Agent") -> int:
    return configured.get(host, fields=[(field, name)]).status


def test_block_cidrs_of_all_hosts(configured: Configured, host: str) -> None:
    configured.configure(block_cidrs="192.0.2.0/24,nonsense,127.0.0.0/8")
    assert [one.field for one in configured.problems] == ['data["block-cidrs"]']
    assert configured.get(host).status == 403
    assert configured.get("nobody.example").status == 403
    configured.configure(block_cidrs="192.0.2.0/24")
    assert configured.get(host).status == 200


@pytest.mark.parametrize(("key", "field"), [("block_user_agents", "User-Agent"), ("block_referers", "Referer")])
def test_block_user_agents_and_referers(configured: Configured, host: str, key: str, field: str) -> None:
    configured.configure(**{key: "bad bot,~^Crawl,~*SPIDER$,~(("})
    assert len(configured.problems) == 1
    for blocked in ("bad bot", "Bad Bot", "Crawler", "a spider"):
        assert agent(configured, host, blocked, field) == 403, blocked
    for good in ("a bad bot", "crawler", "spiders"):
        assert agent(configured, host, good, field) == 200, good
    assert configured.get(host).status == 200


def test_a_client_that_passes_one_check_can_still_be_refused_by_another(configured: Configured, host: str) -> None:
    configured.configure(block_user_agents="bot", whitelist_source_range="127.0.0.0/8")
    assert agent(configured, host, "bot") == 403
    assert agent(configured, host, "browser") == 200

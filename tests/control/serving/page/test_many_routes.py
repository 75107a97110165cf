"""The page with 20,000 routes."""

import json

import pytest

from tests.support import objects
from tests.support.edge import Edge

ROUTES = 20_000
HOSTS = 100
"""Of one Ingress."""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """The page of a control plane that has them."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "class.yaml").write_text(json.dumps(objects.ingress_class()))
    (folder / "many.yaml").write_text("---\n".join(json.dumps(ingress(n)) + "\n" for n in range(ROUTES // HOSTS)))
    with Edge(folder) as edge:
        yield f"http://127.0.0.1:{edge.admin}/"


def ingress(number):
    one = objects.ingress(f"i{number:03}")
    rule = one["spec"]["rules"][0]
    one["spec"]["rules"] = [{**rule, "host": f"h{number * HOSTS + n:05}.example"} for n in range(HOSTS)]
    return one


def test_a_search_shows_what_was_typed_last(browser, url):
    """Whatever is under way when the next key comes."""
    with browser.window(f"{url}routes") as window:
        page = window.page
        page.get_by_role("status").get_by_text("20,000 routes").wait_for()
        page.get_by_role("searchbox").press_sequentially("h19999.example")
        page.get_by_role("status").get_by_text("1 of 20,000 routes").wait_for()
        assert page.locator("tbody tr").count() == 1
        page.get_by_role("searchbox").fill("nothing of the sort")
        page.get_by_text("No route contains all of these words.").wait_for()


def test_a_page_of_them_is_drawn_at_a_time(browser, url):
    with browser.window(f"{url}routes") as window:
        page = window.page
        page.get_by_text("1 to 50 of 20,000").wait_for()
        assert page.locator("tbody tr").count() == 50
        assert page.locator("*").count() < 2000
        page.get_by_role("link", name="Next").click()
        page.get_by_text("51 to 100 of 20,000").wait_for()
        page.get_by_role("link", name="h00050.example").wait_for()
        page.goto(f"{url}routes?offset=19950")
        page.get_by_role("link", name="h19999.example").wait_for()
        assert not page.get_by_role("link", name="Next").count()

"""The page for those who use a keyboard or a screen reader, in light and in dark; axe-core judges by WCAG 2.2 AA."""

import re

import pytest

from tests.control.serving.page.conftest import Site

VIEWS = ("", "routes", "route", "ask?url=https://web.example/", "problems", "certificates", "workers", "changes")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.partition("?")[0] or "overview")
def test_axe_finds_nothing(browser, site, view, scheme):
    site.ask()
    if view == "route":
        view += f"?id={site.get('/api/routes?search=shop').json()['routes'][0]['id']}"
    with browser.window(site.url + view, color_scheme=scheme) as window:
        ready(window.page)
        assert window.violations() == []


def test_axe_finds_nothing_in_a_narrow_window(browser, site):
    with browser.window(site.url, viewport={"width": 360, "height": 700}) as window:
        ready(window.page)
        assert window.violations() == []
        assert window.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing scrolls sideways"


def test_axe_finds_nothing_where_there_is_nothing(browser, tmp_path):
    with Site(tmp_path) as site:
        for file in tmp_path.iterdir():
            file.unlink()
        with browser.window(f"{site.url}routes") as window:
            window.page.get_by_text("There is no route yet.").wait_for()
            assert window.violations() == []
            window.page.get_by_role("link", name="Problems").click()
            window.page.get_by_text("No problems. Every object is served as it asks.").wait_for()
            assert window.violations() == []


def test_a_keyboard_leads_everywhere(browser, site):
    """From the top: past the links to the content, to a view, to what is searched, and to what is found."""
    with browser.window(site.url) as window:
        page = window.page
        ready(page)
        page.keyboard.press("Tab")
        assert focused(page) == "Skip to content"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        page.reload()
        ready(page)
        tab_to(page, "Routes")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Routes").wait_for()
        assert page.evaluate("document.activeElement.id") == "main"
        tab_to(page, "Search routes")
        page.keyboard.type("shop")
        page.get_by_role("status").get_by_text("1 of 3 routes").wait_for()
        tab_to(page, "shop.example/")
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="shop.example/").wait_for()


def test_a_chart_tells_its_values_to_the_keys(browser, site):
    with browser.window(site.url) as window:
        chart = window.page.get_by_role("slider", name="Requests")
        chart.focus()
        text = re.compile(r"^\d+ .*ago: \d[\d.]*/s$")
        window.page.wait_for_function(
            "chart => (chart.dispatchEvent(new KeyboardEvent('keydown', {key: 'Home'})), +chart.ariaValueNow < 0)",
            arg=chart.element_handle(),
        )
        assert text.match(chart.get_attribute("aria-valuetext"))
        window.page.keyboard.press("Escape")
        assert chart.get_attribute("aria-valuetext").startswith("now: ")


def ready(page):
    """Wait until the view has its data, and the bar its numbers."""
    page.get_by_text("Live", exact=True).wait_for()
    page.locator("#count-routes", has_text=re.compile(r"\d")).wait_for()
    page.locator("main h1").wait_for()


def focused(page):
    """The name of what has the focus."""
    return page.evaluate(
        "(document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent).trim()"
    )


def tab_to(page, name, most=60):
    """Press Tab until NAME has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if focused(page).startswith(name):
            return
    raise AssertionError(f"the focus does not come to {name}")

"""Each view of the page, in a real browser, of a real Edge."""

import re

from tests.control.serving.page.conftest import HOSTILE
from tests.support import objects
from tests.support.waiting import eventually


def card(page, heading):
    """The card or chart with HEADING."""
    return page.locator(".card", has=page.get_by_role("heading", name=heading))


def row(page, text):
    """The row of a table that contains TEXT."""
    return page.locator("tbody tr", has_text=text)


def test_the_overview_shows_the_instance(browser, site):
    with browser.window(site.url) as window:
        page = window.page
        card(page, "Table").get_by_text("ready").wait_for()
        assert page.title() == "Edge"
        for chart in ("Requests", "Latency", "Errors (5xx)", "Connections"):
            assert card(page, chart).get_by_role("slider").is_visible()
        card(page, "Workers").get_by_text("Worker 0").wait_for()
        card(page, "Problems").get_by_text("Ingress demo/shop").first.wait_for()
        card(page, "Certificates that end soon").get_by_text("demo/tls").wait_for()
        card(page, "Last changes").get_by_role("listitem").first.wait_for()


def test_the_overview_is_live(browser, site):
    with browser.window(site.url) as window:
        requests = card(window.page, "Requests").locator(".chart-value")
        requests.filter(has_text=re.compile(r"^0/s$")).wait_for()
        shown = re.compile(r"^[1-9][\d.]*/s$")
        eventually(lambda: (site.ask(20), shown.match(requests.inner_text()))[1])


def test_a_route_is_found_and_has_a_page_of_its_own(browser, site):
    site.ask(5)
    with browser.window(f"{site.url}routes") as window:
        page = window.page
        page.get_by_role("searchbox").fill("WEB.example demo/web")
        page.get_by_role("status").get_by_text("1 of 3 routes").wait_for()
        assert page.url.endswith("routes?search=WEB.example+demo%2Fweb")
        page.get_by_role("link", name="web.example/").click()
        page.get_by_role("heading", name="web.example/").wait_for()
        assert page.title() == "web.example/ · Edge"
        row(page, f"127.0.0.1:{site.backend.port}").get_by_text("in use").wait_for()
        policy = page.get_by_role("listitem").filter(has_text="limit-rps")
        assert policy.locator("strong").inner_text() == "ClientLimits"
        row(page, "GET").get_by_text("200").wait_for()
        assert "host: web.example" in page.get_by_role("region", name="YAML").inner_text()
        page.go_back()
        page.get_by_role("status").get_by_text("1 of 3 routes").wait_for()


def test_a_route_shows_the_problems_of_its_owner(browser, site):
    with browser.window(f"{site.url}routes?search=shop.example") as window:
        page = window.page
        row(page, "shop.example").get_by_text("1 problem").wait_for()
        page.get_by_role("link", name="shop.example/").click()
        page.get_by_role("heading", name="Problems").wait_for()
        row(page, "demo/missing:80").get_by_text("no endpoint: 503").wait_for()


def test_a_route_that_is_gone_is_said_to_be(browser, site):
    with browser.window(f"{site.url}route?id=0123456789abcdef", refusals=True) as window:
        window.page.get_by_role("alert").filter(has_text="no such").wait_for()


def test_one_asks_which_route_takes_a_request(browser, site):
    with browser.window(f"{site.url}ask") as window:
        page = window.page
        page.get_by_label("URL").fill("https://web.example/cart")
        page.get_by_label("Headers").fill("X-One: 1\nX-Two: 2")
        page.get_by_role("button", name="Ask").click()
        page.get_by_text("Taken by").wait_for()
        assert page.get_by_text("takes it", exact=True).is_visible()
        assert page.url.endswith(
            "ask?method=GET&url=https%3A%2F%2Fweb.example%2Fcart&header=X-One%3A+1&header=X-Two%3A+2"
        )
        page.reload()
        page.get_by_text("Taken by").wait_for()
        assert page.get_by_label("Headers").input_value() == "X-One: 1\nX-Two: 2"
        page.get_by_label("URL").fill("http://nobody.example/")
        page.keyboard.press("Enter")
        page.get_by_text("Edge answers 404").wait_for()


def test_problems_can_be_searched_and_sorted_out(browser, site):
    with browser.window(f"{site.url}problems") as window:
        page = window.page
        row(page, "demo/shop").first.wait_for()
        page.get_by_role("searchbox").fill("demo/hostile")
        row(page, "demo/shop").first.wait_for(state="detached")
        page.get_by_label("Severity").select_option("Errors")
        assert "severity=error" in page.url


def test_certificates_show_their_end_and_their_hosts(browser, site):
    with browser.window(f"{site.url}certificates") as window:
        found = row(window.page, "demo/tls")
        found.wait_for()
        text = found.inner_text()
        assert "web.example" in text
        assert "in 6 d" in text
        assert "ending" in text
        assert HOSTILE in text, "the name of its issuer"
        row(window.page, "made by Edge").wait_for()


def test_workers_are_shown_with_what_they_use(browser, site):
    with browser.window(f"{site.url}workers") as window:
        found = row(window.page, "serving")
        found.wait_for()
        assert str(site.edge.workers()[0]) in found.inner_text()
        assert "MiB" in found.inner_text()
        card(window.page, "Control plane").get_by_text(str(site.edge.control_pid)).wait_for()


def test_a_change_appears_while_one_looks(browser, site):
    with browser.window(f"{site.url}changes") as window:
        page = window.page
        row(page, "Ingress").first.wait_for()
        site.put("more.yaml", objects.ingress("more", host="more.example"))
        row(page, "demo/more").get_by_text("more.example").wait_for()
        page.get_by_role("link", name="Routes").get_by_text("4").wait_for()
        (site.folder / "more.yaml").unlink()
        row(page, "deleted Ingress demo/more").wait_for()


def test_names_of_users_are_data(browser, site):
    for view in ("problems?search=hostile", "certificates", "routes?search=hostile"):
        with browser.window(site.url + view) as window:
            page = window.page
            row(page, "hostile" if "hostile" in view else HOSTILE).first.wait_for()
            assert not page.locator("img").count()
            if "routes" in view:
                page.get_by_role("link", name="hostile.example").click()
                page.get_by_role("region", name="YAML").get_by_text(HOSTILE).wait_for()
                assert not page.locator("img").count()
            else:
                assert HOSTILE in page.locator("main").inner_text()


def test_views_have_addresses_titles_and_a_way_back(browser, site):
    with browser.window(site.url) as window:
        page = window.page
        for name in ("Routes", "Ask", "Problems", "Certificates", "Workers", "Changes"):
            page.get_by_role("navigation", name="Views").get_by_role("link", name=name).click()
            page.get_by_role("heading", name=name, exact=True).first.wait_for()
            assert page.title() == f"{name} · Edge"
            assert page.url == f"{site.url}{name.lower()}"
            assert page.locator("[aria-current=page]").inner_text().startswith(name)
        page.go_back()
        page.get_by_role("heading", name="Workers", exact=True).wait_for()


def test_the_theme_is_the_system_s_until_one_is_chosen(browser, site):
    with browser.window(site.url, color_scheme="dark") as window:
        page = window.page

        def ground():
            return page.evaluate("getComputedStyle(document.body).backgroundColor")

        dark = ground()
        page.get_by_role("button", name="Theme: system").click()
        light = ground()
        assert light != dark
        page.reload()
        page.get_by_role("button", name="Theme: light").wait_for()
        assert ground() == light
        page.get_by_role("button", name="Theme: light").click()
        assert ground() == dark

"""What a browser shows that runs no scripts."""

from tests.control.serving.page.conftest import HOSTILE


def test_each_view_has_its_data(browser, site):
    with browser.window(site.url, java_script_enabled=False) as window:
        page = window.page
        assert page.locator("main td", has_text="yes").count(), "it is ready"
        for view, text in (
            ("Routes", "shop.example/"),
            ("Problems", "MissingService"),
            ("Certificates", "demo/tls"),
            ("Workers", str(site.edge.workers()[0])),
            ("Changes", "Ingress demo/web"),
        ):
            page.locator(".nav").get_by_role("link", name=view).click()
            page.get_by_role("heading", name=view).wait_for()
            assert page.locator("main td", has_text=text).count(), view


def test_forms_and_links_work(browser, site):
    with browser.window(f"{site.url}routes", java_script_enabled=False) as window:
        page = window.page
        page.get_by_label("Search").fill("shop")
        page.get_by_role("button", name="Search").click()
        assert page.locator("main tbody tr").count() == 1
        page.get_by_role("link", name="shop.example/").click()
        assert "host: shop.example" in page.locator("pre").inner_text()
        page.locator(".nav").get_by_role("link", name="Ask").click()
        page.get_by_label("URL").fill("https://web.example/cart")
        page.get_by_role("button", name="Ask").click()
        assert "takes it" in page.locator("pre").inner_text()


def test_names_of_users_are_data_there_too(browser, site):
    with browser.window(f"{site.url}problems?search=hostile", java_script_enabled=False) as window:
        assert HOSTILE in window.page.locator("main").inner_text()
        assert not window.page.locator("img").count()

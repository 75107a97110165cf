"""What the page does when its server goes away, comes back, or asks who is there."""

from tests.control.serving.page.conftest import Site
from tests.support.clients import get
from tests.support.edge import Edge
from tests.support.waiting import eventually

TOKEN = "a-token-that-nobody-guesses"


def test_a_control_plane_that_goes_away_is_reported_until_it_is_back(browser, tmp_path):
    with Edge(tmp_path, command="control", ready=False) as edge:
        eventually(lambda: get(edge.admin, "/healthz", host="localhost").status)
        with browser.window(f"http://127.0.0.1:{edge.admin}/changes", refusals=True) as window:
            page = window.page
            page.get_by_text("Live", exact=True).wait_for()
            edge.stop()
            page.get_by_text("Not connected").wait_for()
            page.get_by_role("alert").filter(has_text="The control plane does not answer.").wait_for()
            edge.start()
            page.get_by_text("Live", exact=True).wait_for()
            page.get_by_role("alert").wait_for(state="hidden")


def test_an_error_is_shown_until_there_is_an_answer(browser, site):
    with browser.window(f"{site.url}changes", refusals=True) as window:
        page = window.page
        page.get_by_text("Live", exact=True).wait_for()
        page.route("**/api/changes?*", lambda route: route.fulfill(status=503, json={"error": "busy for a while"}))
        page.reload()
        page.get_by_role("alert").filter(has_text="busy for a while").wait_for()
        page.unroute("**/api/changes?*")
        page.get_by_role("alert").wait_for(state="hidden")


def test_a_page_that_is_not_seen_hangs_up(browser, site):
    with browser.window(site.url) as window:
        page = window.page
        page.get_by_text("Live", exact=True).wait_for()
        page.evaluate("Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true})")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.get_by_text("Paused").wait_for()
        page.evaluate("delete document.visibilityState")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.get_by_text("Live", exact=True).wait_for()


def test_who_has_to_sign_in_gets_a_form(browser, tmp_path):
    token = tmp_path / "token"
    token.write_text(TOKEN)
    folder = tmp_path / "manifests"
    folder.mkdir()
    with (
        Site(folder, f"--admin-token-file={token}") as site,
        browser.window(f"{site.url}", refusals=True) as window,
    ):
        page = window.page
        page.get_by_label("Token").wait_for()
        assert window.violations() == []
        page.get_by_label("Token").fill("another")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("alert").wait_for()
        page.get_by_label("Token").fill(TOKEN)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Overview").wait_for()
        page.get_by_text("Live", exact=True).wait_for()
        token.write_text("another-token-that-nobody-guesses")
        # The page may have asked again, and show the form, before the link is found.
        page.evaluate("document.querySelector('.nav a[href=problems]')?.click()")
        page.get_by_label("Token").wait_for()


def test_nothing_is_inline(site):
    """That nothing is asked of other hosts each window checks at its end; the policy has the browser enforce both."""
    answer = site.get("/", Accept="text/html")
    assert answer.status == 200
    policy = answer.get("content-security-policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    body = answer.body.decode()
    assert " style=" not in body
    assert "<style" not in body
    assert body.count("<script") == body.count("<script src=") + body.count('<script type="module" src=')

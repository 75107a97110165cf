"""The documents and files of the page, over real connections."""

import pytest

from edge.control.serving import static
from edge.control.serving.pages import VIEWS
from edge.control.serving.static import Files, unchanged
from tests.support.admin import Admin

TOKEN = "a-token-that-nobody-guesses"
HTML = {"Accept": "text/html,*/*;q=0.8"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A page of its own, so that the tests do not depend on what the real one is."""
    folder = tmp_path / "page"
    (folder / "style").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Edge</title><noscript><!-- plain --></noscript>")
    (folder / "sign-in.html").write_text("<!doctype html><title>Sign in</title><!-- fault -->")
    (folder / "app.js").write_text("export {};\n")
    (folder / "style" / "base.css").write_text("body {}\n")
    (folder / "notes.md").write_text("not served\n")
    (tmp_path / "secret.txt").write_text("outside\n")
    (folder / "link.txt").symlink_to(tmp_path / "nowhere.txt")
    monkeypatch.setattr("edge.control.serving.pages.Files", lambda: Files(folder))
    return folder


@pytest.fixture
def admin(tmp_path, folder):
    assert folder.is_dir()
    with Admin(tmp_path / "table") as admin:
        yield admin


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_every_view_is_the_one_document(admin, view):
    status, fields, body = admin.request(view, **HTML)
    assert (status, fields["Content-Type"], fields["Cache-Control"]) == (200, "text/html; charset=utf-8", "no-store")
    assert b"<title>Edge</title>" in body
    assert b"<!-- plain -->" not in body


def test_a_tool_gets_text_at_the_root(admin):
    status, fields, body = admin.request("/")
    assert (status, fields["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert b"/api/" in body


def test_a_file_is_sent_once_and_then_its_etag_says_that_it_is_the_same(admin, folder):
    status, fields, body = admin.request("/page/app.js")
    assert (status, body) == (200, b"export {};\n")
    assert fields["Content-Type"] == "text/javascript; charset=utf-8"
    assert fields["Cache-Control"] == "no-cache"
    again = admin.request("/page/app.js", If_None_Match=f'"other", {fields["ETag"]}')
    assert (again[0], again[2]) == (304, b"")
    assert again[1]["ETag"] == fields["ETag"]
    (folder / "app.js").write_text("export { one };\n")
    fresh = admin.request("/page/app.js", If_None_Match=fields["ETag"])
    assert (fresh[0], fresh[2]) == (200, b"export { one };\n")


def test_folders_within_the_page_are_served_too(admin):
    status, fields, _ = admin.request("/page/style/base.css")
    assert (status, fields["Content-Type"]) == (200, "text/css; charset=utf-8")


@pytest.mark.parametrize(
    "path",
    [
        "/page/",
        "/page/style",
        "/page/notes.md",
        "/page/none.js",
        "/page/../secret.txt",
        "/page/%2e%2e/secret.txt",
        "/page/style/../../secret.txt",
        "/page//app.js",
        "/page/./app.js",
        "/page/link.txt",
        "/page/app.js/x",
        "/app.js",
    ],
)
def test_nothing_else_is_served(admin, path):
    assert admin.request(path)[0] == 404


def test_head_of_a_file_has_its_length(admin):
    status, fields, body = admin.request("/page/app.js", method="HEAD")
    assert (status, fields["Content-Length"], body) == (200, "11", b"")


def test_who_may_not_look_is_told_why_or_gets_the_form(tmp_path, admin):
    status, _, body = admin.request("/routes", Host="evil.example", **HTML)
    assert (status, b"<title>" in body) == (403, False)
    file = tmp_path / "token"
    file.write_text(TOKEN)
    with Admin(tmp_path / "guarded", admin_token_file=str(file)) as guarded:
        status, fields, body = guarded.request("/routes", **HTML)
        assert (status, fields["Content-Type"]) == (401, "text/html; charset=utf-8")
        assert b"<title>Sign in</title>" in body
        assert b"alert" not in body
        assert guarded.request("/page/style/base.css")[0] == 200
        assert guarded.request("/routes", Authorization=f"Bearer {TOKEN}", **HTML)[0] == 200


def test_without_a_page_there_is_still_the_text_and_a_form(tmp_path, monkeypatch):
    monkeypatch.setattr("edge.control.serving.pages.Files", lambda: Files(tmp_path / "none"))
    with Admin(tmp_path / "table") as admin:
        assert admin.request("/", **HTML)[0] == 200
        assert admin.request("/routes", **HTML)[0] == 404


@pytest.mark.parametrize(
    ("field", "same"), [("", False), ('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", True), ('"b"', False)]
)
def test_if_none_match_is_a_list(field, same):
    assert unchanged(field, '"a"') is same


def test_every_file_of_the_page_has_a_type():
    found = [path for path in static.FOLDER.rglob("*") if path.is_file()]
    unknown = {path.suffix for path in found} - set(static.TYPES)
    assert unknown <= {"", ".md"}, "licences and notes may lie beside what is served"

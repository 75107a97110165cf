"""The views as HTML for browsers without scripts."""

from html.parser import HTMLParser

import pytest

from tests.support import objects
from tests.support.admin import Admin

MARKUP = "<script>alert(1)</script>\"'&"


class Seen(HTMLParser):
    """The elements and the text of a document."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.links, self.text = set(), [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.add(tag)
        self.links += [value for name, value in attributes if name == "href"]

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def admin(tmp_path):
    with Admin(tmp_path) as admin:
        admin.apply(
            objects.ingress(annotations={"note": MARKUP}),
            objects.service(),
            objects.endpoints("web", "10.0.0.1"),
            objects.ingress("shop", host="shop.example", service="cart"),
        )
        yield admin


def seen(admin, path, query=""):
    return Seen(admin.server.api.plain(path, query))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", ["requests per second", "hosts, routes", "2, 2"]),
        ("/routes", ["web.example/", "Ingress demo/web", "cart:80 (0)", "2 in all"]),
        ("/problems", ["Ingress demo/shop", "error"]),
        ("/certificates", ["made by Edge", "valid"]),
        ("/workers", ["MiB"]),
        ("/changes", ["apply Ingress demo/web", "web.example"]),
        ("/ask", ["URL"]),
    ],
)
def test_each_view_has_what_the_json_has(admin, path, words):
    found = seen(admin, path)
    for word in words:
        assert word in found.text
    assert "script" not in found.elements


def test_a_row_leads_to_its_route_and_that_shows_the_object_as_text(admin):
    [link] = seen(admin, "/routes", "search=web.example").links
    path, _, query = link.partition("?")
    found = seen(admin, f"/{path}", query)
    assert MARKUP in found.text
    assert "10.0.0.1:8080" in found.text
    assert "script" not in found.elements


def test_markup_in_a_question_is_text(admin):
    for path, query in (("/routes", "search="), ("/ask", "url="), ("/problems", "search="), ("/route", "id=")):
        found = seen(admin, path, query + "%3Cscript%3E%22%3E")
        assert "script" not in found.elements


def test_long_lists_have_parts(admin):
    admin.apply(*(objects.ingress(f"n{number:03}", host=f"n{number:03}.example") for number in range(120)))
    first = seen(admin, "/routes", "search=n")
    assert "offset=50" in first.links[-1]
    second = seen(admin, "/routes", "search=n&offset=50")
    assert "offset=0" in second.links[-2]
    assert "offset=100" in second.links[-1]


def test_what_cannot_be_is_said(admin):
    assert "limit" in seen(admin, "/routes", "limit=x").text
    assert "no such route" in seen(admin, "/route", "id=none").text
    assert "URL" in seen(admin, "/ask", "url=ftp://x").text


def test_a_request_is_explained(admin):
    assert "takes it" in seen(admin, "/ask", "url=http://web.example/x").text

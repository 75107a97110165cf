"""Certificates as the admin port shows them."""

import pytest

from tests.support import objects
from tests.support.admin import Admin
from tests.support.certificates import issue


def secret(name, *hosts, days=60):
    pair = issue(*hosts, days=days)
    return objects.secret(name, tls_crt=pair.certificate, tls_key=pair.key), pair


@pytest.fixture
def admin(tmp_path):
    with Admin(tmp_path) as admin:
        yield admin


def shown(admin, name):
    [found] = [
        one for one in admin.get("/api/certificates")["certificates"] if (one["secret"] or {"name": ""})["name"] == name
    ]
    return found


def test_a_certificate_says_what_it_is_good_for_and_who_shows_it(admin):
    manifest, pair = secret("tls", "web.example", "*.web.example")
    admin.apply(manifest, objects.ingress(secret="tls"), objects.service())
    found = shown(admin, "tls")
    assert found["names"] == ["*.web.example", "web.example"]
    assert found["hosts"] == ["web.example"]
    assert found["issuer"] == "Test Authority"
    assert found["serial"] == str(pair.serial)
    assert (found["state"], found["warnings"], found["default"]) == ("valid", [], False)


def test_no_key_and_no_certificate_text_is_shown(admin):
    manifest, pair = secret("tls", "web.example")
    admin.apply(manifest, objects.ingress(secret="tls"), objects.service())
    for path in ("certificates", "routes", "changes", "problems"):
        body = admin.request(f"/api/{path}")[2]
        assert b"BEGIN" not in body
        assert pair.key.splitlines()[1] not in body


def test_one_that_ends_soon_or_has_ended_says_so_and_comes_first(admin):
    for name, days in (("late", 60), ("soon", 5)):
        manifest, _ = secret(name, f"{name}.example", days=days)
        admin.apply(manifest, objects.ingress(name, host=f"{name}.example", secret=name))
    assert shown(admin, "soon")["state"] == "ending"
    secrets = [one["secret"] for one in admin.get("/api/certificates")["certificates"] if one["secret"]]
    assert [one["name"] for one in secrets] == ["soon", "late"]
    overview = admin.get("/api/overview")["certificates"]
    assert (overview["ending"], overview["expired"]) == (1, 0)
    manifest, _ = secret("soon", "soon.example", days=-1)
    admin.apply(manifest)
    found = shown(admin, "soon")
    assert found["state"] == "expired"
    assert "it expired on" in found["warnings"][0]
    assert admin.get("/api/overview")["certificates"]["expired"] == 1


def test_a_host_that_shows_a_certificate_which_does_not_fit_is_warned_of(admin):
    admin.apply(objects.ingress(secret="missing"), objects.service())
    [default] = [one for one in admin.get("/api/certificates")["certificates"] if one["default"]]
    assert default["hosts"] == ["web.example"]
    assert default["warnings"] == ["it is not good for web.example, which shows it"]


def test_a_search_finds_secrets_and_hosts(admin):
    for name in ("one", "two"):
        manifest, _ = secret(name, f"{name}.example")
        admin.apply(manifest, objects.ingress(name, host=f"{name}.example", secret=name))
    for words in ("demo/two", "TWO.example"):
        found = admin.get(f"/api/certificates?search={words}")
        assert [one["secret"]["name"] for one in found["certificates"]] == ["two"]
        assert (found["all"], found["total"]) == (3, 1)

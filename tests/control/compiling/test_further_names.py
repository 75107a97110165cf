"""Further names of hosts: server-alias and from-to-www-redirect of ingress-nginx."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.table.policies import WwwRedirect
from tests.support import objects
from tests.support.certificates import issue
from tests.support.policies import policy
from tests.support.site import Site, ingress, serving

OLD, NEW = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


@pytest.fixture
def site(tmp_path: Path) -> Any:
    made = Site(tmp_path)
    made.put("class.yaml", objects.ingress_class(), *serving("web", "api"))
    yield made
    made.close()


def put(site: Site, name: str, rules: str, *, created: str = OLD, tls: Any = None, **annotations: str) -> None:
    annotate = {key.replace("_", "-"): value for key, value in annotations.items()}
    site.put(f"{name}.yaml", ingress(name, rules, annotate=annotate, creationTimestamp=created, tls=tls))


def secret(name: str, *hosts: str) -> dict[str, Any]:
    pair = issue(*hosts)
    return objects.secret(name, tls_crt=pair.certificate, tls_key=pair.key)


def listed(*hosts: str, secret: str = "tls") -> list[dict[str, Any]]:
    return [{"hosts": list(hosts), "secretName": secret}]


TAKEN = 'warning NameTaken metadata.annotations["nginx.ingress.kubernetes.io/server-alias"]'
NO_WWW = 'warning NameTaken metadata.annotations["nginx.ingress.kubernetes.io/from-to-www-redirect"]'
INVALID = 'error InvalidAnnotation metadata.annotations["nginx.ingress.kubernetes.io/server-alias"]'


# --- server-alias ---------------------------------------------------------------------------------------------------


def test_a_host_answers_for_its_aliases(site: Site) -> None:
    put(site, "web", "a.test Prefix / web", server_alias="b.test, C.test,")
    assert [site.ask(host) for host in ("a.test", "b.test", "c.test:80", "d.test")] == ["web", "web", "web", "404"]
    put(site, "web", "a.test Prefix / web")
    assert [site.ask(host) for host in ("a.test", "b.test")] == ["web", "404"]


def test_all_ingresses_of_the_host_answer_for_the_alias(site: Site) -> None:
    put(site, "web", "a.test Prefix / web", server_alias="b.test")
    put(site, "api", "a.test Prefix /api api")
    assert site.ask("b.test/api") == "api"
    site.remove("api.yaml")
    assert site.ask("b.test/api") == "web"


@pytest.mark.parametrize(
    ("alias", "taken", "not_taken"),
    [
        (r"~^www\d+\.b\.test$", ["www1.b.test", "WWW22.B.test"], ["www.b.test", "www1.b.test.x"]),
        ("~shop", ["my-shop.test", "shop"], ["a.b"]),
        ("*.b.test", ["x.b.test", "x.y.b.test"], ["b.test"]),
        (".b.test", ["b.test", "x.b.test"], ["xb.test"]),
        ("mail.*", ["mail.test", "mail.b.test"], ["mail", "xmail.test"]),
    ],
)
def test_an_alias_may_stand_for_many_names(site: Site, alias: str, taken: list[str], not_taken: list[str]) -> None:
    put(site, "web", "a.test Prefix / web", server_alias=alias)
    assert [site.ask(host) for host in (*taken, *not_taken)] == ["web"] * len(taken) + ["404"] * len(not_taken)


def test_names_and_wildcards_go_before_patterns_and_patterns_before_any_host(site: Site) -> None:
    put(site, "web", "a.test Prefix / web", server_alias="~b")
    put(site, "api", "b.test Prefix / api\n*.b.test Prefix / api\nany Prefix / api")
    assert [site.ask(host) for host in ("b.test", "x.b.test", "bb.test", "c.test")] == ["api", "api", "web", "api"]
    site.remove("web.yaml")
    assert site.ask("bb.test") == "api"


def test_an_alias_that_is_a_host_is_ignored_and_reported(site: Site) -> None:
    put(site, "web", "a.test Prefix / web", server_alias="b.test")
    put(site, "api", "b.test Prefix / api", created=NEW)
    assert (site.ask("b.test"), site.problems("Ingress demo/web")) == ("api", (TAKEN,))
    site.remove("api.yaml")
    assert (site.ask("b.test"), site.problems("Ingress demo/web")) == ("web", ())


def test_of_two_hosts_with_one_alias_that_of_the_oldest_ingress_has_it(site: Site) -> None:
    put(site, "web", "a.test Prefix / web", server_alias="x.test", created=NEW)
    put(site, "api", "b.test Prefix / api", server_alias="x.test")
    assert (site.ask("x.test"), site.problems("Ingress demo/web")) == ("api", (TAKEN,))
    site.remove("api.yaml")
    assert (site.ask("x.test"), site.problems("Ingress demo/web")) == ("web", ())


def test_the_oldest_ingress_of_a_host_decides_about_its_aliases(site: Site) -> None:
    put(site, "web", "a.test Prefix / web", server_alias="x.test")
    put(site, "api", "a.test Prefix /api api", server_alias="y.test", created=NEW)
    assert [site.ask("x.test/api"), site.ask("y.test/api")] == ["api", "404"]
    assert site.problems("Ingress demo/api") == (TAKEN,)


@pytest.mark.parametrize("alias", ["a b", "-x.test", "~(", "~(a+)+$x(?=b)(", "*", "a..b"])
def test_a_name_that_cannot_be_read_is_ignored_and_reported(site: Site, alias: str) -> None:
    put(site, "web", "a.test Prefix / web", server_alias=f"{alias},b.test")
    assert (site.ask("b.test"), site.problems("Ingress demo/web")) == ("web", (INVALID,))


def test_an_alias_is_shown_the_certificate_of_the_host_if_that_covers_it(site: Site) -> None:
    site.put("tls.yaml", secret("tls", "a.test", "b.test", "*.w.test"))
    put(site, "web", "a.test Prefix / web", server_alias="b.test,c.test,*.w.test", tls=listed("a.test"))
    assert [site.certificate(name) for name in ("a.test", "b.test", "c.test")] == ["tls", "tls", "default"]
    assert [site.ask(name) for name in ("a.test", "b.test", "c.test")] == ["308", "308", "web"]
    assert (site.certificate("x.w.test"), site.ask("x.w.test")) == ("tls", "308")
    site.put("tls.yaml", secret("tls", "a.test", "c.test"))
    assert [site.certificate(name) for name in ("a.test", "b.test", "c.test")] == ["tls", "default", "tls"]
    assert [site.ask(name) for name in ("a.test", "b.test", "c.test")] == ["308", "web", "308"]


def test_the_certificate_may_be_named_by_another_ingress_of_the_host(site: Site) -> None:
    site.put("tls.yaml", secret("tls", "a.test", "b.test"))
    put(site, "web", "a.test Prefix / web", tls=listed("a.test"))
    put(site, "api", "a.test Prefix /api api", server_alias="b.test")
    assert site.certificate("b.test") == "tls"
    site.remove("web.yaml")
    assert site.certificate("b.test") == "default"


def test_an_alias_that_is_listed_has_the_certificate_that_it_is_listed_with(site: Site) -> None:
    site.put("tls.yaml", secret("tls", "a.test", "b.test"), secret("other", "b.test"))
    tls = listed("a.test") + listed("b.test", secret="other")
    put(site, "web", "a.test Prefix / web", server_alias="b.test", tls=tls)
    assert (site.certificate("a.test"), site.certificate("b.test")) == ("tls", "other")


def test_a_host_gets_no_certificate_by_being_somebodys_alias(site: Site) -> None:
    """It would be redirected to https because of an Ingress that it has nothing to do with."""
    site.put("tls.yaml", secret("tls", "a.test", "b.test"))
    put(site, "web", "a.test Prefix / web", server_alias="b.test", tls=listed("a.test"))
    put(site, "api", "b.test Prefix / api")
    assert (site.certificate("b.test"), site.ask("b.test")) == ("default", "api")


# --- from-to-www-redirect -------------------------------------------------------------------------------------------


def redirect(site: Site, host: str) -> str:
    found = policy(site.route(host), WwwRedirect)
    return found.host if found is not None else ""


@pytest.mark.parametrize(("host", "other"), [("a.test", "www.a.test"), ("www.a.test", "a.test")])
def test_the_other_name_is_redirected(site: Site, host: str, other: str) -> None:
    put(site, "web", f"{host} Prefix / web", from_to_www_redirect="true")
    assert (site.ask(host), redirect(site, f"{other}/x")) == ("web", host)
    put(site, "web", f"{host} Prefix / web", from_to_www_redirect="false")
    assert site.ask(other) == "404"


def test_where_both_names_are_hosts_there_is_no_redirect(site: Site) -> None:
    put(site, "web", "a.test Prefix / web", from_to_www_redirect="true")
    put(site, "api", "www.a.test Prefix / api", created=NEW)
    assert (site.ask("www.a.test"), site.problems("Ingress demo/web")) == ("api", (NO_WWW,))
    site.remove("api.yaml")
    assert (redirect(site, "www.a.test"), site.problems("Ingress demo/web")) == ("a.test", ())


def test_any_ingress_of_the_host_may_ask_for_it(site: Site) -> None:
    put(site, "web", "a.test Prefix / web")
    put(site, "api", "a.test Prefix /api api", from_to_www_redirect="true", created=NEW)
    assert redirect(site, "www.a.test") == "a.test"


@pytest.mark.parametrize("host", ["*.a.test", "any"])
def test_a_wildcard_has_no_other_name(site: Site, host: str) -> None:
    put(site, "web", f"{host} Prefix / web", from_to_www_redirect="true")
    assert (site.ask("x.a.test"), site.problems("Ingress demo/web")) == ("web", (NO_WWW,))


def test_over_https_a_certificate_of_the_host_that_covers_both_is_shown(site: Site) -> None:
    site.put("tls.yaml", secret("tls", "a.test", "www.a.test"))
    put(site, "web", "a.test Prefix / web", from_to_www_redirect="true", tls=listed("a.test"))
    assert (site.certificate("a.test"), site.certificate("www.a.test")) == ("tls", "tls")


def test_the_redirect_goes_before_an_alias_of_that_name(site: Site) -> None:
    put(site, "web", "a.test Prefix / web", from_to_www_redirect="true", server_alias="b.test")
    put(site, "api", "c.test Prefix / api", server_alias="www.a.test")
    assert redirect(site, "www.a.test") == "a.test"
    assert site.problems("Ingress demo/api") == (TAKEN,)

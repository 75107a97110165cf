"""server-alias and from-to-www-redirect: names of a host beside its own."""

from __future__ import annotations

from tests.support.certificates import issue, serial_of, trusting_all
from tests.support.ingresses import Annotated


def test_an_alias_is_served_as_its_host(edge: Annotated) -> None:
    host = edge.ingress(server_alias=r"alias1.example,~^shop\d+\.alias1\.example$")
    assert [edge.get(name).status for name in (host, "Alias1.example:8080", "shop7.alias1.example")] == [200, 200, 200]
    assert [edge.get(name).status for name in ("x.alias1.example", "shop7.alias1.example.test")] == [404, 404]
    asked = {name.lower(): value for name, value in edge.get("alias1.example").json()["headers"]}
    assert asked["host"] == "alias1.example", "the endpoint gets the name that was asked for"


def test_an_alias_has_the_policies_of_the_host(edge: Annotated) -> None:
    edge.ingress(server_alias="alias2.example", denylist_source_range="127.0.0.0/8")
    assert edge.get("alias2.example").status == 403


def test_the_other_name_is_redirected_with_port_and_target(edge: Annotated) -> None:
    host = edge.ingress(from_to_www_redirect="true")
    response = edge.get(f"www.{host}", "/a/?b=c")
    assert (response.status, response.get("Location")) == (308, f"http://{host}:{edge.edge.http}/a/?b=c")
    with edge.connect(tls=trusting_all(), server_name=f"www.{host}") as client:
        response = client.request("/", host=f"www.{host}")
        assert (response.status, response.get("Location")) == (308, f"https://{host}:443")
    assert edge.get(host).status == 200


def test_the_redirect_between_names_goes_before_that_to_https(edge: Annotated) -> None:
    host = edge.ingress(from_to_www_redirect="true", force_ssl_redirect="true")
    assert edge.get(f"www.{host}", "/x").get("Location") == f"http://{host}:{edge.edge.http}/x"
    assert edge.get(host, "/x").get("Location") == f"https://{host}/x"


def test_both_names_are_shown_the_certificate_that_covers_them(edge: Annotated) -> None:
    pair = issue("shown.example", "www.shown.example", "shown2.example")
    edge.secret("shown", tls_crt=pair.certificate, tls_key=pair.key)
    tls = [{"hosts": ["shown.example"], "secretName": "shown"}]
    edge.ingress(
        host="shown.example", tls=tls, from_to_www_redirect="true", server_alias="shown2.example,shown3.example"
    )
    shown = {}
    for name in ("shown.example", "www.shown.example", "shown2.example", "shown3.example"):
        with edge.connect(tls=trusting_all(), server_name=name) as client:
            shown[name] = serial_of(client.certificate) == pair.serial
    assert [name for name, it in shown.items() if not it] == ["shown3.example"]

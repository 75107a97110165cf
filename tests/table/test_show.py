"""`edge routes`: the live table as workers see it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from edge.table import describing, layout, show
from edge.table.policies import AnyPolicy, BasicAuth, BodyLimit, HttpsRedirect, NoAccessLog
from edge.table.record import Record
from edge.table.records import (
    DEFAULT_CERTIFICATE,
    GLOBALS,
    TICKETS,
    Backend,
    Balance,
    Certificate,
    Endpoint,
    Globals,
    Host,
    Owner,
    PathKind,
    Route,
    ServerName,
    ServicePort,
    TicketKeys,
    Tls,
    Transport,
    certificate_key,
    server_name_key,
    service_key,
)
from edge.table.writer import TableWriter

KEY = b"-----BEGIN PRIVATE KEY-----\nsecret\n"
CHAIN = b"-----BEGIN CERTIFICATE-----\npublic\n"


WEB = Backend("demo", "web", "80", service_key("demo", "web", 80))
SHOP = Owner("Ingress", "demo", "shop")


def route(path: str = "/", kind: PathKind = PathKind.PREFIX, **fields: Any) -> Route:
    return Route(kind, path, **{"owner": SHOP, "backends": (WEB,), **fields})


USERS = BasicAuth("auth", "shop", (("anna", "{PLAIN}secret\n"),))
ROUTES: dict[str, Record | None] = {
    "shop.example": Host(
        "shop.example",
        (
            route(policies=(HttpsRedirect("--ssl-redirect"),)),
            route("/login", PathKind.EXACT, backends=(Backend("demo", status=404),)),
        ),
        default=route(policies=(BodyLimit("a", 1024), NoAccessLog("b"))),
        tls=True,
    ),
    "": Host("", (route("/any", PathKind.STRING, policies=(USERS,)),)),
    GLOBALS: Globals(default=route(owner=Owner(), backends=(Backend("demo", "fallback", "80", "demo/fallback:80"),))),
}
ENDPOINTS: dict[str, Record | None] = {
    service_key("demo", "web", 80): ServicePort(
        "demo", "web", "80", (Endpoint("10.0.0.1", 8080), Endpoint("fd00::1", 8080)), Balance.LEAST_CONNECTIONS
    ),
    service_key("demo", "none", 80): ServicePort("demo", "none", "80"),
}
TLS: dict[str, Record | None] = {
    certificate_key("demo", "tls"): Certificate("demo", "tls", CHAIN, KEY, 1.9e9, "17", "shop.example", "An Authority"),
    DEFAULT_CERTIFICATE: Certificate("", "", CHAIN, KEY, 1.8e9, "1", "Edge"),
    server_name_key("*.example"): ServerName("*.example", certificate_key("demo", "tls")),
    TICKETS: TicketKeys((b"ticket secret" * 6,)),
}


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[TableWriter]:
    one = TableWriter(tmp_path / "table")
    yield one
    one.close()


@pytest.fixture
def directory(writer: TableWriter) -> Path:
    writer.publish(routes=ROUTES, endpoints=ENDPOINTS, tls=TLS)
    return writer.directory


def test_text_tells_hosts_with_routes_services_with_endpoints_and_certificates(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show.run(directory, as_json=False) == 0
    first, _, rest = capsys.readouterr().out.partition("\n")
    assert first.startswith(f"Table 1 of {directory}, published 20")
    assert (
        rest
        == """
Hosts: 2
  shop.example (TLS: Secret demo/tls, until 2030-03-17)
    Exact /login  -> answer 404  Ingress demo/shop
    Prefix /      -> web:80      Ingress demo/shop; http is redirected to https (308)
    otherwise     -> web:80      Ingress demo/shop; request bodies up to 1024 bytes; not logged
  any other host
    ImplementationSpecific /any  -> web:80  Ingress demo/shop; Basic authentication for "shop", 1 user
  what no host takes
    otherwise  -> fallback:80  --default-backend-service

Services: 2
  demo/none:80  round robin        no endpoint (503)
  demo/web:80   least connections  10.0.0.1:8080, [fd00::1]:8080

Certificates: 2
  made by Edge     until 2027-01-15  Edge          default
  Secret demo/tls  until 2030-03-17  shop.example  *.example
"""
    )


def test_json_holds_the_same(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show.run(directory, as_json=True) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["generation"], document["directory"]) == (1, str(directory))
    assert document["published"].endswith("Z")
    any_host, shop = document["hosts"]
    assert (any_host["name"], any_host["tls"], any_host["certificate"]) == ("", False, None)
    assert (shop["name"], shop["tls"], shop["certificate"]) == ("shop.example", True, "c:demo/tls")
    assert [(one["kind"], one["path"], [backend["key"] for backend in one["backends"]]) for one in shop["routes"]] == [
        ("Exact", "/login", [""]),
        ("Prefix", "/", ["demo/web:80"]),
    ]
    assert shop["routes"][1]["owner"] == {"kind": "Ingress", "namespace": "demo", "name": "shop"}
    assert shop["routes"][1]["policies"] == [
        {
            "policy": "HttpsRedirect",
            "source": "--ssl-redirect",
            "status": 308,
            "preserve_trailing_slash": False,
            "with_port": False,
        }
    ]
    assert [one["policy"] for one in shop["default"]["policies"]] == ["BodyLimit", "NoAccessLog"]
    assert shop["default"]["policies"][0]["size"] == 1024
    assert document["default"]["backends"][0]["service"] == "fallback"
    assert document["services"][1]["endpoints"] == ["10.0.0.1:8080", "[fd00::1]:8080"]
    assert document["services"][1]["balance"] == "least_connections"
    assert [(one["key"], one["hosts"], one["default"]) for one in document["certificates"]] == [
        ("c:", [], True),
        ("c:demo/tls", ["*.example"], False),
    ]
    assert document["certificates"][1]["not_after"] == "2030-03-17T17:46:40.000Z"


@pytest.mark.parametrize("as_json", [False, True])
def test_no_key_material_is_shown(directory: Path, capsys: pytest.CaptureFixture[str], as_json: bool) -> None:
    show.run(directory, as_json=as_json)
    captured = capsys.readouterr()
    assert "secret" not in captured.out
    assert ('"anna"' in captured.out) == as_json, "who the users are may be known"
    assert "PRIVATE" not in captured.out + captured.err
    assert "ticket" not in captured.out + captured.err


def test_a_new_field_of_a_record_is_not_shown_before_somebody_has_thought_about_it() -> None:
    """Routes and services are shown with all their fields: a new one that holds a secret must be left out there."""
    assert Route.__struct_fields__ == ("kind", "path", "owner", "backends", "policies", "conditions", "mirrors")
    assert Owner.__struct_fields__ == ("kind", "namespace", "name")
    assert Backend.__struct_fields__ == (
        *("namespace", "service", "port", "key", "status", "weight", "policies", "transport", "canary"),
        "secure_transport",
    )
    assert Transport.__struct_fields__ == ("protocol", "tls")
    assert Tls.__struct_fields__ == (
        *("server_name", "verify", "names", "uris", "depth", "least", "most", "ciphers", "material"),
    )
    assert ServicePort.__struct_fields__ == ("namespace", "name", "port", "endpoints", "balance")


def test_nor_is_a_new_policy() -> None:
    """Policies are shown with all their fields too."""
    assert {kind.__name__: kind.__struct_fields__[1:] for kind in get_args(AnyPolicy)} == {
        "Closed": ("reason", "status"),
        "Compression": ("codings",),
        "ClientCertificate": ("trust", "verification", "subject", "error_page", "pass_certificate", "plain"),
        "ClientLimits": (
            "per_second",
            "per_minute",
            "connections",
            "burst",
            "exempt",
            "rate_status",
            "connections_status",
        ),
        "SourceRanges": ("deny", "allow"),
        "CustomHeaders": ("fields",),
        "Mirror": ("remote", "host", "target", "with_content", "secure"),
        "Tracing": ("on", "trusts", "name"),
        "ErrorPages": ("statuses", "of_endpoints", "service", "key", "shared"),
        "BasicAuth": ("realm", "users"),  # of which the names are shown
        "DigestAuth": ("realm", "users"),
        "ExternalAuth": (
            "remote",
            "secure",
            "host",
            "target",
            "method",
            "redirect",
            "set_headers",  # of which the names are shown
            "response_headers",
            "always_set_cookie",
            "cache_key",
            "cache_times",
        ),
        "SatisfyAny": (),
        "SignIn": ("location",),
        "RequestBuffering": ("most", "memory"),
        "ResponseBuffering": ("on", "memory", "file"),
        "ResponseHead": ("size",),
        "ResponseRate": ("rate", "after"),
        "FastCgi": ("index", "parameters"),
        "HttpsRedirect": ("status", "preserve_trailing_slash", "with_port"),
        "Redirect": ("status", "scheme", "host", "port", "path"),
        "BodyLimit": ("size",),
        "Rewrite": ("host", "path"),
        "RequestHeaders": ("set", "add", "remove"),
        "ResponseHeaders": ("set", "add", "remove"),
        "Hsts": ("value",),
        "Timeouts": ("connect", "send", "read"),
        "Retry": (
            "tries",
            "timeout",
            "non_idempotent",
            "on_error",
            "on_timeout",
            "on_invalid",
            "on_statuses",
            "same_endpoint",
            "backoff",
            "counts_all",
            "when_broken",
        ),
        "NoAccessLog": (),
        "ClientBlocks": ("cidrs", "user_agents", "referers"),
        "AppRoot": ("path",),
        "WwwRedirect": ("host", "status"),
        "Cors": ("origins", "methods", "headers", "credentials", "expose", "max_age"),
        "CorsFilter": ("origins", "methods", "headers", "expose", "credentials", "max_age"),
        "Deadline": ("request", "attempt"),
        "RedirectTo": ("status", "location"),
        "UpstreamHost": ("value",),
        "ConnectionField": ("value",),
        "CookieChange": ("domain", "new_domain", "path", "new_path"),
        "LocationChange": ("beginning", "replacement"),
        "OldHttp": (),
        "Affinity": (
            *(
                "cookie",
                "persistent",
                "path",
                "domain",
                "expires",
                "max_age",
                "secure",
                "same_site",
                "lenient",
                "renews",
                "header",
                "absolute",
                "idle",
            ),
        ),
        "HashBy": ("key", "size"),
        "SessionBackend": ("cookie", "header", "sides", "absolute", "idle"),
        "Canary": ("header", "value", "pattern", "cookie", "affinity", "sides"),
        "RegexRewrite": ("target", "prefix", "pattern"),
        "Snippet": ("statements",),
        "ServerSnippet": ("statements",),
        "LocationSnippet": ("statements",),
    }


def test_a_directory_without_table_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show.run(tmp_path, as_json=False) == 1
    assert capsys.readouterr() == ("", f"edge routes: {tmp_path}: no table here; is Edge running?\n")


def test_a_table_that_has_not_been_published_is_an_error(
    writer: TableWriter, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show.run(writer.directory, as_json=False) == 1
    assert "no table has been published yet" in capsys.readouterr().err


def test_what_is_corrupt_is_told_and_the_rest_is_shown(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (segment,) = directory.glob("endpoints.*")
    damaged = bytearray(segment.read_bytes())
    place = damaged.index(b"10.0.0.1")
    damaged[place : place + 8] = b"99.9.9.9"
    with segment.open("r+b") as file:
        file.write(damaged)
    assert show.run(directory, as_json=False) == 1
    captured = capsys.readouterr()
    assert "shop.example" in captured.out
    assert "99.9.9.9" not in captured.out
    assert "not all can be read" in captured.err


def test_a_table_of_another_version_is_refused(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (segment,) = directory.glob("routes.*")
    with segment.open("r+b") as file:
        file.seek(len(layout.SEGMENT_MAGIC))
        file.write(bytes([layout.VERSION + 1]))
    assert show.run(directory, as_json=True) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"the table cannot be read: {segment}: format version" in captured.err


def test_patterns_stand_in_the_order_in_which_they_are_tried() -> None:
    host = Host(
        "regex.example",
        (
            Route(PathKind.PREFIX, "/a/longer"),
            Route(PathKind.PATTERN, "/b.*", Owner("Ingress", "demo", "web")),
            Route(PathKind.PATTERN, "/abc"),
            Route(PathKind.EXACT, "/"),
        ),
    )
    assert [describing.route(one)[0] for one in describing.routes(host)] == [
        "Exact /",
        "Pattern /b.*",
        "Pattern /abc",
        "Prefix /a/longer",
    ]


def test_a_request_is_explained_by_the_live_table(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show.run(directory, as_json=False, explain=("shop.example", "/login")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "shop.example/login"
    assert lines[2].split()[-2:] == ["takes", "it"]
    assert lines[-1] == "  answered 404"

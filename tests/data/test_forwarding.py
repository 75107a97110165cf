"""The fields that describe the client to endpoints: written by Edge, passed on, or trusted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from edge.data.http._fields import Limits
from edge.data.http._trust import Trust
from edge.data.http.forwarding import Forwarding
from edge.data.http.h1._head import Head
from edge.settings import Settings
from edge.table.parameters import Parameters
from edge.table.policies import Hsts, HttpsRedirect, Redirect, WwwRedirect
from tests.support.backends import Backend
from tests.support.certificates import trusting_all
from tests.support.clients import Client, Fields, Response, head
from tests.support.stage import Stage
from tests.support.wire import Pieces

CLAIMS = [
    ("X-Forwarded-For", "192.0.2.7"),
    ("X-Forwarded-Host", "public.example"),
    ("X-Forwarded-Port", "1234"),
    ("X-Forwarded-Proto", "https"),
]


TRUSTING = "--use-forwarded-headers"
PROXIED = "--use-proxy-protocol"
FLAGS = {
    "default": (),
    "public": ("--public-http-port=80",),
    "trusting": (TRUSTING,),
    "full": (TRUSTING, "--compute-full-forwarded-for"),
    "choosy": (TRUSTING, "--proxy-real-ip-cidr=10.0.0.0/8"),
    "proxied": (PROXIED,),
    "both": (PROXIED, TRUSTING, "--proxy-real-ip-cidr=127.0.0.0/8", "--proxy-real-ip-cidr=198.51.100.0/24"),
    "untrusted": (PROXIED, "--proxy-real-ip-cidr=10.0.0.0/8"),
    "near": (TRUSTING, "--proxy-real-ip-cidr=127.0.0.0/8"),
    "no-cdn": ("--no-pass-cdn-headers",),
    "trusting-no-cdn": (TRUSTING, "--no-pass-cdn-headers"),
    "underscores": ("--enable-underscores-in-headers",),
    "forwarded": ("--send-forwarded-header",),
    "trusting-forwarded": (TRUSTING, "--send-forwarded-header"),
}


class Stages(dict[str, Stage]):
    """One of each way to be told, started when it is first asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.running = ExitStack()

    def __missing__(self, name: str) -> Stage:
        self[name] = self.running.enter_context(Stage(*FLAGS[name]))
        return self[name]


@pytest.fixture(scope="module")
def stages() -> Iterator[Stages]:
    made = Stages()
    with made.running:
        yield made


def told(response: Response) -> dict[str, str]:
    """The fields that the endpoint got, by their names in lower case."""
    assert response.status == 200, response
    found: dict[str, str] = {}
    for name, value in response.json()["headers"]:
        assert name.lower() not in found, f"{name} twice"
        found[name.lower()] = value
    return found


def ask(
    stage: Stage, backend: Backend, fields: Fields | None = None, *, tls: bool = False, prefix: bytes = b""
) -> dict[str, str]:
    host = stage.serve(backend)
    with Client(stage.edge.https if tls else stage.edge.http) as client:
        client.send(prefix)
        if tls:
            client.socket = trusting_all().wrap_socket(client.socket)
        got = told(client.request("/", host=host, fields=fields))
    got["our-host"] = host
    return got


# --- without trust ---


def test_by_default_endpoints_are_told_of_the_peer_and_of_the_claims_apart(stages: Stages, backend: Backend) -> None:
    got = ask(stages["default"], backend, [*CLAIMS, ("X-Scheme", "gopher"), ("X-Real-IP", "192.0.2.9")])
    assert got["host"] == got["x-forwarded-host"] == got["our-host"]
    assert got["x-forwarded-for"] == got["x-real-ip"] == "127.0.0.1"
    assert got["x-forwarded-port"] == str(stages["default"].edge.http)
    assert got["x-forwarded-proto"] == got["x-forwarded-scheme"] == got["x-scheme"] == "http"
    assert got["x-original-forwarded-for"] == "192.0.2.7"
    assert got["x-original-forwarded-host"] == "public.example"


def test_over_tls_scheme_and_port_say_so(stages: Stages, backend: Backend) -> None:
    """Whatever port we listen on: clients came to 443."""
    got = ask(stages["default"], backend, tls=True)
    assert (got["x-forwarded-proto"], got["x-scheme"], got["x-forwarded-port"]) == ("https", "https", "443")


def test_the_port_is_that_of_the_service_in_front(stages: Stages, backend: Backend) -> None:
    """A client that got our port could not connect to it."""
    stage = stages["public"]
    assert ask(stage, backend)["x-forwarded-port"] == "80"
    assert ask(stage, backend, tls=True)["x-forwarded-port"] == "443"
    host = stage.serve(backend, policies=(Redirect("test", host="other.example"),))
    assert stage.get(host, "/a").get("location") == "http://other.example/a"
    host = stage.serve(backend, policies=(WwwRedirect("test", "other.example"),))
    assert stage.get(host, "/a").get("location") == "http://other.example:80/a"


def test_every_request_has_an_id(stages: Stages, backend: Backend) -> None:
    stage = stages["default"]
    ids = {ask(stage, backend)["x-request-id"] for _ in range(5)}
    assert len(ids) == 5
    assert all(len(one) == 32 and set(one) <= set("0123456789abcdef") for one in ids)
    assert ask(stage, backend, [("X-Request-ID", "mine")])["x-request-id"] == "mine"


def test_what_concerns_one_connection_and_httpoxy_is_not_passed_on(stages: Stages, backend: Backend) -> None:
    fields = [
        ("Proxy", "evil"),
        ("Keep-Alive", "5"),
        ("Connection", "X-Drop"),
        ("X-Drop", "1"),
        ("X-Keep", "1"),
        ("a_b", "1"),
    ]
    got = ask(stages["default"], backend, fields)
    assert not got.keys() & {"proxy", "keep-alive", "connection", "x-drop", "a_b"}
    assert got["x-keep"] == "1"


def test_peers_outside_the_trusted_networks_are_not_believed(stages: Stages, backend: Backend) -> None:
    got = ask(stages["choosy"], backend, CLAIMS)
    assert (got["x-forwarded-for"], got["x-forwarded-proto"], got["host"]) == ("127.0.0.1", "http", got["our-host"])


# --- --use-forwarded-headers ---


def test_a_trusted_peer_speaks_for_its_client(stages: Stages, backend: Backend) -> None:
    got = ask(stages["trusting"], backend, CLAIMS)
    assert got["x-forwarded-for"] == got["x-real-ip"] == got["x-original-forwarded-for"] == "192.0.2.7"
    assert got["x-forwarded-host"] == got["host"] == "public.example"
    assert got["x-forwarded-port"] == "1234"
    assert got["x-forwarded-proto"] == got["x-forwarded-scheme"] == got["x-scheme"] == "https"


def test_routing_goes_by_the_true_host_all_the_same(stages: Stages, backend: Backend) -> None:
    stage = stages["trusting"]
    with Backend("other") as other:
        ours, others = stage.serve(backend), stage.serve(other)
        response = stage.get(ours, fields=[("X-Forwarded-Host", others)])
        assert response.json()["backend"] == "backend"


def test_the_first_of_several_is_the_client(stages: Stages, backend: Backend) -> None:
    claims = [
        ("X-Forwarded-For", "192.0.2.7, 198.51.100.1"),
        ("X-Forwarded-Host", "one.example, two.example"),
        ("X-Forwarded-Proto", "https, http"),
        ("X-Forwarded-Port", "8443, 80"),
    ]
    got = ask(stages["trusting"], backend, claims)
    assert (got["x-forwarded-for"], got["host"]) == ("192.0.2.7", "one.example")
    assert (got["x-forwarded-proto"], got["x-forwarded-port"]) == ("https", "8443")


def test_without_claims_a_trusted_peer_is_the_client(stages: Stages, backend: Backend) -> None:
    got = ask(stages["trusting"], backend)
    assert (got["x-forwarded-for"], got["host"], got["x-forwarded-proto"]) == ("127.0.0.1", got["our-host"], "http")
    assert "x-original-forwarded-for" not in got


def test_claims_are_taken_anew_for_each_request_of_a_connection(stages: Stages, backend: Backend) -> None:
    stage = stages["trusting"]
    host = stage.serve(backend)
    with stage.connect() as client:
        seen = []
        for fields in (CLAIMS, [], [("X-Forwarded-For", "192.0.2.8")]):
            got = told(client.request("/", host=host, fields=fields))
            seen.append((got["x-forwarded-for"], got["x-forwarded-proto"], got["host"]))
    assert seen == [
        ("192.0.2.7", "https", "public.example"),
        ("127.0.0.1", "http", host),
        ("192.0.2.8", "http", host),
    ]


@pytest.mark.parametrize(
    "claims",
    [
        [("X-Forwarded-For", "unknown")],
        [("X-Forwarded-Proto", "go pher")],
        [("X-Forwarded-Proto", "2")],
        [("X-Forwarded-Port", "70000")],
        [("X-Forwarded-Port", "-1")],
        [("X-Forwarded-Port", "00000199999")],
        *[[("X-Forwarded-Host", host)] for host in ("a b<script>", "a:80 x/y", "a:x", "a..b", "[::1", "[x]", "\xe9")],
        [("X-Forwarded-For", ""), ("X-Forwarded-Host", ""), ("X-Forwarded-Port", ""), ("X-Forwarded-Proto", "")],
    ],
)
def test_claims_that_make_no_sense_are_no_claims(stages: Stages, backend: Backend, claims: Fields) -> None:
    got = ask(stages["trusting"], backend, claims)
    assert (got["x-forwarded-for"], got["x-forwarded-proto"], got["host"]) == ("127.0.0.1", "http", got["our-host"])
    assert got["x-forwarded-port"] == str(stages["trusting"].edge.http)


@pytest.mark.parametrize("scheme", ["https", "HTTPS", "wss"])
def test_a_scheme_without_a_port_is_that_schemes_port(stages: Stages, backend: Backend, scheme: str) -> None:
    got = ask(stages["trusting"], backend, [("X-Forwarded-Proto", scheme)])
    assert (got["x-forwarded-port"], got["x-forwarded-proto"]) == ("443", "https")


def test_another_scheme_is_passed_on_and_decides_nothing(stages: Stages, backend: Backend) -> None:
    got = ask(stages["trusting"], backend, [("X-Forwarded-Proto", "myproto")])
    assert got["x-forwarded-proto"] == got["x-forwarded-scheme"] == got["x-scheme"] == "myproto"
    assert got["x-forwarded-port"] == str(stages["trusting"].edge.http)


def test_the_chain_can_be_passed_on_in_full(stages: Stages, backend: Backend) -> None:
    got = ask(stages["full"], backend, [("X-Forwarded-For", "192.0.2.7, 198.51.100.1")])
    assert got["x-forwarded-for"] == "192.0.2.7, 198.51.100.1, 127.0.0.1"
    assert got["x-real-ip"] == "192.0.2.7"
    assert ask(stages["full"], backend)["x-forwarded-for"] == "127.0.0.1"


def test_a_client_that_came_by_tls_somewhere_in_front_is_not_redirected(stages: Stages, backend: Backend) -> None:
    stage = stages["trusting"]
    host = stage.serve(backend, policies=(HttpsRedirect("test"), Hsts("test", "max-age=1")))
    response = stage.get(host, fields=[("X-Forwarded-Proto", "https")])
    assert (response.status, response.get("strict-transport-security")) == (200, "max-age=1")
    response = stage.get(host, fields=[("X-Forwarded-Host", "public.example:80")])
    assert (response.status, response.get("location")) == (308, "https://public.example")


def test_the_log_has_the_client(stages: Stages, backend: Backend) -> None:
    stage = stages["trusting"]
    host = stage.serve(backend)
    stage.get(host, fields=CLAIMS)
    assert stage.log_lines(host, 1)[0].startswith("192.0.2.7 - - [")


# --- --use-proxy-protocol ---


def line(source: str = "198.51.100.7", port: int = 1234) -> bytes:
    return f"PROXY TCP4 {source} 203.0.113.1 40000 {port}\r\n".encode()


def test_a_proxy_header_names_client_and_port(stages: Stages, backend: Backend) -> None:
    got = ask(stages["proxied"], backend, prefix=line())
    assert got["x-forwarded-for"] == got["x-real-ip"] == "198.51.100.7"
    assert (got["x-forwarded-port"], got["x-forwarded-proto"]) == ("1234", "http")


def test_a_proxy_header_to_port_443_means_https(stages: Stages, backend: Backend) -> None:
    stage = stages["proxied"]
    got = ask(stage, backend, prefix=line(port=443))
    assert (got["x-forwarded-port"], got["x-forwarded-proto"], got["x-scheme"]) == ("443", "https", "https")
    host = stage.serve(backend, policies=(HttpsRedirect("test"),))
    for port, status in ((443, 200), (80, 308)):
        with Client(stage.edge.http) as client:
            client.send(line(port=port))
            assert client.request("/", host=host).status == status


def test_a_proxy_header_goes_before_tls(stages: Stages, backend: Backend) -> None:
    got = ask(stages["proxied"], backend, prefix=line(port=8443), tls=True)
    assert (got["x-forwarded-for"], got["x-forwarded-proto"], got["x-forwarded-port"]) == (
        "198.51.100.7",
        "https",
        "8443",
    )


def test_a_connection_without_a_proxy_header_is_closed(stages: Stages, backend: Backend) -> None:
    stage = stages["proxied"]
    with Client(stage.edge.http) as client:
        client.send(head("/", host=stage.serve(backend)))
        assert client.read_to_end() == b""


def test_a_proxy_header_without_addresses_leaves_the_peer(stages: Stages, backend: Backend) -> None:
    got = ask(stages["proxied"], backend, prefix=b"PROXY UNKNOWN\r\n", tls=True)
    assert (got["x-forwarded-for"], got["x-forwarded-port"]) == ("127.0.0.1", "443")


def test_a_proxy_header_of_an_untrusted_peer_is_read_and_not_believed(stages: Stages, backend: Backend) -> None:
    got = ask(stages["untrusted"], backend, prefix=line(port=443))
    assert (got["x-forwarded-for"], got["x-forwarded-proto"]) == ("127.0.0.1", "http")


def test_with_both_the_client_of_the_proxy_header_must_be_trusted_to_speak_for_others(
    stages: Stages, backend: Backend
) -> None:
    claim = [("X-Forwarded-For", "192.0.2.7")]
    assert ask(stages["both"], backend, claim, prefix=line("198.51.100.7"))["x-forwarded-for"] == "192.0.2.7"
    assert ask(stages["both"], backend, claim, prefix=line("192.0.2.99"))["x-forwarded-for"] == "192.0.2.99"


# --- the chain ---


def origin(chain: str | list[str], *trusted: str, peer: str = "10.0.0.1") -> str:
    """Who the client is when a trusted PEER passes on CHAIN, in one field line or in several."""
    settings = Settings(use_forwarded_headers=True, proxy_real_ip_cidr=trusted or ("0.0.0.0/0", "::/0"))
    forwarding = Forwarding(settings, Parameters())
    request = Head()
    lines = [("X-Forwarded-For", one) for one in ([chain] if isinstance(chain, str) else chain)]
    request.read_request(Pieces([head("/", fields=lines)]), Limits(line=60000, head=61000))
    return forwarding.origin(request, peer=peer, port=80, secure=False).address


NEAR = ("10.0.0.0/8", "2001:db8:1::/48")


@pytest.mark.parametrize(
    ("chain", "trusted", "client"),
    [
        ("192.0.2.7", (), "192.0.2.7"),
        ("192.0.2.7, 198.51.100.1", (), "192.0.2.7"),
        ("192.0.2.7, 198.51.100.1", NEAR, "198.51.100.1"),
        ("192.0.2.7, 198.51.100.1, 10.0.0.2", NEAR, "198.51.100.1"),
        ("6.6.6.6, 192.0.2.7, 10.0.0.2", ("10.0.0.0/8", "192.0.2.0/24"), "6.6.6.6"),
        ("evil, 192.0.2.7", NEAR, "192.0.2.7"),
        ("2001:db8::7", (), "2001:db8::7"),
        ("2001:DB8:0::7", (), "2001:db8::7"),
        ("::ffff:10.0.0.9, 10.0.0.2", NEAR, "::ffff:10.0.0.9"),
        ("192.0.2.7, ::ffff:10.0.0.9, 2001:db8:1::5, 10.0.0.2", NEAR, "192.0.2.7"),
        ("192.0.2.7, ::10.0.0.9", NEAR, "::10.0.0.9"),
        ("192.0.2.7,198.51.100.1\t ,10.0.0.2", NEAR, "198.51.100.1"),
    ],
)
def test_the_client_is_the_nearest_hop_that_is_no_trusted_proxy(
    chain: str, trusted: tuple[str, ...], client: str
) -> None:
    assert origin(chain, *trusted) == client
    assert origin(chain.split(","), *trusted) == client


@pytest.mark.parametrize(
    ("entry", "client"),
    [
        ("203.0.113.9:4711", "203.0.113.9"),
        ("203.0.113.9:0", "203.0.113.9"),
        ("203.0.113.9:65535", "203.0.113.9"),
        ("[2001:db8::9]", "2001:db8::9"),
        ("[2001:db8::9]:4711", "2001:db8::9"),
        ("[::ffff:203.0.113.9]:4711", "::ffff:203.0.113.9"),
    ],
)
def test_an_address_with_a_port_is_that_address(entry: str, client: str) -> None:
    for chain in (entry, f"198.51.100.66, {entry}", f"198.51.100.66, {entry}, 10.0.0.2:80, [2001:db8:1::2]:80"):
        assert origin(chain, *NEAR) == client
    assert origin(f"{entry}, 192.0.2.1", "0.0.0.0/0", "::/0") == client


NO_ADDRESSES = [
    "unknown", "UNKNOWN", "_hidden", "_SEVKISEK", "-", "evil", "a.example", "localhost", "203.0.113", "203.0.113.9.1",
    "203.0.113.256", "203.0.113.09", "0x7f.0.0.1", "2130706433", "127.1", "203.0.113.9:", "203.0.113.9:x",
    "203.0.113.9:65536", "203.0.113.9:123456", "203.0.113.9:-1", "203.0.113.9:_port", "203.0.113.9:80:80", ":80", ":",
    "[203.0.113.9]", "[203.0.113.9]:80", "[2001:db8::9", "2001:db8::9]", "[2001:db8::9]x", "[2001:db8::9]80",
    "[2001:db8::9]:", "[2001:db8::9]:x", "[2001:db8::9]:65536", "[]", "[", "]", "[[2001:db8::9]]", "2001:db8:::9",
    "fe80::1%eth0", "[fe80::1%25eth0]:80", "fe80::1%198.51.100.1", "203.0.113.9/32", "203.0.113.9 198.51.100.2",
    "203.0.113.9;", '"203.0.113.9"', '"[2001:db8::9]:80"', "for=203.0.113.9", "203.0.113.9\xe9", "x" * 5000,
    "1" * 60, "[" + "1" * 60, "::1" + "0" * 60,
]  # fmt: skip


@pytest.mark.parametrize("entry", NO_ADDRESSES)
def test_the_walk_ends_at_what_is_no_address(entry: str) -> None:
    """The client is the nearest hop to its right, else the peer, whatever stands to the left."""
    assert origin(entry, *NEAR) == "10.0.0.1"
    assert origin(f"198.51.100.66, {entry}", *NEAR) == "10.0.0.1"
    assert origin(["198.51.100.66", entry], *NEAR) == "10.0.0.1"
    assert origin(f"198.51.100.66, {entry}, 10.0.0.3, 10.0.0.2", *NEAR) == "10.0.0.3"
    assert origin(["198.51.100.66", f"{entry}, 10.0.0.3", "10.0.0.2"], *NEAR) == "10.0.0.3"
    assert origin(f"198.51.100.66, {entry}, 203.0.113.7, 10.0.0.2", *NEAR) == "203.0.113.7"
    assert origin(f"198.51.100.66, {entry}, 203.0.113.7", "0.0.0.0/0") == "203.0.113.7"


@pytest.mark.parametrize("chain", ["", ",", ",,", " , \t,", ["", ","]])
def test_a_chain_without_members_is_none(chain: str | list[str]) -> None:
    assert origin(chain) == "10.0.0.1"


def test_empty_members_are_skipped() -> None:
    assert origin(",198.51.100.66,, 203.0.113.9 , ,10.0.0.2,,", *NEAR) == "203.0.113.9"
    assert origin(["198.51.100.66", "", "203.0.113.9,", ",", " 10.0.0.2"], *NEAR) == "203.0.113.9"


@pytest.mark.parametrize("hop", ["10.1.2.3", "10.1.2.3:4711", "2001:db8:1::1", "[2001:db8:1::1]:80", ""])
@pytest.mark.parametrize("trusted", [(), NEAR])
def test_a_long_chain_is_walked_to_its_end(hop: str, trusted: tuple[str, ...]) -> None:
    chain = ", ".join(["192.0.2.7", *[hop] * 2500])
    assert origin(chain, *trusted) == "192.0.2.7"
    assert origin(["192.0.2.7", *[", ".join([hop] * 1000)] * 2], *trusted) == "192.0.2.7"


@pytest.mark.parametrize(
    ("network", "inside", "outside"),
    [
        ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
        ("10.1.2.3/8", "10.9.9.9", "9.255.255.255"),
        ("192.0.2.128/25", "192.0.2.128", "192.0.2.127"),
        ("192.0.2.1", "192.0.2.1", "192.0.2.0"),
        ("0.0.0.0/0", "255.255.255.255", "2001:db8::1"),
        ("::/0", "2001:db8::1", "192.0.2.1"),
        ("::/0", "::1", "::ffff:192.0.2.1"),
        ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
        ("10.0.0.0/8", "::ffff:10.0.0.1", "::10.0.0.1"),
        ("::ffff:10.0.0.0/104", "10.0.0.1", "11.0.0.1"),
    ],
)
def test_who_is_within_a_network(network: str, inside: str, outside: str) -> None:
    trust = Trust(["203.0.113.0/24", network])
    assert (trust.covers(inside), trust.covers(outside)) == (True, False)
    assert not any(map(trust.covers, ("", "x", "10.0.0.1:80", "10.0.0.1\0", "fe80::1%eth0", "\xe9")))


def test_the_chain_decides_all_that_is_said_about_the_client(stages: Stages, backend: Backend) -> None:
    stage = stages["near"]
    chain = [("X-Forwarded-For", "198.51.100.66, 203.0.113.9:4711")]
    got = ask(stage, backend, chain)
    assert got["x-real-ip"] == got["x-forwarded-for"] == "203.0.113.9"
    assert stage.log_lines(got["our-host"], 1)[0].startswith("203.0.113.9 - - [")
    got = ask(stage, backend, [("X-Forwarded-For", "198.51.100.66"), ("X-Forwarded-For", "unknown")])
    assert got["x-real-ip"] == got["x-forwarded-for"] == "127.0.0.1"


# --- what else a client says about itself ---

CLAIMED = [
    "Forwarded", "forwarded", "FORWARDED", "Forwarded-For", "X-Forwarded", "X-Forwarded-Prefix", "x-forwarded-ssl",
    "X-Forwarded-Server", "X-Forwarded-By", "X-Forwarded-Protocol", "X-Forwarded-Path", "X-Forwarded-Uri",
    "X-Forwarded-Method", "X-Forwarded-User", "X-Forwarded-Client-Cert", "X-Forwarded-Whatever-" + "x" * 50,
    "X-Original-Forwarded", "X-Original-Forwarded-Proto", "X-ORIGINAL-FORWARDED-PORT", "X-Original-Proto",
    "X-Original-Host", "Front-End-Https", "FRONT-END-HTTPS", "X-Url-Scheme", "X-Https", "Https", "X-SSL", "X-Ssl-On",
    "X-SSL-Client-Verify", "SSL-Client-Verify", "X-TLS-Version", "X-Proto", "X-Protocol", "X-Arr-Ssl", "SSL-Offloaded",
    "WL-Proxy-SSL", "WL-Proxy-Client-IP", "Proxy-Client-IP", "$WSIS", "Client-Cert", "X-Host", "X-Script-Name",
    "X-Envoy-External-Address",
]  # fmt: skip
CDN = [
    "True-Client-IP", "CF-Connecting-IP", "CF-Visitor", "CF-IPCountry", "X-Client-IP", "Client-IP",
    "X-Cluster-Client-IP",
    "Fastly-Client-IP", "Fly-Client-IP", "CloudFront-Viewer-Address", "CloudFront-Forwarded-Proto", "X-Azure-ClientIP",
    "cf-connecting-ip",
]  # fmt: skip
ORDINARY = [
    "X-Forward", "X-Forwarder", "X-Forwardedness", "Forwarding", "X-Original-URL", "X-Ssls", "Ssl-Mode", "Cfg", "Via",
    "X-Requested-With", "X-Http-Method-Override", "X-Real", "X-Schemes", "X-Custom.Name", "Upgrade-Insecure-Requests",
    "Save-Data", "Sec-Fetch-Site", "Cookie", "X-CSRF-Token", "Authorization", "X-Api-Key",
]  # fmt: skip


def survivors(stage: Stage, backend: Backend, names: list[str]) -> list[str]:
    """Which fields of NAMES, each sent twice, an endpoint gets."""
    host = stage.serve(backend)
    fields = [(name, value) for name in names for value in ("evil", "worse")]
    with stage.connect() as client:
        got = [name.lower() for name, _ in client.request("/", host=host, fields=fields).json()["headers"]]
    return [name for name in names if name.lower() in got]


def batches(names: list[str]) -> list[list[str]]:
    return [names[at : at + 40] for at in range(0, len(names), 40)]


def test_what_proxies_say_is_not_passed_on_from_a_client(stages: Stages, backend: Backend) -> None:
    for name in ("default", "choosy", "no-cdn", "underscores"):
        for batch in batches(CLAIMED):
            assert survivors(stages[name], backend, batch) == []


def test_a_trusted_proxy_may_say_it(stages: Stages, backend: Backend) -> None:
    for batch in batches(CLAIMED):
        assert survivors(stages["trusting"], backend, batch) == batch


def test_ordinary_fields_are_left_alone(stages: Stages, backend: Backend) -> None:
    for name in ("default", "no-cdn", "underscores", "trusting"):
        assert survivors(stages[name], backend, ORDINARY) == ORDINARY


def test_what_a_cdn_says_is_passed_on_unless_told_otherwise(stages: Stages, backend: Backend) -> None:
    assert survivors(stages["default"], backend, CDN) == CDN
    assert survivors(stages["trusting-no-cdn"], backend, CDN) == CDN
    assert survivors(stages["no-cdn"], backend, CDN) == []


def test_underscores_are_no_way_round(stages: Stages, backend: Backend) -> None:
    """Servers that are like CGI take them, and some take other characters, for the same name."""
    masked = [
        "X_Forwarded_Prefix", "x_forwarded-proto", "X-Forwarded_" + "x" * 50, "Front_End_Https", "X_SSL_Client_Verify",
        "SSL_OFFLOADED", "X_Url_Scheme", "X_Original_Forwarded_Proto",
    ]  # fmt: skip
    odd = [name.replace("_", ".") for name in masked] + ["X.Real.IP", "X-Forwarded~For", "Content.Length"]
    assert survivors(stages["underscores"], backend, [*masked, "a_b"]) == ["a_b"]
    assert survivors(stages["underscores"], backend, odd) == []
    assert survivors(stages["default"], backend, [*masked, *odd, "a.b"]) == ["a.b"]
    assert survivors(stages["underscores"], backend, ["CF_Connecting_IP"]) == ["CF_Connecting_IP"]


@pytest.mark.parametrize("name", ["default", "trusting", "underscores"])
def test_trailers_say_nothing_of_the_kind(stages: Stages, backend: Backend, name: str) -> None:
    stage = stages[name]
    host = stage.serve(backend)
    names = [*CLAIMED, *CDN, "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Proto", "X_Forwarded_Prefix"]
    with stage.connect() as client:
        client.send(head("/", method="POST", host=host, fields=[("Transfer-Encoding", "chunked")]))
        client.send(b"1\r\nx\r\n0\r\n" + b"".join(f"{one}: evil\r\n".encode() for one in names) + b"Mine: 1\r\n\r\n")
        seen = client.response("POST").json()
    assert seen["trailers"] == [["Mine", "1"]]


# --- Forwarded ---


def test_by_default_edge_writes_no_forwarded(stages: Stages, backend: Backend) -> None:
    assert "forwarded" not in ask(stages["default"], backend)
    assert ask(stages["trusting"], backend, [("Forwarded", "for=192.0.2.9")])["forwarded"] == "for=192.0.2.9"


def test_forwarded_says_what_the_other_fields_say(stages: Stages, backend: Backend) -> None:
    evil = [("Forwarded", "for=evil"), ("Forwarded", "for=worse")]
    got = ask(stages["forwarded"], backend, evil)
    assert got["forwarded"] == f"for=127.0.0.1;host={got['our-host']};proto=http"
    got = ask(stages["forwarded"], backend, tls=True)
    assert got["forwarded"] == f"for=127.0.0.1;host={got['our-host']};proto=https"
    got = ask(stages["trusting-forwarded"], backend, [*CLAIMS, *evil])
    assert got["forwarded"] == "for=192.0.2.7;host=public.example;proto=https"


def test_forwarded_is_made_anew_for_each_request(stages: Stages, backend: Backend) -> None:
    for name, first in (("forwarded", "127.0.0.1"), ("trusting-forwarded", "192.0.2.7")):
        stage = stages[name]
        host = stage.serve(backend)
        with stage.connect() as client:
            got = [
                told(client.request("/", host=asked, fields=fields))["forwarded"]
                for asked, fields in ((f"{host}:80", [CLAIMS[0]]), (host, []))
            ]
        assert got == [f'for={first};host="{host}:80";proto=http', f"for=127.0.0.1;host={host};proto=http"]


@pytest.mark.parametrize(
    ("address", "host", "secure", "line"),
    [
        ("192.0.2.7", b"a.example", False, b"for=192.0.2.7;host=a.example;proto=http"),
        ("192.0.2.7", b"a.example:8080", True, b'for=192.0.2.7;host="a.example:8080";proto=https'),
        ("2001:db8::7", b"[2001:db8::1]", True, b'for="[2001:db8::7]";host="[2001:db8::1]";proto=https'),
        ("::ffff:192.0.2.7", b"[::1]:80", False, b'for="[::ffff:192.0.2.7]";host="[::1]:80";proto=http'),
        ("192.0.2.7", b"", False, b"for=192.0.2.7;proto=http"),
    ],
)
def test_what_is_no_token_is_quoted_in_forwarded(address: str, host: bytes, secure: bool, line: bytes) -> None:
    assert Forwarding.forwarded(address, host, secure=secure) == b"Forwarded: " + line + b"\r\n"

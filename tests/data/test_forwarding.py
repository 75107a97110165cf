"""What endpoints are told about the client, and whom Edge believes about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from edge.data.http._fields import Limits
from edge.data.http.forwarding import Forwarding
from edge.data.http.h1._head import Head
from edge.settings import Settings
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
    "trusting": (TRUSTING,),
    "full": (TRUSTING, "--compute-full-forwarded-for"),
    "choosy": (TRUSTING, "--proxy-real-ip-cidr=10.0.0.0/8"),
    "proxied": (PROXIED,),
    "both": (PROXIED, TRUSTING, "--proxy-real-ip-cidr=127.0.0.0/8", "--proxy-real-ip-cidr=198.51.100.0/24"),
    "untrusted": (PROXIED, "--proxy-real-ip-cidr=10.0.0.0/8"),
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
        [("X-Forwarded-Proto", "gopher")],
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


def test_the_chain_can_be_passed_on_in_full(stages: Stages, backend: Backend) -> None:
    got = ask(stages["full"], backend, [("X-Forwarded-For", "192.0.2.7, 198.51.100.1")])
    assert got["x-forwarded-for"] == "192.0.2.7, 198.51.100.1, 127.0.0.1"
    assert got["x-real-ip"] == "192.0.2.7"
    assert ask(stages["full"], backend)["x-forwarded-for"] == "127.0.0.1"


def test_a_client_that_came_by_tls_somewhere_in_front_is_not_redirected(stages: Stages, backend: Backend) -> None:
    stage = stages["trusting"]
    host = stage.serve(backend, https_redirect=308, hsts="max-age=1")
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
    host = stage.serve(backend, https_redirect=308)
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


def origin(chain: str, *trusted: str) -> str:
    """Who the client is when a trusted peer passes CHAIN on."""
    forwarding = Forwarding(Settings(use_forwarded_headers=True, proxy_real_ip_cidr=trusted or ("0.0.0.0/0", "::/0")))
    request = Head()
    request.read_request(Pieces([head("/", fields=[("X-Forwarded-For", chain)])]), Limits())
    return forwarding.origin(request, peer="10.0.0.1", port=80, secure=False).address


@pytest.mark.parametrize(
    ("chain", "trusted", "client"),
    [
        ("192.0.2.7", (), "192.0.2.7"),
        ("192.0.2.7, 198.51.100.1", (), "192.0.2.7"),
        ("192.0.2.7, 198.51.100.1", ("10.0.0.0/8",), "198.51.100.1"),
        ("192.0.2.7, 198.51.100.1, 10.0.0.2", ("10.0.0.0/8",), "198.51.100.1"),
        ("6.6.6.6, 192.0.2.7, 10.0.0.2", ("10.0.0.0/8", "192.0.2.0/24"), "6.6.6.6"),
        ("evil, 192.0.2.7", ("10.0.0.0/8",), "192.0.2.7"),
        ("2001:db8::7", (), "2001:db8::7"),
        ("::ffff:10.0.0.9, 10.0.0.2", ("10.0.0.0/8",), "::ffff:10.0.0.9"),
        (",,", (), "10.0.0.1"),
    ],
)
def test_the_client_is_the_last_of_the_chain_that_no_trusted_proxy_is(
    chain: str, trusted: tuple[str, ...], client: str
) -> None:
    assert origin(chain, *trusted) == client

"""Keys about connections of clients, and about who the client is."""

from __future__ import annotations

from tests.support.clients import head
from tests.support.configured import Configured
from tests.support.frames import SETTINGS, Wire
from tests.support.waiting import eventually

MAX_CONCURRENT_STREAMS = 3
"""RFC 9113, section 6.5.2."""

# --- connections of clients -------------------------------------------------------------------------------------------


def test_keep_alive_requests_holds_for_connections_that_are_open(configured: Configured, host: str) -> None:
    with configured.stage.connect() as client:
        assert client.request(host=host).get("connection") is None
        configured.configure(keep_alive_requests="3")
        assert client.request(host=host).get("connection") is None
        assert client.request(host=host).get("connection") == "close"
        assert client.is_closed()


def test_keep_alive_of_0_keeps_none(configured: Configured, host: str) -> None:
    configured.configure(keep_alive="0")
    assert configured.get(host).get("connection") == "close"


def test_client_header_timeout(configured: Configured, host: str) -> None:
    configured.configure(client_header_timeout="1")
    with configured.stage.connect() as client:
        client.send(head("/", host=host)[:-2])
        assert client.response().status == 408


def test_client_body_timeout(configured: Configured, host: str) -> None:
    configured.configure(client_body_timeout="1")
    with configured.stage.connect() as client:
        client.send(head("/", method="POST", host=host, fields=[("Content-Length", "5")]))
        assert client.response().status == 408


# --- who the client is ------------------------------------------------------------------------------------------------


def test_use_forwarded_headers_holds_for_connections_that_are_open(configured: Configured, host: str) -> None:
    claim = [("X-Forwarded-For", "192.0.2.7")]

    with configured.stage.connect() as client:

        def told() -> str:
            return str(dict(client.request(host=host, fields=claim).json()["headers"])["X-Forwarded-For"])

        assert told() == "127.0.0.1"
        configured.configure(use_forwarded_headers="true")
        assert told() == "192.0.2.7"
        configured.configure(use_forwarded_headers="true", proxy_real_ip_cidr="10.0.0.0/8")
        assert told() == "127.0.0.1"


def test_use_proxy_protocol_holds_for_the_next_connection(configured: Configured, host: str) -> None:
    configured.configure(use_proxy_protocol="true")
    with configured.stage.connect() as client:
        client.send(b"PROXY TCP4 192.0.2.9 192.0.2.1 4000 80\r\n" + head("/", host=host))
        assert dict(client.response().json()["headers"])["X-Forwarded-For"] == "192.0.2.9"
    configured.configure()
    assert configured.get(host).status == 200


def test_enable_real_ip_believes_the_address_alone(configured: Configured, host: str) -> None:
    claims = [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Host", "other.example"), ("X-Forwarded-Proto", "https")]
    configured.configure(enable_real_ip="true")
    told = dict(configured.get(host, fields=claims).json()["headers"])
    assert (told["X-Forwarded-For"], told["X-Forwarded-Host"], told["X-Forwarded-Proto"]) == ("192.0.2.7", host, "http")


def test_forwarded_for_header_and_forwarded_host_header(configured: Configured, host: str) -> None:
    keys = {"forwarded_for_header": "CF-Connecting-IP", "forwarded_host_header": "X-Shown-Host"}
    claims = [("CF-Connecting-IP", "192.0.2.7"), ("X-Forwarded-For", "192.0.2.8"), ("X-Shown-Host", "shown.example")]
    configured.configure(use_forwarded_headers="true", **keys)
    told = dict(configured.get(host, fields=claims).json()["headers"])
    assert (told["X-Forwarded-For"], told["X-Forwarded-Host"]) == ("192.0.2.7", "shown.example")


def test_compute_full_forwarded_for(configured: Configured, host: str) -> None:
    configured.configure(use_forwarded_headers="true", compute_full_forwarded_for="true")
    told = dict(configured.get(host, fields=[("X-Forwarded-For", "192.0.2.7")]).json()["headers"])
    assert told["X-Forwarded-For"] == "192.0.2.7, 127.0.0.1"


def test_a_list_of_trusted_peers_that_cannot_be_read_trusts_nobody(configured: Configured, host: str) -> None:
    configured.configure(use_forwarded_headers="true", proxy_real_ip_cidr="127.0.0.0/99")
    told = dict(configured.get(host, fields=[("X-Forwarded-For", "192.0.2.7")]).json()["headers"])
    assert told["X-Forwarded-For"] == "127.0.0.1"
    assert [one.field for one in configured.problems] == ['data["proxy-real-ip-cidr"]']


def test_enable_underscores_in_headers(configured: Configured, host: str) -> None:
    sent = [("a_b", "c")]
    assert "a_b" not in dict(configured.get(host, fields=sent).json()["headers"])
    configured.configure(enable_underscores_in_headers="true")
    assert dict(configured.get(host, fields=sent).json()["headers"])["a_b"] == "c"


def test_proxy_protocol_header_timeout(configured: Configured) -> None:
    configured.configure(use_proxy_protocol="true", proxy_protocol_header_timeout="500ms")
    with configured.stage.connect() as client:
        assert client.is_closed()


# --- how large a head may be ------------------------------------------------------------------------------------------


def test_large_client_header_buffers_as_nginx(configured: Configured, host: str) -> None:
    long = "x" * 10_000
    assert configured.get(host, f"/{long}").status == 414
    assert configured.get(host, fields=[("Cookie", 4 * long)]).status == 400
    configured.configure(large_client_header_buffers="2 12k")
    assert configured.get(host, f"/{long}").status == 200
    assert configured.get(host, fields=[("Cookie", 2 * long)]).status == 200
    assert configured.get(host, fields=[("Cookie", 4 * long)]).status == 400
    assert configured.get(host, f"/{2 * long}").status == 414
    configured.configure(large_client_header_buffers="many")
    assert configured.problems


# --- HTTP/2 -----------------------------------------------------------------------------------------------------------


def test_http2_max_concurrent_streams(configured: Configured) -> None:
    def told() -> int:
        with Wire(configured.stage.connect().socket) as wire:
            payload = wire.until(SETTINGS).payload
            pairs = [(payload[at : at + 2], payload[at + 2 : at + 6]) for at in range(0, len(payload), 6)]
            return {int.from_bytes(name): int.from_bytes(value) for name, value in pairs}[MAX_CONCURRENT_STREAMS]

    configured.configure(http2_max_concurrent_streams="7")
    assert told() == 7


# --- how many ---------------------------------------------------------------------------------------------------------


def test_max_worker_connections(configured: Configured, host: str) -> None:
    with configured.stage.connect() as first:
        assert first.request(host=host).status == 200
        configured.configure(max_worker_connections="1")
        assert configured.get(host).status == 503


# --- connections to endpoints -----------------------------------------------------------------------------------------


def connections(configured: Configured, host: str, count: int) -> list[int]:
    """The numbers of the connections by which the application got COUNT requests."""
    return [configured.get(host).json()["connection"] for _ in range(count)]


def test_upstream_keepalive_connections(configured: Configured, host: str) -> None:
    assert len(set(connections(configured, host, 4))) < 4
    configured.configure(upstream_keepalive_connections="0")
    configured.get(host)
    assert len(set(connections(configured, host, 4))) == 4


def test_upstream_keepalive_requests(configured: Configured, host: str) -> None:
    configured.configure(upstream_keepalive_requests="2")
    configured.get(host)
    assert len(set(connections(configured, host, 6))) >= 3


def test_upstream_keepalive_time(configured: Configured, host: str) -> None:
    configured.configure(upstream_keepalive_time="0s")
    configured.get(host)
    assert len(set(connections(configured, host, 4))) == 4


def test_upstream_keepalive_timeout(configured: Configured, host: str) -> None:
    configured.configure(upstream_keepalive_timeout="0")
    before = connections(configured, host, 1)
    eventually(lambda: connections(configured, host, 1) != before)


def test_generate_request_id(configured: Configured, host: str) -> None:
    assert len(dict(configured.get(host).json()["headers"])["X-Request-ID"]) == 32
    configured.configure(generate_request_id="false")
    assert "X-Request-ID" not in dict(configured.get(host).json()["headers"])
    told = dict(configured.get(host, fields=[("X-Request-ID", "mine")]).json()["headers"])
    assert told["X-Request-ID"] == "mine"

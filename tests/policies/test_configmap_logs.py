"""Keys of ingress-nginx's ConfigMap about logs and compression, from the object to lines and responses."""

from __future__ import annotations

import gzip
import itertools
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import brotli
import pytest
import zstandard

from edge.table.parameters import PARAMETERS, Parameters
from edge.table.policies import Compression
from edge.table.records import SHARED_POLICIES
from tests.support.backends import Backend, Peer, Script, pattern, read_head
from tests.support.configured import Configured
from tests.support.stage import Stage
from tests.support.waiting import eventually

targets = (f"/target{number}" for number in itertools.count())


@pytest.fixture(scope="module")
def configured() -> Iterator[Configured]:
    with Stage() as stage:
        yield Configured(stage)


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with Backend() as backend:
        yield backend


@pytest.fixture(scope="module")
def host(configured: Configured, backend: Backend) -> str:
    return configured.serve(backend)


@pytest.fixture(autouse=True)
def _nothing_set(configured: Configured) -> Iterator[None]:
    yield
    configured.configure()


@pytest.fixture
def logged(configured: Configured, host: str) -> Callable[..., list[str]]:
    """The lines of a request with KEYS set, of TARGET and of one after it that is logged in any case."""

    def lines(target: str = "", to: str = host, agent: str = "agent/1", **keys: str) -> list[str]:
        target = target or next(targets)
        configured.configure(**keys)
        configured.get(to, target, fields=[("User-Agent", agent)])
        configured.configure(log_format_upstream="end of $request_uri")
        configured.get(host, target)

        def found() -> list[str] | None:
            output = configured.stage.edge.output.splitlines()
            mark = f"end of {target}"
            return output[: output.index(mark)] if mark in output else None

        all_lines = eventually(found)
        before = [at for at, line in enumerate(all_lines) if line.startswith("end of ")]
        return all_lines[before[-1] + 1 if before else 0 :]

    return lines


# --- the format -------------------------------------------------------------------------------------------------------


def test_log_format_upstream(logged) -> None:
    (line,) = logged("/a?b=c", log_format_upstream="$request_method $request_uri $namespace $service_name")
    assert line.startswith("GET /a?b=c demo site")


def test_log_format_escape_json(logged) -> None:
    text = '{"uri": "$request_uri", "agent": "$http_user_agent", "status": $status}'
    (line,) = logged("/x", agent='a"b\\c', log_format_upstream=text, log_format_escape_json="true")
    assert json.loads(line) == {"uri": "/x", "agent": 'a"b\\c', "status": 200}


def test_log_format_escape_none(logged) -> None:
    text = "$http_user_agent|$args|"
    assert logged(agent='a"b', log_format_upstream=text, log_format_escape_none="true") == ['a"b||']


def test_an_unknown_variable_is_reported_and_the_default_format_holds(configured: Configured, logged) -> None:
    configured.configure(log_format_upstream="$status $nonsense")
    (problem,) = configured.problems
    assert problem.field == 'data["log-format-upstream"]'
    assert "there is no variable $nonsense here" in problem.message
    (line,) = logged("/nonsense", log_format_upstream="$status $nonsense")
    assert '"GET /nonsense HTTP/1.1" 200' in line


# --- what leaves a line -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["disable_access_log", "disable_http_access_log"])
def test_the_log_can_be_turned_off(logged, key: str) -> None:
    assert logged(**{key: "true"}) == []
    assert len(logged(**{key: "false"})) == 1


def test_skip_access_log_urls(configured: Configured, logged) -> None:
    keys = {"skip_access_log_urls": "/health, ~^/static/, ~(["}
    assert logged("/health", **keys) == []
    assert logged("/static/a.css", **keys) == []
    assert len(logged("/other", **keys)) == 1
    configured.configure(**keys)
    assert [one.field for one in configured.problems] == ['data["skip-access-log-urls"]']


def test_requests_that_no_ingress_takes(logged) -> None:
    assert logged(to="nobody.example") == []
    assert len(logged(to="nobody.example", enable_access_log_for_default_backend="true")) == 1


# --- where lines go ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["access_log_path", "http_access_log_path"])
def test_access_log_path(configured: Configured, host: str, tmp_path: Path, key: str) -> None:
    path = tmp_path / "access.log"
    configured.configure(log_format_upstream="$request_uri", **{key: str(path)})
    configured.get(host, "/in-the-file")
    eventually(lambda: path.read_text() == "/in-the-file\n" if path.exists() else None)


def test_the_path_that_is_standard_output_in_ingress_nginx_is_so_here(logged) -> None:
    assert logged("/std", access_log_path="/var/log/nginx/access.log", log_format_upstream="$request_uri") == ["/std"]


def test_enable_syslog(configured: Configured, host: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(40)
        port = str(server.getsockname()[1])
        configured.configure(
            enable_syslog="true", syslog_host="127.0.0.1", syslog_port=port, log_format_upstream="$request_uri"
        )
        configured.get(host, "/by-syslog")
        assert server.recv(2000).endswith(b" access - /by-syslog")


def test_syslog_needs_a_host(configured: Configured) -> None:
    configured.configure(enable_syslog="true")
    assert [one.field for one in configured.problems] == ['data["enable-syslog"]']
    configured.configure(enable_syslog="true", syslog_host="no host")
    assert {one.field for one in configured.problems} == {'data["enable-syslog"]', 'data["syslog-host"]'}


@pytest.mark.parametrize(
    ("host", "server"),
    [
        ("syslog.logging.svc", "syslog.logging.svc:514"),
        ("192.0.2.1", "192.0.2.1:514"),
        ("2001:db8::1", "[2001:db8::1]:514"),
        ("unix:/dev/log", "unix:/dev/log"),
    ],
)
def test_the_server_may_be_a_name_an_address_or_a_socket(configured: Configured, host: str, server: str) -> None:
    configured.configure(enable_syslog="true", syslog_host=host)
    assert not configured.problems
    found = configured.world.routes[PARAMETERS]
    assert isinstance(found, Parameters)
    assert found.access_logging.syslog == server


def test_error_log_level(configured: Configured, host: str) -> None:
    """A client that is no trouble but at the level debug."""

    def complaints(level: str) -> int:
        configured.configure(error_log_level=level)
        configured.get(host)
        before = configured.stage.edge.log.count("malformed")
        with configured.stage.connect() as client:
            client.send(b"G(T / HTTP/1.1\r\n\r\n")
            assert client.response().status == 400
        return configured.stage.edge.log.count("malformed") - before

    eventually(lambda: complaints("debug") > 0)
    assert complaints("notice") == 0


# --- compression ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def texts(configured: Configured) -> Iterator[str]:
    """A host that answers with as many bytes of text as the path says."""

    def answer(peer: Peer) -> None:
        while True:
            size = int(read_head(peer).target.strip("/"))
            fields = f"Content-Type: text/plain\r\nContent-Length: {size}\r\n\r\n"
            peer.send(f"HTTP/1.1 200 OK\r\n{fields}".encode() + pattern(size))

    with Script(answer) as server:
        yield configured.serve(server)


def compressed(configured: Configured, texts: str, target: str = "/5000") -> dict[str, str | None]:
    """The coding of a response, by what the client takes."""
    found = {}
    for accept in ("gzip", "br", "zstd", "gzip, br, zstd"):
        response = configured.get(texts, target, fields=[("Accept-Encoding", accept)])
        found[accept] = response.get("content-encoding")
        decoded = {
            "gzip": gzip.decompress,
            "br": brotli.decompress,
            "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
            None: lambda body: body,
        }[found[accept]](response.body)
        assert len(decoded) == int(target.rpartition("/")[2])
    return found


def test_nothing_is_compressed_by_default(configured: Configured, texts: str) -> None:
    assert set(compressed(configured, texts).values()) == {None}


def test_use_gzip(configured: Configured, texts: str) -> None:
    configured.configure(use_gzip="true")
    everything = "gzip, br, zstd"
    assert compressed(configured, texts) == {"gzip": "gzip", "br": None, "zstd": None, everything: "gzip"}
    assert set(compressed(configured, texts, "/255").values()) == {None}


def test_enable_brotli_goes_before_gzip(configured: Configured, texts: str) -> None:
    configured.configure(use_gzip="true", enable_brotli="true")
    everything = "gzip, br, zstd"
    assert compressed(configured, texts) == {"gzip": "gzip", "br": "br", "zstd": None, everything: "br"}
    assert compressed(configured, texts, "/20")["br"] == "br"


def test_enable_zstd(configured: Configured, texts: str) -> None:
    configured.configure(enable_zstd="true")
    assert compressed(configured, texts)["gzip, br, zstd"] == "zstd"


@pytest.mark.parametrize(
    ("keys", "coding"),
    [
        ({"gzip_min_length": "6000"}, None),
        ({"gzip_min_length": "0"}, "gzip"),
        ({"gzip_types": "text/css image/png"}, None),
        ({"gzip_types": "text/plain"}, "gzip"),
        ({"gzip_types": "*"}, "gzip"),
        ({"gzip_level": "9"}, "gzip"),
        ({"gzip_disable": "agent/[12]"}, None),
        ({"gzip_disable": "msie6"}, "gzip"),
    ],
)
def test_the_keys_of_gzip(configured: Configured, texts: str, keys: dict[str, str], coding: str | None) -> None:
    configured.configure(use_gzip="true", **keys)
    assert not configured.problems
    fields = [("Accept-Encoding", "gzip"), ("User-Agent", "agent/1")]
    assert configured.get(texts, "/5000", fields=fields).get("content-encoding") == coding


def test_values_reach_the_table(configured: Configured) -> None:
    configured.configure(
        enable_brotli="true", brotli_level="7", brotli_min_length="99", brotli_types="text/css TEXT/CSS x/y",
        enable_zstd="true", zstd_level="5", zstd_min_length="98", zstd_types="x/z",
    )  # fmt: skip
    policies = configured.world.routes[SHARED_POLICIES].policies
    (policy,) = [one for one in policies if isinstance(one, Compression)]
    assert [(one.name, one.level, one.least, one.types) for one in policy.codings] == [
        ("zstd", 5, 98, ("text/html", "x/z")),
        ("br", 7, 99, ("text/html", "text/css", "x/y")),
    ]
    assert policy.source == 'ConfigMap ingress/controller data["enable-zstd"]'


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("gzip_level", "10"),
        ("brotli_level", "12"),
        ("zstd_level", "20"),
        ("gzip_types", "text/html;q=1, css"),
        ("gzip_disable", "(["),
        ("brotli_min_length", "-1"),
    ],
)
def test_a_bad_value_is_reported_and_its_default_holds(
    configured: Configured, texts: str, key: str, value: str
) -> None:
    configured.configure(use_gzip="true", enable_brotli="true", enable_zstd="true", **{key: value})
    assert [one.field for one in configured.problems] == [f'data["{key.replace("_", "-")}"]']
    assert compressed(configured, texts)["gzip"] == "gzip"


def test_a_change_holds_for_the_next_request_of_an_open_connection(configured: Configured, texts: str) -> None:
    with configured.stage.connect() as client:
        for on in ("true", "false", "true"):
            configured.configure(use_gzip=on)
            response = client.request("/5000", host=texts, fields=[("Accept-Encoding", "gzip")])
            assert response.get("content-encoding") == ("gzip" if on == "true" else None)

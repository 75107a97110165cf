"""Who we are to the API server, and how a request ends."""

from __future__ import annotations

import base64
import email.utils
import json
import shutil
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from edge.control.api import configuration, trust
from edge.control.api import transport as module
from edge.control.api.errors import ConfigurationError, RefusedError, UnreachableError
from edge.control.api.transport import Transport
from edge.settings import Settings
from tests.support.certificates import Pair, authority, issue
from tests.support.fakeapi import FakeAPI
from tests.support.waiting import eventually

PATH = "/apis/networking.k8s.io/v1/ingresses"
Serve = Callable[..., FakeAPI]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts an API server that speaks HTTPS and takes the token `good`."""
    servers: list[FakeAPI] = []

    def begin(pair: Pair | None = None) -> FakeAPI:
        pair = pair or issue("127.0.0.1")
        (tmp_path / "server.pem").write_bytes(pair.certificate + pair.key)
        (tmp_path / "ca.crt").write_bytes(authority().certificate)
        one = FakeAPI(tokens={"good"}, certificate=tmp_path / "server.pem", authority=tmp_path / "ca.crt")
        one.start()
        servers.append(one)
        return one

    yield begin
    for one in servers:
        one.stop()


def through(kubeconfig: Path) -> Transport:
    return Transport(lambda: configuration.load(Settings(kubeconfig=str(kubeconfig))))


def asks(transport: Transport) -> bool:
    return b"IngressList" in transport.request("GET", PATH)


# --- credentials ------------------------------------------------------------------------------------------------------


def test_token(serve: Serve, tmp_path: Path) -> None:
    """A token of the kubeconfig goes with each request; without one the answer is 401."""
    api = serve()
    assert asks(through(api.kubeconfig(tmp_path / "with", token="good")))
    with pytest.raises(RefusedError) as refused:
        asks(through(api.kubeconfig(tmp_path / "without")))
    assert refused.value.code == 401


def test_client_certificate(serve: Serve, tmp_path: Path) -> None:
    """A client certificate, as files or as data, stands for a token."""
    api = serve()
    pair = issue(client=True)
    certificate, key = pair.write(tmp_path, "client")
    files = {"client_certificate": str(certificate), "client_key": str(key)}
    assert asks(through(api.kubeconfig(tmp_path / "files", **files)))
    data = {
        "client_certificate_data": base64.b64encode(pair.certificate).decode(),
        "client_key_data": base64.b64encode(pair.key).decode(),
    }
    assert asks(through(api.kubeconfig(tmp_path / "data", **data)))


def plugin(tmp_path: Path, status: dict[str, str]) -> dict[str, object]:
    """An exec plugin of a kubeconfig that gives what the file `status` holds, and counts its runs."""
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    (tmp_path / "status").write_text(json.dumps(credential))
    script = tmp_path / "plugin.py"
    script.write_text(
        "import pathlib\n"
        f"here = pathlib.Path({str(tmp_path)!r})\n"
        "with (here / 'runs').open('a') as runs:\n"
        "    runs.write('x')\n"
        "print((here / 'status').read_text())\n"
    )
    return {
        "apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": [str(script)],
        "interactiveMode": "Never",
    }  # fmt: skip


def test_exec_plugin(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin's token is used until it is refused; then the plugin is run again."""
    monkeypatch.setattr(module, "_RELOAD_INTERVAL", 0.0)
    api = serve()
    transport = through(api.kubeconfig(tmp_path / "config", exec=plugin(tmp_path, {"token": "good"})))
    assert asks(transport)
    assert asks(transport)
    assert (tmp_path / "runs").read_text() == "x"
    api.tokens = {"newer"}
    plugin(tmp_path, {"token": "newer"})
    with pytest.raises(RefusedError):
        asks(transport)
    assert asks(transport)
    assert (tmp_path / "runs").read_text() == "xx"


def test_exec_plugin_whose_token_expires(serve: Serve, tmp_path: Path) -> None:
    """A token that has an end is replaced before the API server refuses it."""
    api = serve()
    status = {"token": "good", "expirationTimestamp": "2020-01-01T00:00:00Z"}
    transport = through(api.kubeconfig(tmp_path / "config", exec=plugin(tmp_path, status)))
    api.tokens = {"newer"}
    plugin(tmp_path, {"token": "newer"})
    assert asks(transport)


def test_exec_plugin_with_a_certificate(serve: Serve, tmp_path: Path) -> None:
    """A plugin may give a client certificate."""
    api = serve()
    pair = issue(client=True)
    status = {"clientCertificateData": pair.certificate.decode(), "clientKeyData": pair.key.decode()}
    assert asks(through(api.kubeconfig(tmp_path / "config", exec=plugin(tmp_path, status))))


# --- in the cluster ---------------------------------------------------------------------------------------------------


@pytest.fixture
def account(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[FakeAPI, Path]:
    """An API server, and the folder of a service account as a pod has it mounted."""
    api = serve()
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(api.port))
    folder = tmp_path / "account"
    folder.mkdir()
    (folder / "token").write_text("good\n")
    (folder / "namespace").write_text("edge")
    shutil.copy(tmp_path / "ca.crt", folder / "ca.crt")
    return api, folder


def test_service_account(account: tuple[FakeAPI, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pod, the service account says who we are and where."""
    _, folder = account
    transport = Transport(lambda: configuration.load(Settings(), service_account=folder))
    assert asks(transport)
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    assert configuration.own_namespace(transport.configuration, Settings(), service_account=folder) == "edge"


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"sub": "system:serviceaccount:edge-system:edge"}, "edge-system"),
        ({"sub": "jane"}, "default"),
        ({}, "default"),
    ],
)
def test_the_namespace_of_a_token(
    api: FakeAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, claims: dict[str, str], expected: str
) -> None:
    """Outside of a pod our namespace is that of the service account whose token the kubeconfig holds."""
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims)]
    settings = Settings(kubeconfig=str(api.kubeconfig(tmp_path / "config", token=".".join([*parts, "signature"]))))
    assert configuration.own_namespace(configuration.load(settings), settings, service_account=tmp_path) == expected


def test_the_namespace_of_a_context(api: FakeAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes to a cluster as no service account runs where the current context of the kubeconfig says."""
    monkeypatch.delenv("POD_NAMESPACE", raising=False)
    path = api.kubeconfig(tmp_path / "config")
    config = yaml.safe_load(path.read_text())
    config["contexts"][0]["context"]["namespace"] = "edge-system"
    path.write_text(yaml.safe_dump(config))
    settings = Settings(kubeconfig=str(path))
    namespace = configuration.own_namespace(configuration.load(settings), settings, service_account=tmp_path)
    assert namespace == "edge-system"


def test_a_token_that_rotates(account: tuple[FakeAPI, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A new token in the mounted file is used from the first refusal of the old one on."""
    monkeypatch.setattr(module, "_RELOAD_INTERVAL", 0.0)
    api, folder = account
    transport = Transport(lambda: configuration.load(Settings(), service_account=folder))
    assert asks(transport)
    api.tokens = {"newer"}
    (folder / "token").write_text("newer")
    with pytest.raises(RefusedError):
        asks(transport)
    assert asks(transport)


def test_an_authority_that_rotates(account: tuple[FakeAPI, Path], tmp_path: Path) -> None:
    """A new authority in the mounted file is trusted from the next connection on."""
    api, folder = account
    transport = Transport(lambda: configuration.load(Settings(), service_account=folder))
    assert asks(transport)
    other = authority("Another Authority")
    pair = issue("127.0.0.1", issuer=other)
    api.stop()
    (tmp_path / "server.pem").write_bytes(pair.certificate + pair.key)
    api.start()
    with pytest.raises(UnreachableError, match="certificate verify failed"):
        eventually(lambda: not asks(transport))
    (folder / "ca.crt").write_bytes(other.certificate)
    assert asks(transport)


@pytest.mark.parametrize("missing", ["token", "ca.crt"])
def test_a_service_account_that_is_not_whole(account: tuple[FakeAPI, Path], missing: str) -> None:
    """The error names what is missing."""
    _, folder = account
    (folder / missing).unlink()
    with pytest.raises(ConfigurationError, match=r"service account: .* does not exist"):
        Transport(lambda: configuration.load(Settings(), service_account=folder))


def test_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any of it, the error names the ways out."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match="give --manifests, --kubeconfig or --apiserver-host"):
        configuration.load(Settings())


def test_the_address_of_the_api_server_may_be_a_flag(
    api: FakeAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone, or in place of that of the kubeconfig, whose credentials count; with authorities of its own."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    where = Settings(apiserver_host=f"http://127.0.0.1:{api.port}/")
    assert asks(Transport(lambda: configuration.load(where)))
    path = api.kubeconfig(tmp_path / "config")
    path.write_text(path.read_text().replace(str(api.port), "1"))
    both = where.with_(kubeconfig=str(path), certificate_authority="/ca.crt")
    assert asks(Transport(lambda: configuration.load(both)))
    assert configuration.load(both).ssl_ca_cert == "/ca.crt"


@pytest.mark.parametrize("text", ["", "{", "clusters: 7", "apiVersion: v1\nkind: Config\ncurrent-context: none\n"])
def test_a_kubeconfig_that_is_none(tmp_path: Path, text: str) -> None:
    """A file that cannot be used is named."""
    (tmp_path / "config").write_text(text)
    with pytest.raises(ConfigurationError, match=str(tmp_path / "config")):
        configuration.load(Settings(kubeconfig=str(tmp_path / "config")))


def test_a_proxy_that_cannot_be_used(api: FakeAPI, tmp_path: Path) -> None:
    """A kind of proxy that is not supported is reported, with the way out."""
    path = api.kubeconfig(tmp_path / "config")
    config = yaml.safe_load(path.read_text())
    config["clusters"][0]["cluster"]["proxy-url"] = "quic://jane:secret@127.0.0.1:1"
    path.write_text(yaml.safe_dump(config))
    with pytest.raises(ConfigurationError, match=r"proxy 127.0.0.1:1: .*; give an http proxy"):
        through(path)


def test_a_proxy_with_a_password(serve: Serve, tmp_path: Path) -> None:
    """Name and password in the URL of a proxy are shown to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        path = serve().kubeconfig(tmp_path / "config", token="good")
        config = yaml.safe_load(path.read_text())
        config["clusters"][0]["cluster"]["proxy-url"] = f"http://jane:p%40ss@127.0.0.1:{listener.getsockname()[1]}"
        path.write_text(yaml.safe_dump(config))
        heads: list[bytes] = []

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                heads.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        with pytest.raises(UnreachableError, match="407"):
            asks(through(path))
        thread.join(40)
    assert heads[0].startswith(b"CONNECT 127.0.0.1:")
    assert b"Basic " + base64.b64encode(b"jane:p@ss") in heads[0]


def test_a_certificate_is_judged_as_kubectl_does(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One without an Authority Key Identifier will do, which Python asks for by default from 3.13 on."""
    made = trust.create_urllib3_context

    def strict(**arguments: Any) -> ssl.SSLContext:
        context = made(**arguments)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(trust, "create_urllib3_context", strict)
    assert asks(through(serve().kubeconfig(tmp_path / "config", token="good")))


def test_a_certificate_that_is_not_verified(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    """insecure-skip-tls-verify does what it says, and is logged once instead of with each connection."""
    path = serve(issue("elsewhere.example")).kubeconfig(tmp_path / "config", token="good")
    config = yaml.safe_load(path.read_text())
    cluster = config["clusters"][0]["cluster"]
    del cluster["certificate-authority"]
    path.write_text(yaml.safe_dump(config))
    with pytest.raises(UnreachableError, match="certificate verify failed"):
        asks(through(path))
    cluster["insecure-skip-tls-verify"] = True
    path.write_text(yaml.safe_dump(config))
    assert asks(through(path))
    assert caplog.text.count("is not verified") == 1
    assert not [one for one in recwarn if issubclass(one.category, urllib3.exceptions.InsecureRequestWarning)]


# --- endings ----------------------------------------------------------------------------------------------------------


def test_refusals(api: FakeAPI, transport: Transport) -> None:
    """A refusal says code, reason and message, and when to come back."""
    api.fail("status", code=429, reason="TooManyRequests", message="later", retry_after=7.0)
    with pytest.raises(RefusedError, match="429 TooManyRequests: later") as refused:
        asks(transport)
    assert refused.value.retry_after == 7.0
    with pytest.raises(RefusedError, match="404 NotFound"):
        transport.request("GET", f"{PATH}/none")


@pytest.mark.parametrize(
    ("said", "expected"), [("5", 5.0), ("86400", 300.0), ("9" * 400, 300.0), ("soon", None), ("-1", None)]
)
def test_when_to_come_back(api: FakeAPI, transport: Transport, said: str, expected: float | None) -> None:
    """Nobody is sent away for longer than five minutes."""
    api.fail("status", code=503, retry_after=said)
    with pytest.raises(RefusedError) as refused:
        asks(transport)
    assert refused.value.retry_after == expected


@pytest.mark.parametrize(("ahead", "least", "most"), [(20, 10, 20), (-3600, 0, 0), (10**7, 300, 300)])
def test_when_to_come_back_by_date(api: FakeAPI, transport: Transport, ahead: int, least: float, most: float) -> None:
    """A date is understood, however far off it is."""
    api.fail("status", code=503, retry_after=email.utils.formatdate(time.time() + ahead, usegmt=True))
    with pytest.raises(RefusedError) as refused:
        asks(transport)
    assert refused.value.retry_after is not None
    assert least <= refused.value.retry_after <= most


def test_a_host_that_vanishes_is_noticed_by_the_kernel(transport: Transport) -> None:
    """Connections of watches are probed, and given up within half a minute."""
    query = {"watch": "true", "resourceVersion": "1"}
    with transport.stream(PATH, query=query, read_timeout=5) as stream:
        connection = stream._response.connection
        assert connection is not None
        sock = connection.sock  # type: ignore[attr-defined]
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle, interval, probes = (
            sock.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        )
        assert idle + interval * probes <= 30
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_connection_that_takes_too_long_is_told_in_words() -> None:
    """Each time in the same ones, so that the log has them once."""
    connection = urllib3.connection.HTTPConnection("192.0.2.1")
    error = urllib3.exceptions.ConnectTimeoutError(connection, "Connection to 192.0.2.1 timed out")
    assert module.describe(error) == "Connection to 192.0.2.1 timed out"


def test_no_answer(api: FakeAPI, transport: Transport) -> None:
    """Resets, silence and a closed port are errors of one line."""
    api.fail("drop")
    with pytest.raises(UnreachableError):
        asks(transport)
    api.fail("stall")
    with pytest.raises(UnreachableError, match="timed out"):
        transport.request("GET", PATH, read_timeout=0.2)
    api.stop()
    with pytest.raises(UnreachableError, match="refused") as error:
        eventually(lambda: not asks(transport))
    assert "\n" not in str(error.value)

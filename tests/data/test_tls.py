"""TLS of clients: which certificate is shown, what is refused and how, tickets, rotation, bounded memory."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

import pytest

from edge.data.accepting import contexts as tls
from edge.data.accepting.contexts import Contexts
from edge.table.counters import WorkerWord
from edge.table.reader import TableReader
from edge.table.records import DEFAULT_CERTIFICATE, Certificate, ServerName, certificate_key, server_name_key
from edge.table.writer import TableWriter
from tests.support.backends import Backend
from tests.support.certificates import Pair, issue, self_signed, serial_of, trusting, trusting_all
from tests.support.clients import Client, head
from tests.support.stage import Stage
from tests.support.waiting import eventually


def shown(stage: Stage, name: str | None) -> int:
    """Serial number of the certificate that is shown for the server NAME."""
    with stage.connect(tls=trusting_all(), server_name=name) as client:
        return serial_of(client.certificate)


def only(*versions: ssl.TLSVersion) -> ssl.SSLContext:
    context = trusting_all()
    context.minimum_version, context.maximum_version = versions[0], versions[-1]
    return context


# --- which certificate ---


def test_the_certificate_is_that_of_the_server_name(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend)
    pair = issue(host)
    stage.certificate(pair, host, secret="exact")
    with stage.connect(tls=trusting(), server_name=host) as client:
        response = client.request("/", host=host)
    assert response.status == 200
    assert dict(response.json()["headers"])["X-Forwarded-Proto"] == "https"


def test_a_name_goes_before_its_wildcard_and_that_before_the_default(stage: Stage) -> None:
    exact, wildcard = issue("a.wild.example"), issue("*.wild.example")
    stage.certificate(exact, "a.wild.example", secret="a")
    stage.certificate(wildcard, "*.wild.example", secret="wild")
    default = shown(stage, None)
    assert shown(stage, "a.wild.example") == exact.serial
    assert shown(stage, "A.Wild.Example") == exact.serial
    assert shown(stage, "b.wild.example") == wildcard.serial
    assert shown(stage, "b.c.wild.example") == shown(stage, "wild.example") == shown(stage, "else.example") == default


def test_rsa_keys_work_too(stage: Stage) -> None:
    pair = issue("rsa.example", rsa_key=True)
    stage.certificate(pair, "rsa.example", secret="rsa")
    with stage.connect(tls=trusting(), server_name="rsa.example") as client:
        assert serial_of(client.certificate) == pair.serial


def test_a_certificate_that_cannot_be_used_leaves_the_default(stage: Stage) -> None:
    mixed = Pair(issue("mixed.example").certificate, issue("mixed.example").key)
    stage.certificate(mixed, "mixed.example", secret="mixed")
    assert shown(stage, "mixed.example") == shown(stage, None)
    assert "certificate c:demo/mixed cannot be used" in stage.edge.log
    before = stage.edge.log.count("c:demo/mixed cannot be used")
    assert shown(stage, "mixed.example") == shown(stage, None)
    assert stage.edge.log.count("c:demo/mixed cannot be used") == before, "said once, tried once"


@pytest.mark.parametrize(("offers", "chosen"), [(["http/1.1", "h2"], "h2"), (["http/1.1"], "http/1.1"), ([], None)])
def test_alpn_prefers_http_2(stage: Stage, offers: list[str], chosen: str | None) -> None:
    context = trusting_all()
    if offers:
        context.set_alpn_protocols(offers)
    with stage.connect(tls=context) as client:
        assert isinstance(client.socket, ssl.SSLSocket)
        assert client.socket.selected_alpn_protocol() == chosen


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_who_speaks_none_of_our_protocols_is_told_so_by_an_alert(stage: Stage, version: ssl.TLSVersion) -> None:
    context = trusting_all()
    context.maximum_version = version
    context.set_alpn_protocols(["spdy/3"])
    with pytest.raises(ssl.SSLError, match="no application protocol"):
        stage.connect(tls=context)


# --- change ---


def test_a_new_certificate_is_shown_to_the_next_and_connections_that_are_open_go_on(
    stage: Stage, backend: Backend
) -> None:
    host = stage.serve(backend)
    old, new = issue(host), issue(host)
    stage.certificate(old, host, secret="rotating")
    with stage.connect(tls=trusting(), server_name=host) as client:
        assert client.request("/", host=host).status == 200
        stage.certificate(new, host, secret="rotating")
        assert client.request("/", host=host).status == 200
        assert serial_of(client.certificate) == old.serial
        assert shown(stage, host) == new.serial
        assert client.request("/", host=host).status == 200


def test_certificates_change_under_load_without_a_failed_request(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend)
    pairs = [issue(host) for _ in range(2)]
    stage.certificate(pairs[0], host, secret="busy")
    ending = threading.Event()
    statuses: list[int] = []
    faults: list[Exception] = []

    def ask() -> None:
        try:
            while not ending.is_set():
                with stage.connect(tls=trusting(), server_name=host) as client:
                    statuses.extend(client.request("/", host=host).status for _ in range(3))
        except Exception as error:  # noqa: BLE001 - told below
            faults.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(20):
        stage.certificate(pairs[number % 2], host, secret="busy")
        eventually(lambda number=number: len(statuses) > number * 5 or faults)
    ending.set()
    for thread in threads:
        thread.join()
    assert not faults
    assert set(statuses) == {200}


def test_a_certificate_that_is_gone_leaves_the_default(stage: Stage) -> None:
    stage.certificate(issue("gone.example"), "gone.example", secret="gone")
    assert shown(stage, "gone.example") != shown(stage, None)
    stage.certificate(None, "gone.example", secret="gone")
    assert shown(stage, "gone.example") == shown(stage, None)


# --- versions and what is none ---


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(stage: Stage, backend: Backend, version: ssl.TLSVersion) -> None:
    host = stage.serve(backend)
    with stage.connect(tls=only(version)) as client:
        assert isinstance(client.socket, ssl.SSLSocket)
        assert client.socket.version() == version.name.replace("_", ".")
        assert client.request("/bytes/100000", host=host).status == 200


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_older_versions_are_refused_with_an_alert(stage: Stage) -> None:
    before = stage.count(WorkerWord.HANDSHAKE_FAILURES)
    context = only(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        stage.connect(tls=context)
    eventually(lambda: stage.count(WorkerWord.HANDSHAKE_FAILURES) == before + 1)


def test_of_tls_1_3_aes_with_128_bits_is_preferred_as_of_tls_1_2(stage: Stage) -> None:
    with stage.connect(tls=only(ssl.TLSVersion.TLSv1_3)) as client:
        assert isinstance(client.socket, ssl.SSLSocket)
        cipher = client.socket.cipher()
        assert cipher is not None
        assert cipher[0] == "TLS_AES_128_GCM_SHA256"


@pytest.mark.parametrize("target", ["/", "/bytes/100000", "/stream/3/5000", "/until-close/100"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_last_response_ends_with_a_closure_alert(
    stage: Stage, backend: Backend, version: ssl.TLSVersion, target: str
) -> None:
    host = stage.serve(backend)
    with (
        socket.create_connection(("127.0.0.1", stage.edge.https), 40) as sock,
        only(version).wrap_socket(sock, suppress_ragged_eofs=False) as client,
    ):
        client.sendall(head(target, host=host, fields=[("Connection", "close")]))
        data = b""
        while piece := client.recv(65536):
            data += piece
    assert data.startswith(b"HTTP/1.1 200")
    assert b"\r\nConnection: close\r\n" in data


def test_weak_ciphers_are_refused(stage: Stage) -> None:
    context = only(ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("AES128-SHA:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA")
    with pytest.raises(ssl.SSLError):
        stage.connect(tls=context)


def test_plain_http_to_the_tls_port_is_told_so(stage: Stage) -> None:
    with Client(stage.edge.https) as client:
        client.send(head("/"))
        response = client.response()
        assert response.status == 400
        assert b"plain HTTP request was sent to HTTPS port" in response.body
        assert client.is_closed()


def test_garbage_on_the_tls_port_ends_the_connection(stage: Stage) -> None:
    for garbage in (b"\x00" * 100, b"\x16\x03\x01\x00\x05hello", b"\x80\x2e\x01\x03\x01", b"\xff" * 70_000):
        with Client(stage.edge.https) as client:
            client.send(garbage)
            assert client.read_to_end() == b""


def test_a_client_that_leaves_within_its_handshake_leaves_nothing_behind(stage: Stage) -> None:
    stage.get("nobody.invalid")
    eventually(lambda: stage.count(WorkerWord.CONNECTIONS_ACTIVE) == 0)
    before = stage.descriptors()
    for cut in (1, 5, 50, 200):
        hello = hello_of(trusting_all())
        for _ in range(5):
            with Client(stage.edge.https) as client:
                client.send(hello[:cut])
    eventually(lambda: stage.descriptors() <= before)


def hello_of(context: ssl.SSLContext, name: str = "web.example") -> bytes:
    """The ClientHello that CONTEXT sends."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    return outgoing.read()


def test_a_hello_in_many_segments_is_understood(stage: Stage, backend: Backend) -> None:
    """And chooses the certificate just the same."""
    host = stage.serve(backend)
    pair = issue(host)
    stage.certificate(pair, host, secret="split")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = trusting().wrap_bio(incoming, outgoing, server_hostname=host)
    with pytest.raises(ssl.SSLWantReadError):
        connection.do_handshake()
    hello = outgoing.read()
    with Client(stage.edge.https) as client:
        for at in range(0, len(hello), 40):
            client.send(hello[at : at + 40])
        while True:
            incoming.write(client.socket.recv(65536))
            try:
                connection.do_handshake()
                break
            except ssl.SSLWantReadError:
                continue
        assert serial_of(connection.getpeercert(binary_form=True)) == pair.serial


def test_stalled_hellos_cost_no_processor_time(stage: Stage) -> None:
    """A worker is told by the kernel when there is more, it does not look again and again."""
    clients = [Client(stage.edge.https) for _ in range(200)]
    try:
        for client in clients:
            client.send(b"\x16\x03\x01")
        eventually(lambda: stage.count(WorkerWord.CONNECTIONS_ACTIVE) >= len(clients))
        (worker,) = stage.edge.workers()
        before = switches(worker)
        threading.Event().wait(0.5)
        assert switches(worker) - before < 200
    finally:
        for client in clients:
            client.close()


def switches(pid: int) -> int:
    """How often the process PID has waited so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("voluntary_ctxt_switches"):
            return int(line.split()[1])
    raise AssertionError("no count")


# --- tickets ---


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed_by_any_worker(version: ssl.TLSVersion) -> None:
    with Stage(workers=2) as stage, Backend() as backend:
        host = stage.serve(backend)
        stage.certificate(issue(host), host)
        context = only(version)
        eventually(lambda: stage.get(host).status == 200 and len(stage.each(WorkerWord.CONNECTIONS_ACCEPTED)) == 2)
        eventually(lambda: stage.get(host).status == 200 and all(stage.each(WorkerWord.CONNECTIONS_ACCEPTED)))
        with connected(stage, context, host) as first:
            ask(first, host)
            session = first.session
        open_ones = []
        for _ in range(12):  # kept open, so that both workers get some
            again = connected(stage, context, host, session=session)
            open_ones.append(again)
            ask(again, host)
            assert again.session_reused
        for one in open_ones:
            one.close()
        eventually(lambda: stage.count(WorkerWord.HANDSHAKES_RESUMED) == 12)
        assert stage.count(WorkerWord.HANDSHAKES) == 13
        assert all(stage.each(WorkerWord.HANDSHAKES_RESUMED)), "both workers have resumed some"


def test_a_session_of_retired_keys_is_not_resumed(stage: Stage, backend: Backend) -> None:
    host = stage.serve(backend)
    stage.certificate(issue(host), host, secret="tickets")
    context = only(ssl.TLSVersion.TLSv1_2)
    with connected(stage, context, host) as first:
        session = first.session
    with connected(stage, context, host, session=session) as again:
        assert again.session_reused
    stage.ticket_keys(bytes(range(80, 160)))
    with connected(stage, context, host, session=session) as again:
        assert not again.session_reused


def connected(
    stage: Stage, context: ssl.SSLContext, host: str, *, session: ssl.SSLSession | None = None
) -> ssl.SSLSocket:
    raw = socket.create_connection(("127.0.0.1", stage.edge.https), 40)
    return context.wrap_socket(raw, server_hostname=host, session=session)


def ask(connection: ssl.SSLSocket, host: str) -> None:
    """One request; in TLS 1.3 the ticket comes with the answer."""
    connection.sendall(head("/bytes/2", host=host))
    data = b""
    while not data.endswith(b"00"):
        data += connection.recv(4096)


# --- memory ---


def test_contexts_are_kept_in_bounded_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "MOST_CONTEXTS", 3)
    monkeypatch.setattr(tls, "MOST_NAMES", 5)
    writer = TableWriter(tmp_path)
    pair = self_signed("x.example")
    made = {DEFAULT_CERTIFICATE: Certificate("", "", pair.certificate, pair.key)}
    for number in range(8):
        key = certificate_key("demo", str(number))
        made[key] = Certificate("demo", str(number), pair.certificate, pair.key)
        made[server_name_key(f"{number}.example")] = ServerName(f"{number}.example", key)
    writer.publish(tls=made)
    contexts = Contexts(TableReader(tmp_path))
    first = contexts.choose("0.example")
    assert contexts.choose("0.example") is first
    for number in range(1, 8):
        contexts.choose(f"{number}.example")
        assert contexts.choose("0.example") is first, "what is in use stays"
    for number in range(50):
        contexts.choose(f"unknown{number}.example")
    assert len(contexts._made) <= 3
    assert len(contexts._keys) <= 6
    writer.publish(tls={certificate_key("demo", "7"): None})
    contexts.choose("7.example")
    assert certificate_key("demo", "7") not in contexts._made
    writer.close()

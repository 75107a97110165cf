"""The process `edge control`: how it starts, ends, dies and comes back."""

from __future__ import annotations

import ctypes
import json
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.system import draining
from edge.table.counters import WorkerCounters
from edge.table.reader import TableReader
from edge.table.records import DEFAULT_CERTIFICATE, TICKETS, Certificate, Host, ServicePort, TicketKeys
from edge.table.writer import TableWriter
from tests.support import objects
from tests.support.certificates import Pair, self_signed
from tests.support.crafted import attribute, by_hand, dns, names
from tests.support.edge import Edge, write
from tests.support.fakeapi import FakeAPI
from tests.support.waiting import eventually, free_port


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "manifests"
    made.mkdir()
    write(made, "web.yaml", objects.ingress_class(), objects.ingress(), objects.service())
    write(made, "endpoints.yaml", objects.endpoints("web", "10.0.0.1"))
    return made


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "table"


@pytest.fixture
def control(folder: Path, directory: Path) -> Iterator[Edge]:
    with Edge(folder, command="control", shm_dir=directory, ready=False) as edge:
        eventually(lambda: host(TableReader(directory)))
        yield edge


def host(reader: TableReader, name: str = "web.example") -> Host | None:
    reader.reopen()
    return reader.routes.get(name, Host)


def addresses(reader: TableReader) -> list[str]:
    reader.reopen()
    record = reader.endpoints.get("demo/web:80", ServicePort)
    return [one.address for one in record.endpoints] if record is not None else []


@pytest.mark.usefixtures("control")
def test_a_folder_is_followed(folder: Path, directory: Path) -> None:
    reader = TableReader(directory)
    routes = reader.routes.generation
    write(folder, "endpoints.yaml", objects.endpoints("web", "10.0.0.2"))
    eventually(lambda: addresses(reader) == ["10.0.0.2"])
    assert reader.routes.generation == routes
    (folder / "web.yaml").unlink()
    eventually(lambda: host(reader) is None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_when_told_to_and_leaves_the_table(control: Edge, directory: Path, number: signal.Signals) -> None:
    assert control.stop(number) == 0
    assert host(TableReader(directory)) is not None


def test_a_signal_that_does_not_wake_the_main_thread_is_seen(control: Edge) -> None:
    """As one that comes just before the main thread begins to wait."""
    assert control.process is not None
    process = control.process.pid
    other = next(int(one.name) for one in Path(f"/proc/{process}/task").iterdir() if one.name != str(process))
    send_to_thread(process, other, signal.SIGTERM)
    assert control.wait() == 0


def send_to_thread(process: int, thread: int, number: int) -> None:
    """As tgkill(2), which Python does not have."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.tgkill(process, thread, number):
        raise OSError(ctypes.get_errno(), "tgkill")


def test_the_next_one_goes_on_where_a_killed_one_was(control: Edge, folder: Path, directory: Path) -> None:
    reader = TableReader(directory)
    record = host(reader)
    certificate = reader.tls.get(DEFAULT_CERTIFICATE, Certificate)
    tickets = reader.tls.get(TICKETS, TicketKeys)
    control.stop(signal.SIGKILL)
    write(folder, "endpoints.yaml", objects.endpoints("web", "10.0.0.2"))
    control.start()
    eventually(lambda: addresses(reader) == ["10.0.0.2"])
    assert host(reader) is record
    assert reader.tls.get(DEFAULT_CERTIFICATE, Certificate) is certificate
    assert reader.tls.get(TICKETS, TicketKeys) is tickets
    assert reader.refusals == 0


def test_one_without_its_api_server_leaves_the_table_as_it_is(control: Edge, directory: Path, tmp_path: Path) -> None:
    control.stop(signal.SIGKILL)
    nobody = {"cluster": {"server": f"http://127.0.0.1:{free_port()}"}, "name": "x"}
    context = {"context": {"cluster": "x", "user": "x"}, "name": "x"}
    config = {"clusters": [nobody], "contexts": [context], "users": [{"name": "x", "user": {}}], "current-context": "x"}
    (tmp_path / "config").write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **config}))
    flags = (f"--kubeconfig={tmp_path / 'config'}", "--sync-timeout=0")
    reader = TableReader(directory)
    with Edge(None, *flags, command="control", shm_dir=directory, ready=False) as lonely:
        eventually(lambda: "refused" in lonely.log.lower())
        eventually(lambda: lonely.admin_get("/readyz").body.count(b"waiting for") > 3)
        assert host(reader) is not None
        assert reader.generation == 1
        assert lonely.stop() == 0


def test_a_cluster_is_followed_and_its_secrets_are_read(directory: Path, tmp_path: Path) -> None:
    with FakeAPI() as api:
        for one in (
            objects.ingress_class(),
            objects.namespace("demo"),
            objects.service(),
            objects.ingress(secret="tls"),
        ):
            api.apply(one)
        config = api.kubeconfig(tmp_path / "config")
        with Edge(None, f"--kubeconfig={config}", command="control", shm_dir=directory, ready=False) as edge:
            reader = TableReader(directory)
            eventually(lambda: host(reader), message=edge.log)
            api.apply(objects.endpoints("web", "10.0.0.9"))
            eventually(lambda: addresses(reader) == ["10.0.0.9"])
            assert edge.stop() == 0


def test_a_second_one_is_refused(control: Edge, folder: Path, directory: Path) -> None:
    with Edge(folder, command="control", shm_dir=directory, ready=False) as second:
        assert second.wait() == 1
        assert "another control plane publishes here" in second.log
    assert control.poll() is None


def test_without_a_cluster_or_manifests_it_says_what_to_give(directory: Path, tmp_path: Path) -> None:
    nowhere = {"KUBECONFIG": "", "HOME": str(tmp_path)}
    with Edge(None, command="control", shm_dir=directory, ready=False, environment=nowhere) as edge:
        assert edge.wait() == 2
        assert "--manifests" in edge.log


def test_an_admin_address_that_is_taken_is_told(folder: Path, directory: Path) -> None:
    edge = Edge(folder, command="control", shm_dir=directory, ready=False)
    with socket.create_server(("127.0.0.1", edge.admin)), edge:
        assert edge.wait() == 1
        assert "--admin" in edge.log or str(edge.admin) in edge.log


def test_problems_are_logged_when_they_appear_and_when_they_are_over(control: Edge, folder: Path) -> None:
    write(folder, "endpoints.yaml", objects.endpoints("web", "10.0.0.1", ready=False))
    line = "Ingress demo/web: spec.rules[0].http.paths[0].backend.service: Service demo/web has no ready endpoint"
    eventually(lambda: f"warning control[{control.pid}] {line}" in control.log)
    write(folder, "endpoints.yaml", objects.endpoints("web", "10.0.0.1"))
    eventually(lambda: "Ingress demo/web: resolved: " in control.log)


def test_it_outlives_a_proxy_that_drains(control: Edge, folder: Path, directory: Path) -> None:
    counters = WorkerCounters(directory)  # a worker
    draining.begin(directory)
    ended = threading.Thread(target=control.stop)
    ended.start()
    reader = TableReader(directory)
    for address in ("10.0.0.2", "10.0.0.3"):
        write(folder, "endpoints.yaml", objects.endpoints("web", address))
        eventually(lambda address=address: addresses(reader) == [address])  # type: ignore[misc]
    assert control.poll() is None
    counters.close()
    ended.join(40)
    assert control.poll() == 0


def test_the_directory_is_given_up_at_the_end(control: Edge, directory: Path) -> None:
    control.stop()
    TableWriter(directory).close()


ODD = by_hand(names(dns(b"web.example")), subject=attribute("55040a", 20, b"Caf\xe9"), serial=b"\x7f" * 5000)
"""Its subject has an organisation in Latin-1; its serial number has more digits than Python writes."""


@pytest.mark.parametrize("default", [False, True])
def test_a_certificate_that_no_library_would_make_is_shown_from_the_start_and_later(
    default: bool, folder: Path, directory: Path
) -> None:
    flags = ("--default-ssl-certificate=demo/tls",) if default else ()
    odd = objects.secret("tls", tls_crt=ODD.certificate, tls_key=ODD.key)
    write(folder, "secret.yaml", odd)
    write(folder, "tls.yaml", objects.ingress("tls", host="tls.example", secret="" if default else "tls"))
    key = DEFAULT_CERTIFICATE if default else "c:demo/tls"
    with Edge(folder, *flags, command="control", shm_dir=directory, ready=False) as edge:
        shown = eventually(lambda: certificate(directory, key, ODD))
        assert shown.serial == ""
        fresh = self_signed("web.example")
        write(folder, "secret.yaml", objects.secret("tls", tls_crt=fresh.certificate, tls_key=fresh.key))
        eventually(lambda: certificate(directory, key, fresh))
        write(folder, "secret.yaml", odd)
        eventually(lambda: certificate(directory, key, ODD))
        write(folder, "late.yaml", objects.ingress("late", host="late.example"))
        eventually(lambda: host(TableReader(directory), "late.example"))
        assert "internal error" not in edge.log


def certificate(directory: Path, key: str, pair: Pair) -> Certificate | None:
    found = TableReader(directory).tls.get(key, Certificate)
    return found if found is not None and found.chain == pair.certificate else None

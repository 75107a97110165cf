"""PostgreSQL and iperf3 behind TCP and UDP services."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.edge import WITH_US, Edge, write
from tests.support.services import needs, running, served, services
from tests.support.waiting import eventually, free_port

NEWEST = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/lib/postgresql"))
without_postgres = pytest.mark.skipif(
    not (NEWEST / "postgres").exists(), reason="not installed: PostgreSQL's server (make packages)"
)
AS_USER = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups") if os.geteuid() == 0 else ()
"""PostgreSQL refuses to run as root."""


def cluster(folder: Path, port: int) -> tuple[str, ...]:
    """The command of a new database server at PORT, whose data is below FOLDER."""
    data = folder / str(port)
    data.mkdir()
    if AS_USER:
        shutil.chown(data, "postgres", "postgres")
    made = [*AS_USER, str(NEWEST / "initdb"), "-D", str(data), "-A", "trust", "-U", "edge", "--no-sync"]
    subprocess.run(made, cwd="/", check=True, stdout=subprocess.DEVNULL)
    options = ("-c", "fsync=off", "-c", f"unix_socket_directories={data}", "-c", "listen_addresses=127.0.0.1")
    return (*AS_USER, str(NEWEST / "postgres"), "-D", str(data), "-p", str(port), *options)


def psql(port: int) -> list[str]:
    return [str(NEWEST / "psql"), "-qAtX", f"host=127.0.0.1 port={port} user=edge dbname=postgres sslmode=disable"]


def server_port(port: int) -> int:
    """The port of the server that answers at PORT; 0: none does."""
    done = subprocess.run([*psql(port), "-c", "show port"], capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else 0


@without_postgres
def test_postgres_while_its_endpoint_changes(tmp_path: Path) -> None:
    """A transaction goes on with the server that it began at; new connections have the new one."""
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:3]:
        parent.chmod(0o755)  # pytest's folders are for their owner alone
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    first, second, port = free_port(), free_port(), free_port()
    with ExitStack() as stack:
        for one in (first, second):
            stack.enter_context(running(*cluster(tmp_path, one), cwd=Path("/")))
            eventually(lambda one=one: server_port(one) == one)
        write(manifests, "db.yaml", *served("db", 5432, first))
        write(manifests, "tcp.yaml", services("tcp", {port: "demo/db:5432"}))
        stack.enter_context(Edge(manifests, "--tcp-services-configmap=demo/tcp", workers=2))
        eventually(lambda: server_port(port) == first)
        session = subprocess.Popen(
            [*WITH_US, *psql(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert session.stdin is not None
        assert session.stdout is not None
        session.stdin.write("begin; create table kept (n int); insert into kept values (1); show port;\n")
        assert int(session.stdout.readline()) == first
        write(manifests, "db.yaml", *served("db", 5432, second))
        eventually(lambda: server_port(port) == second)
        session.stdin.write("insert into kept select generate_series(2, 50000); commit; select count(*) from kept;\n")
        assert int(session.stdout.readline()) == 50000
        session.stdin.close()
        assert session.wait(40) == 0


@needs("iperf3")
@pytest.mark.parametrize("flags", [(), ("--reverse",), ("--udp", "--bitrate=5M", "--length=1200")], ids=str)
def test_iperf3(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """Bytes to the server and from it; datagrams, whose session is as long as the test."""
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    target, port = free_port(), free_port()
    amount = "2M" if flags and flags[0] == "--udp" else "200M"
    with running("iperf3", "--server", "--bind=127.0.0.1", f"--port={target}", cwd=tmp_path):
        write(manifests, "iperf.yaml", *served("tcp", 80, target), *served("udp", 80, target, protocol="UDP"))
        write(manifests, "maps.yaml", services("tcp", {port: "demo/tcp:80"}), services("udp", {port: "demo/udp:80"}))
        maps = ("--tcp-services-configmap=demo/tcp", "--udp-services-configmap=demo/udp")
        with Edge(manifests, *maps, "--proxy-stream-responses=1000000"):
            command = ["iperf3", "--client=127.0.0.1", f"--port={port}", "--json", f"--bytes={amount}", *flags]

            def measured() -> dict[str, float]:
                done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
                found = json.loads(done.stdout)
                return found["end"]["sum_received" if "--udp" not in flags else "sum"] if "error" not in found else {}

            found = eventually(measured, timeout=90)
    assert found["bytes"] > 0.5 * (int(amount[:-1]) << 20), "what is under way at the end is not counted"
    if "--udp" in flags:
        assert found["lost_percent"] < 50, "the endpoint got them; a busy machine loses some"

"""Processes that die, hang or are not there yet: what the others do meanwhile."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import Site
from tests.support.backends import Backend
from tests.support.clients import Client, head
from tests.support.edge import Edge, is_alive
from tests.support.load import Load, Responder
from tests.support.waiting import eventually, free_port


def test_a_killed_worker_is_replaced_and_loses_no_queued_connection(site: Site, backend: Backend) -> None:
    """A connection that it has not accepted is served by the next one."""
    site.serve("web", backend)
    with Edge(site.folder) as edge:
        (worker,) = edge.workers()
        edge.signal_to(worker, signal.SIGSTOP)
        with edge.connect() as queued:
            queued.send(head("/queued"))
            edge.signal_to(worker, signal.SIGKILL)
            assert queued.response().status == 200
        assert edge.workers() != [worker]


def test_a_stuck_worker_is_replaced(site: Site, backend: Backend) -> None:
    """After --worker-timeout without a sign of life, and its queue is not lost either."""
    site.serve("web", backend)
    with Edge(site.folder, "--worker-timeout=4") as edge:  # long enough for the next one to start on a busy machine
        (worker,) = edge.workers()
        edge.signal_to(worker, signal.SIGSTOP)
        with edge.connect() as queued:
            queued.send(head("/queued"))
            assert queued.response().status == 200
        eventually(lambda: not is_alive(worker))
        assert "WORKER TIMEOUT" in edge.log


def test_a_worker_that_is_stuck_from_its_start_is_replaced(site: Site, backend: Backend, tmp_path: Path) -> None:
    """Before its first sign of life, too, --worker-timeout holds."""
    site.serve("web", backend)
    mark = tmp_path / "stuck"
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal\n"
        "from pathlib import Path\n"
        "from gunicorn.workers.ggevent import GeventWorker\n"
        "notify = GeventWorker.notify\n"
        "def stop_first(self):\n"
        f"    mark = Path({str(mark)!r})\n"
        "    if not mark.exists():\n"
        "        mark.touch()\n"
        "        os.kill(os.getpid(), signal.SIGSTOP)\n"
        "    notify(self)\n"
        "GeventWorker.notify = stop_first\n"
    )
    with Edge(site.folder, "--worker-timeout=4", environment={"PYTHONPATH": str(tmp_path)}) as edge:
        assert edge.get("/").status == 200
        assert mark.exists()
        assert "WORKER TIMEOUT" in edge.log


def test_a_busy_worker_is_not_taken_for_a_stuck_one(site: Site, backend: Backend) -> None:
    """A request may take longer than --worker-timeout."""
    site.serve("web", backend)
    with Edge(site.folder, "--worker-timeout=4") as edge, edge.connect() as client:
        workers = edge.workers()
        client.send(head("/hold"))
        release = threading.Timer(6, backend.release.set)
        release.start()
        assert client.response().status == 200
        release.join()
        assert edge.workers() == workers


def test_workers_that_die_at_once_are_not_replaced_in_a_tight_loop(site: Site, tmp_path: Path) -> None:
    """The first few are; from then on there is a pause, which the log reports."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal\n"
        "from gunicorn.workers.base import Worker\n"
        "Worker.init_process = lambda self: os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with Edge(site.folder, ready=False, environment={"PYTHONPATH": str(tmp_path)}) as edge:
        eventually(lambda: edge.log.count("workers die repeatedly: the next one is started in 1 s") == 2)
        assert edge.log.count("Booting worker") <= 13
        assert edge.stop() == 0


def test_traffic_goes_on_while_the_control_plane_dies_and_comes_back(site: Site) -> None:
    """Twice; afterwards changes are obeyed again, and not before was any request disturbed."""
    with Responder("blue") as blue, Responder("green") as green:
        site.serve("web", blue)
        with Edge(site.folder) as edge, Load(edge.http) as load:
            for _ in range(2):
                load.more(200)
                killed = edge.control_pid
                edge.signal_to(killed, signal.SIGKILL)
                load.more(200)
                eventually(lambda killed=killed: edge.pids("control") not in ([], [killed]))
            site.endpoints("web", green)
            eventually(lambda: edge.get("/").get("x-backend") == "green")
            eventually(lambda: edge.admin_get("/readyz").status == 200)
            result = load.finish()
    assert not result.failures
    assert set(result.statuses) == {"200"}


def test_a_change_made_while_there_is_no_control_plane_is_seen_by_the_next(site: Site) -> None:
    """What is in the folder counts, not what an earlier life has seen of it."""
    with Responder("blue") as blue, Responder("green") as green:
        site.serve("web", blue)
        with Edge(site.folder) as edge:
            edge.signal_to(edge.control_pid, signal.SIGSTOP)
            site.endpoints("web", green)
            assert edge.get("/").get("x-backend") == "blue"
            edge.signal_to(edge.control_pid, signal.SIGKILL)
            eventually(lambda: edge.get("/").get("x-backend") == "green")


def test_the_death_of_the_master_is_the_end(site: Site, backend: Backend) -> None:
    """With its status, and nothing is left of it."""
    site.serve("web", backend)
    with Edge(site.folder, workers=2, shm_dir="") as edge:
        tree = edge.tree()
        edge.signal_to(edge.proxy_pid, signal.SIGKILL)
        assert edge.wait() == 137
        assert not [pid for pid in tree if is_alive(pid)]
        assert "the proxy was killed by SIGKILL" in edge.log


def test_nothing_survives_a_killed_launcher(site: Site, backend: Backend) -> None:
    """Control plane, master and workers end by themselves."""
    site.serve("web", backend)
    with Edge(site.folder, workers=2) as edge:
        tree = edge.tree()
        assert len(tree) == 5
        edge.stop(signal.SIGKILL)
        eventually(lambda: not [pid for pid in tree if is_alive(pid)])


def test_the_private_directory_goes_with_its_launcher(site: Site, backend: Backend) -> None:
    """Without --shm-dir there is one in /dev/shm for as long as Edge runs."""
    site.serve("web", backend)
    with Edge(site.folder, shm_dir="") as edge:
        directory = Path(_option(edge.proxy_pid, "--shm-dir"))
        assert directory.parent == Path("/dev/shm")
        assert directory.stat().st_mode & 0o777 == 0o700
        assert edge.stop() == 0
        assert not directory.exists()


def test_before_the_first_table_it_is_not_ready_and_answers_503(tmp_path: Path) -> None:
    """For instance because no API server can be reached; /readyz says what is missing."""
    config = tmp_path / "kubeconfig"
    server = f"http://127.0.0.1:{free_port()}"
    config.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
        f"clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
    )
    with Edge(None, f"--kubeconfig={config}", ready=False) as edge:
        eventually(lambda: _status(edge.http) == 503)
        eventually(lambda: _status(edge.admin, "/readyz") == 503)
        assert "Ingress" in edge.admin_get("/readyz").body.decode()
        assert edge.admin_get("/healthz").status == 200
        assert edge.stop() == 0


class TestTwoHalves:
    """`edge control` and `edge proxy` as two containers of a pod run them, sharing --shm-dir alone."""

    def test_they_make_one_edge(self, site: Site, backend: Backend, tmp_path: Path) -> None:
        """Whichever comes first."""
        site.serve("web", backend)
        shared = tmp_path / "shared"
        with Edge(None, command="proxy", shm_dir=shared) as proxy:
            assert proxy.get("/").status == 503
            with Edge(site.folder, command="control", shm_dir=shared) as control:
                assert proxy.get("/").status == 200
                proxy.signal(signal.SIGTERM)
                assert proxy.wait() == 0
                assert control.admin_get("/readyz").status == 503
                assert control.stop() == 0

    def test_the_table_outlives_both(self, site: Site, tmp_path: Path) -> None:
        """A proxy that starts while there is no control plane serves what the last one has published."""
        shared = tmp_path / "shared"
        with Responder("blue") as blue, Responder("green") as green:
            site.serve("web", blue)
            with Edge(site.folder, command="control", shm_dir=shared, ready=False) as control:
                with Edge(None, command="proxy", shm_dir=shared) as proxy:
                    eventually(lambda: proxy.get("/").get("x-backend") == "blue")
                control.stop(signal.SIGKILL)
            with Edge(None, command="proxy", shm_dir=shared) as proxy:
                assert proxy.get("/").get("x-backend") == "blue"
                site.endpoints("web", green)
                with Edge(site.folder, command="control", shm_dir=shared):
                    eventually(lambda: proxy.get("/").get("x-backend") == "green")

    def test_readiness_turns_false_before_the_proxy_drains(self, site: Site, backend: Backend, tmp_path: Path) -> None:
        """The mark is a file beside the table; the next proxy takes it away."""
        site.serve("web", backend)
        shared = tmp_path / "shared"
        with Edge(site.folder, command="control", shm_dir=shared, ready=False) as control:
            with Edge(None, "--pre-stop-delay=60", command="proxy", shm_dir=shared) as proxy:
                eventually(lambda: control.admin_get("/readyz").status == 200)
                proxy.signal(signal.SIGTERM)
                eventually(lambda: control.admin_get("/readyz").status == 503)
                assert proxy.get("/").status == 200
                assert proxy.stop() == 0
            with Edge(None, command="proxy", shm_dir=shared):
                eventually(lambda: control.admin_get("/readyz").status == 200)

    def test_a_second_control_plane_keeps_out(self, site: Site, backend: Backend, tmp_path: Path) -> None:
        """One writes a table; the other says so and ends."""
        site.serve("web", backend)
        shared = tmp_path / "shared"
        with (
            Edge(site.folder, command="control", shm_dir=shared, ready=False) as first,
            Edge(None, command="proxy", shm_dir=shared),
            Edge(site.folder, command="control", shm_dir=shared, ready=False) as second,
        ):
            first.wait_ready()
            assert second.wait() == 1
            assert "another control plane publishes here" in second.log

    def test_a_whole_second_instance_keeps_out_and_harms_nobody(
        self, site: Site, backend: Backend, tmp_path: Path
    ) -> None:
        """Its proxy, which serves the same table for a moment, does not say that the first one ends."""
        site.serve("web", backend)
        shared = tmp_path / "shared"
        with (
            Edge(site.folder, shm_dir=shared) as first,
            Edge(site.folder, shm_dir=shared, ready=False) as second,
        ):
            assert second.wait() == 1
            assert "another control plane publishes here" in second.log
            assert first.admin_get("/readyz").status == 200
            assert first.get("/").status == 200

    def test_of_two_proxies_the_last_one_says_that_it_ends(self, site: Site, backend: Backend, tmp_path: Path) -> None:
        """Until then the instance is ready."""
        site.serve("web", backend)
        shared = tmp_path / "shared"
        with (
            Edge(site.folder, command="control", shm_dir=shared, ready=False) as control,
            Edge(None, command="proxy", shm_dir=shared) as first,
            Edge(None, command="proxy", shm_dir=shared) as second,
        ):
            control.wait_ready()
            assert first.stop() == 0
            assert control.admin_get("/readyz").status == 200
            assert second.get("/").status == 200
            assert second.stop() == 0
            assert b"draining" in control.admin_get("/readyz").body


def _status(port: int, target: str = "/") -> int:
    try:
        with Client(port) as client:
            return client.request(target).status
    except OSError:
        return 0


def _option(pid: int, name: str) -> str:
    arguments = Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ").split()
    return next(one.partition("=")[2] for one in arguments if one.startswith(name + "="))


NOBODY = (
    "env",
    "--chdir=/",
    "setpriv",
    "--reuid=65532",
    "--regid=65532",
    "--clear-groups",
    "sh",
    "-c",
    'exec "$@"',
    "-",
)
"""The shell in the middle has none of root's capabilities left to hand on."""


def becomes_nobody() -> bool:
    """Whether we may become somebody else, who may run the interpreter."""
    done = subprocess.run([*NOBODY, sys.executable, "-P", "-c", "import edge"], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.skipif(not becomes_nobody(), reason="no other user may run this interpreter")
def test_it_runs_as_nobody_in_a_folder_that_it_cannot_write(site: Site, backend: Backend, tmp_path: Path) -> None:
    """As in a container: no home, no name, nothing to write but the table's directory."""
    site.serve("web", backend)
    shared = tmp_path / "shared"
    shared.mkdir()
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)
    os.chown(shared, 65532, 65532)
    with Edge(site.folder, shm_dir=shared, prefix=NOBODY) as edge:
        assert edge.get("/").status == 200
        assert {path.stat().st_uid for path in shared.iterdir()} == {65532}
        assert edge.stop() == 0


def _spoil(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


@pytest.mark.parametrize("harm", [Path.unlink, _spoil])
def test_a_table_that_somebody_has_damaged_is_made_anew(
    site: Site, backend: Backend, harm: Callable[[Path], None]
) -> None:
    """By a new control plane; a worker that has seen nothing else yet serves again."""
    site.serve("web", backend)
    with Edge(site.folder) as edge:
        for path in edge.shm_dir.glob("*.[0-9]"):
            if not path.name.startswith("worker"):
                harm(path)
        edge.signal_to(edge.workers()[0], signal.SIGKILL)
        eventually(lambda: "another process has damaged the table" in edge.log)
        eventually(lambda: _status(edge.http) == 200)
        eventually(lambda: _status(edge.admin, "/readyz") == 200)


def test_what_is_removed_as_a_whole_comes_back(site: Site, backend: Backend) -> None:
    """systemd does so with the shared memory of a user who logs out (logind.conf(5), RemoveIPC); traffic goes on."""
    site.serve("web", backend)
    with Edge(site.folder) as edge, edge.connect() as client:
        assert client.request("/").status == 200
        before = edge.workers()
        shutil.rmtree(edge.shm_dir)
        assert client.request("/").status == 200
        eventually(lambda: edge.workers() and not set(before) & set(edge.workers()))
        eventually(lambda: _status(edge.admin, "/readyz") == 200)
        assert edge.get("/").status == 200


def test_it_needs_no_standard_streams(site: Site, backend: Backend) -> None:
    """Some supervisors close them; what is opened later must not take their place."""
    site.serve("web", backend)
    with Edge(site.folder, prefix=("sh", "-c", 'exec "$@" <&- >&- 2>&-', "-")) as edge:
        assert edge.get("/").status == 200
        for pid in (edge.pid, edge.control_pid, edge.proxy_pid):
            assert [str(Path(f"/proc/{pid}/fd/{number}").readlink()) for number in range(3)] == ["/dev/null"] * 3
        assert edge.stop() == 0

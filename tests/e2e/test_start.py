"""What the processes of `edge run` have of each other."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from tests.e2e.conftest import Site
from tests.support.backends import Backend
from tests.support.edge import Edge
from tests.support.waiting import eventually


def descriptors(pid: int) -> set[str]:
    """What the descriptors of PID lead to."""
    return {str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir()}


def test_only_the_launcher_holds_the_lock_and_only_the_proxy_its_sockets(site: Site, backend: Backend) -> None:
    """Nothing that one opens comes to another, and the admin port is no business of the proxy's."""
    site.serve("web", backend)
    with Edge(site.folder, shm_dir="") as edge:
        launcher, control, proxy = edge.tree()[0], edge.control_pid, edge.proxy_pid
        holders = [pid for pid in edge.tree() if any(path.endswith("launcher.lock") for path in descriptors(pid))]
        assert holders == [launcher]
        sockets = {pid: {one for one in descriptors(pid) if one.startswith("socket:")} for pid in edge.tree()}
        assert not sockets[launcher]
        assert sockets[control]
        assert sockets[proxy]
        assert not sockets[control] & (sockets[proxy] | sockets[edge.workers()[0]])


def test_control_plane_and_proxy_share_memory_and_the_launcher_is_small(site: Site, backend: Backend) -> None:
    """They have pages in common that were written before they were forked; the launcher has let go of them."""
    site.serve("web", backend)
    with Edge(site.folder) as edge:
        shared = re.search(r"^Shared_Dirty:\s+(\d+)", Path(f"/proc/{edge.control_pid}/smaps_rollup").read_text(), re.M)
        assert shared is not None
        assert int(shared[1]) > 1024
        launcher = Path(f"/proc/{edge.tree()[0]}/maps").read_text()
        assert "libpython" in launcher or "python" in launcher
        assert "msgspec" not in launcher


def test_the_next_control_plane_is_a_program_of_its_own(site: Site, backend: Backend) -> None:
    """It is started by the launcher, serves the same table, and holds neither lock nor sockets of others."""
    site.serve("web", backend)
    with Edge(site.folder, shm_dir="") as edge:
        first = edge.control_pid
        edge.signal_to(first, signal.SIGKILL)
        second = eventually(lambda: next((pid for pid in edge.pids("control") if pid != first), 0))
        edge.wait_ready()
        assert not any(path.endswith("launcher.lock") for path in descriptors(second))
        assert edge.get("/").status == 200
        assert edge.stop() == 0

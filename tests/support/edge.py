"""A real Edge for a test: `edge run`, `edge control` or `edge proxy` on ports of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import yaml

from tests.support.clients import BrokenError, Client, Response, get
from tests.support.waiting import eventually, free_port

if TYPE_CHECKING:
    from collections.abc import Iterable
from itertools import pairwise

Manifest = dict[str, Any]

_SETPRIV = shutil.which("setpriv")
WITH_US = (_SETPRIV, "--pdeathsig", "TERM") if _SETPRIV else ()
"""Has the kernel end what is started when the thread that has started it ends, be it killed."""
STARTED: set[int] = set()
"""Sessions of the trees that this process has started and not closed, by process id of the first process."""


def write(folder: Path, name: str, *objects: Manifest) -> Path:
    """Put OBJECTS into the file NAME of FOLDER as an editor that is careful does: whole, at once."""
    path = folder / name
    temporary = folder / f".{name}.new"
    temporary.write_text(
        "---\n".join(json.dumps(one) + "\n" if len(objects) > 100 else yaml.safe_dump(one) for one in objects)
    )
    temporary.rename(path)
    return path


class Edge:
    """One process tree; a context manager that starts it, waits until it is ready, and stops it.

    MANIFESTS: folder or file to serve; FLAGS: further flags of the command line; COMMAND: run, control or proxy.
    SHM_DIR: default: a fresh one in /dev/shm that goes with the object; "": the launcher's own.
    HTTP and HTTPS may be given to take up the ports of another one. PREFIX: a command that ends by executing the rest.
    """

    def __init__(
        self,
        manifests: Path | None = None,
        *flags: str,
        command: str = "run",
        workers: int | str = 1,
        shm_dir: Path | str | None = None,
        http: int = 0,
        https: int = 0,
        environment: dict[str, str] | None = None,
        ready: bool = True,
        prefix: Iterable[str] = (),
    ) -> None:
        self.command = command
        self.http = http or free_port()
        self.https = https or free_port()
        self.admin = free_port()
        self._own_directory = shm_dir is None
        self.shm_dir = fresh_directory(self, "edge", Path("/dev/shm")) if shm_dir is None else Path(shm_dir)
        self._given_directory = str(shm_dir) if shm_dir is not None else str(self.shm_dir)
        self._folder = fresh_directory(self, "edge-logs")
        self._arguments = [
            *WITH_US,
            *prefix,
            sys.executable,
            "-m",
            "edge",
            command,
            *self._flags(manifests, workers),
            *flags,
        ]
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("EDGE_")} | (
            environment or {}
        )
        self._wait_for_ready = ready
        self.process: subprocess.Popen[bytes] | None = None

    def _flags(self, manifests: Path | None, workers: int | str) -> Iterable[str]:
        if self._given_directory:
            yield f"--shm-dir={self._given_directory}"
        if self.command in ("run", "proxy"):
            yield from (f"--http=127.0.0.1:{self.http}", f"--https=127.0.0.1:{self.https}", f"--workers={workers}")
        if self.command in ("run", "control"):
            yield f"--admin=127.0.0.1:{self.admin}"
            if manifests is not None:
                yield f"--manifests={manifests}"

    # --- life ---

    def __enter__(self) -> Self:
        try:
            self.start()
            if self._wait_for_ready:
                self.wait_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the process; logs of an earlier start are kept and added to."""
        with (self._folder / "out").open("ab") as out, (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self._arguments,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        STARTED.add(self.process.pid)

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Wait until it serves: /readyz, or for a proxy alone that its port answers."""
        eventually(self._ready, timeout=timeout, message=f"edge {self.command} did not get ready in {timeout:g} s")

    def _ready(self) -> bool:
        if self.pid and self.poll() is not None:
            raise RuntimeError(f"edge {self.command} ended with status {self.poll()}:\n{self.log}")
        try:
            if self.command != "proxy" and get(self.admin, "/readyz").status != 200:
                return False
            if self.command != "control":
                Client(self.http).close()
                return _is_listening(self.https)  # which is opened after that of HTTP
        except (OSError, BrokenError):
            return False
        return True

    def stop(self, number: int = signal.SIGTERM, timeout: float = 60.0) -> int:
        """Send the signal NUMBER and wait for the end; gives the exit status (negative: killed by that signal)."""
        assert self.process is not None
        self.signal(number)
        return self.wait(timeout)

    def wait(self, timeout: float = 60.0) -> int:
        """Wait for the end; gives the exit status."""
        assert self.process is not None
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"edge {self.command} did not end within {timeout:g} s:\n{self.log}") from None

    def signal(self, number: int) -> None:
        """Send the signal NUMBER to the first process."""
        assert self.process is not None
        self.process.send_signal(number)

    def poll(self) -> int | None:
        """The exit status, None while it runs."""
        assert self.process is not None
        return self.process.poll()

    def close(self) -> None:
        """End it, without a wait for what it does, and remove its files. A test of how Edge ends uses `stop`."""
        if self.process is not None:
            if self.process.poll() is None and not self._given_directory:  # its own, which it removes
                self.process.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(5)
            # Not by way of parents: who was left over by a dead one has another.
            while left := members(self.process.pid):
                for pid in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self.process.poll()
                time.sleep(0.01)
            self.process.wait()
            STARTED.discard(self.process.pid)
        if self._own_directory:
            shutil.rmtree(self.shm_dir, ignore_errors=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    # --- a look inside ---

    @property
    def pid(self) -> int:
        """Of the first process; 0 before the start."""
        return self.process.pid if self.process is not None else 0

    def tree(self) -> list[int]:
        """All its processes, parents first."""
        return descendants(self.pid)

    def pids(self, command: str) -> list[int]:
        """Processes whose command line runs `edge COMMAND`; workers have the proxy's."""
        return [pid for pid in self.tree() if ("edge", command) in pairwise(_command_line(pid)[:6])]

    @property
    def control_pid(self) -> int:
        """Of the control plane."""
        found = self.pids("control")
        assert found, "no control plane is running"
        return found[0]

    @property
    def proxy_pid(self) -> int:
        """Of the arbiter."""
        found = self.pids("proxy")
        assert found, "no proxy is running"
        return found[0]

    def masters(self) -> list[int]:
        """Arbiters: one, or two after SIGUSR2."""
        proxies = self.pids("proxy")
        return [pid for pid in proxies if pid == self.pid or _parent(pid) not in proxies or _began_anew(pid)]

    def workers(self, master: int = 0) -> list[int]:
        """Workers of the arbiter MASTER (default: the first)."""
        return [pid for pid in children(master or self.proxy_pid) if not _began_anew(pid)]

    def signal_to(self, pid: int, number: int) -> None:
        """Send the signal NUMBER to PID, which must be of this tree."""
        assert pid in self.tree()
        os.kill(pid, number)

    @property
    def log(self) -> str:
        """Everything on standard error so far."""
        path = self._folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    @property
    def output(self) -> str:
        """Everything on standard output so far: the access log."""
        path = self._folder / "out"
        return path.read_text(errors="replace") if path.exists() else ""

    # --- requests ---

    def get(self, target: str = "/", **rest: Any) -> Response:
        """One request over plain HTTP on a connection of its own; see `clients.get`."""
        return get(self.http, target, **rest)

    def connect(self, **rest: Any) -> Client:
        """A connection to the plain port, or with `tls=` to the TLS port."""
        return Client(self.https if rest.get("tls") is not None else self.http, **rest)

    def admin_get(self, target: str, **rest: Any) -> Response:
        """One request to the admin server."""
        return get(self.admin, target, host="admin", **rest)


def fresh_directory(owner: object, purpose: str, base: Path | None = None) -> Path:
    """A directory that goes with OWNER at the latest, or with this process; PURPOSE shows in its name."""
    made = Path(tempfile.mkdtemp(prefix=f"test-{purpose}-{os.getpid()}-", dir=base))
    weakref.finalize(owner, shutil.rmtree, made, ignore_errors=True)
    return made


def members(session: int) -> list[int]:
    """The living processes of SESSION: all processes of a tree, also those whose parent has ended."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if os.getsid(int(entry.name)) == session and is_alive(int(entry.name)):
                    found.append(int(entry.name))
    return found


def children(pid: int) -> list[int]:
    """The living children of PID."""
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return [child for child in found if is_alive(child)]


def descendants(pid: int) -> list[int]:
    """PID and the processes below it, parents first."""
    return [pid, *(found for child in children(pid) for found in descendants(child))]


def is_alive(pid: int) -> bool:
    """Whether the process PID runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def _began_anew(pid: int) -> bool:
    """Whether PID runs a program of its own start, not its parent's: an arbiter that another one has started."""
    try:
        own, parents = (Path(f"/proc/{one}/environ").read_bytes() for one in (pid, _parent(pid)))
    except OSError:
        return False
    return b"GUNICORN_PID=" in own and own != parents


def _is_listening(port: int) -> bool:
    """Whether connections to PORT of 127.0.0.1 are accepted, found without one that Edge would count (proc(5))."""
    return f"0100007F:{port:04X} 00000000:0000 0A" in Path("/proc/net/tcp").read_text()


def _command_line(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ").split()
    except OSError:
        return []

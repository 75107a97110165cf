"""The proxy: gunicorn with Edge's worker.

Rules of this file:
- gunicorn supplies processes and their signals: TERM drains, QUIT and INT stop at once, HUP replaces the workers,
  TTIN/TTOU add and drain one, USR2 passes the sockets to a new arbiter. Its HTTP, its configuration files and its
  control socket are not used.
- The configuration comes from `Settings`, and is not read again at a reload.
- Workers that are stopping are not counted. They may use their full grace period, and delay neither their replacements
  nor signals.
- The order of the listening sockets determines which of them speak TLS; an arbiter that takes over the sockets gets the
  same order.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gunicorn import sock as gunicorn_sock
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from edge.data.observe import tracing
from edge.data.process.handover import Handover
from edge.data.process.sockets import listen
from edge.data.process.succession import PAUSE, Succession
from edge.data.process.worker import EdgeWorker
from edge.system import addresses, draining, prctl, processors
from edge.table.counter_layout import WORKER_NAME
from edge.table.parameters import PARAMETERS, Parameters
from edge.table.reader import TableReader, UnreadableError

if TYPE_CHECKING:
    from edge.settings import Settings

SCHEMES = "GUNICORN_SCHEMES"
"""Variable beside gunicorn's GUNICORN_FD: `http` or `https` for each descriptor, comma separated."""
LISTENING = "EDGE_LISTENING_FD"
"""Variable with the result of `Handover.inherit`."""
LISTENERS_STEP = 0.2
"""Seconds between two checks for changed listeners, if there are any."""
RESIZE = 2.0
"""Seconds between two checks of the CPU limit with `--workers auto`, and of the files of the workers."""
KILL_MARGIN = 2.0
"""Seconds that a worker gets beyond the grace before it is killed."""


def run(settings: Settings) -> int:
    """Serve until a signal stops us; returns the exit status.

    Raises:
        ListenError: an address cannot be listened on.
        OptionError: tracing is enabled but not installed.
    """
    tracing.check(settings)
    try:
        EdgeArbiter(EdgeApplication(settings)).run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


class EdgeLogger(Logger):  # type: ignore[misc]  # gunicorn is untyped
    """gunicorn's messages, through the logging that Edge has set up."""

    def setup(self, cfg: Any) -> None:
        """Leave handlers and levels alone."""
        self.cfg = cfg
        self.error_log.propagate = True

    def info(self, msg: str, *arguments: Any, **named: Any) -> None:
        """As in gunicorn, without its list of addresses, which shows all of them as http. `EdgeArbiter` logs them."""
        if not msg.startswith("Listening at"):
            super().info(msg, *arguments, **named)

    def reopen_files(self) -> None:
        """There are none."""

    def close_on_exec(self) -> None:
        """There is nothing to close."""


class EdgeApplication(BaseApplication):  # type: ignore[misc]  # gunicorn is untyped
    """The configuration, as gunicorn and its workers read it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.secure: list[bool] = []
        """Whether a listening socket speaks TLS, in the order of the sockets."""
        self.handover = Handover(settings.table_directory)
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        settings = self.settings
        values = {
            "worker_class": EdgeWorker,
            "workers": wanted_workers(settings),
            "timeout": settings.worker_timeout,
            "graceful_timeout": longest_grace(settings),
            "worker_tmp_dir": settings.shm_dir,
            "control_socket_disable": True,
            "logger_class": EdgeLogger,
            "proc_name": "edge",
            "bind": [],
        }
        for name, value in values.items():
            self.cfg.set(name, value)

    def load(self) -> None:
        """There is no WSGI application."""


def longest_grace(settings: Settings) -> int:
    """Seconds after which workers that end are killed."""
    return max(1, int(max(settings.shutdown_grace, settings.tunnel_grace) + KILL_MARGIN))


def in_force(settings: Settings) -> Settings:
    """SETTINGS as the table has them."""
    with suppress(UnreadableError):
        parameters = TableReader(settings.table_directory).routes.get(PARAMETERS, Parameters)
        if parameters is not None:
            return parameters.over(settings)
    return settings


def wanted_workers(settings: Settings) -> int:
    """Number of workers by `--workers`."""
    return processors.available() if settings.workers == "auto" else int(settings.workers)


class EdgeArbiter(Arbiter):  # type: ignore[misc]  # gunicorn is untyped
    """The arbiter process."""

    def __init__(self, app: EdgeApplication) -> None:
        super().__init__(app)
        self._settings = app.settings
        self._handover = app.handover
        self._looked = time.monotonic()
        self.num_workers: int
        self._available = self.num_workers
        self._stop_at = 0.0
        self._succession = Succession()
        self._stopping: set[int] = set()
        """Workers that were asked to stop."""
        self._presence: draining.Presence | None = None
        self._known: frozenset[int] = frozenset()
        """The workers at the last check."""
        # `python -m edge` shows up in sys.argv as a path, which would put the package's folder on the module path.
        self.START_CTX: dict[Any, Any] = {
            "args": [sys.executable, "-P", "-m", "edge", *sys.argv[1:]],
            "cwd": self.START_CTX["cwd"],
            0: sys.executable,
        }

    def start(self) -> None:
        """Open or inherit the listening sockets, and prepare for workers."""
        inherited = os.environ.pop(SCHEMES, "")
        if not inherited:
            opened = listen(self._settings)
            schemes = ["https" if tls else "http" for _, tls in opened]
            self.LISTENERS = gunicorn_sock.create_sockets(self.cfg, self.log, [one.detach() for one, _ in opened])
            draining.clear(self._settings.table_directory)
        else:
            schemes = inherited.split(",")
        self._presence = draining.Presence(self._settings.table_directory)
        self.app.secure[:] = [scheme == "https" for scheme in schemes]
        self.cfg.env_orig[SCHEMES] = ",".join(schemes)
        self._handover.start((addresses.of(one.getsockname()) for one in self.LISTENERS), os.environ.pop(LISTENING, ""))
        super().start()
        # Workers share the pages of objects from before the fork, as long as the collector does not write to them.
        gc.collect()
        gc.freeze()
        for listener, scheme in zip(self.LISTENERS, schemes, strict=True):
            self.log.info("listening on %s://%s", scheme, addresses.of(listener.getsockname()))

    def spawn_worker(self) -> int:
        """Start a worker."""
        pid: int = super().spawn_worker()
        self._handover.forked()
        return pid

    def wait_for_signals(self, timeout: float = 1.0) -> list[int]:
        """The signals that have arrived; waits for the first."""
        found: list[int] = super().wait_for_signals(timeout=LISTENERS_STEP if self._handover.used else timeout)
        return found

    def reexec(self) -> None:
        """SIGUSR2: start a new arbiter, with the sockets of this one."""
        self.cfg.env_orig[LISTENING] = self._handover.inherit()
        super().reexec()

    def stop(self, graceful: bool = True) -> None:
        """Close the sockets and stop the workers."""
        self._handover.close()
        self.cfg.set("graceful_timeout", longest_grace(in_force(self._settings)))
        super().stop(graceful)

    def maybe_promote_master(self) -> None:
        """Become the proxy of the launcher when the old arbiter has ended, and stop with the launcher as that one
        did."""
        successor = self.master_pid != 0
        super().maybe_promote_master()
        if successor and self.master_pid == 0:
            prctl.die_with_parent(signal.SIGTERM)

    def handle_term(self) -> None:
        """SIGTERM: report that we drain, go on for `--pre-stop-delay`, then drain. A second one skips the delay."""
        if self.reexec_pid or self._stop_at or not self._settings.pre_stop_delay:
            self._end()
        self._mark()
        self._stop_at = time.monotonic() + self._settings.pre_stop_delay

    def _end(self) -> None:
        if not self.reexec_pid:  # otherwise a new arbiter serves the same sockets
            self._mark()
        raise StopIteration

    def _mark(self) -> None:
        """Report once that the proxy stops, unless another one serves the same table."""
        presence, self._presence = self._presence, None
        if presence is not None and presence.end():
            draining.begin(self._settings.table_directory)

    def reload(self) -> None:
        """SIGHUP: start a new worker for each old one, and let the old ones finish their requests."""
        old = self._staying()
        self.num_workers = self._available = wanted_workers(self._settings)
        for _ in range(self.num_workers):
            self.spawn_worker()
        for pid in old:
            self.kill_worker(pid, signal.SIGTERM)

    def _staying(self) -> list[int]:
        """Workers that were not asked to stop, the oldest first. The others may take long to finish their requests."""
        ages = sorted((worker.age, pid) for pid, worker in self.WORKERS.items())
        return [pid for _, pid in ages if pid not in self._stopping]

    def kill_worker(self, pid: int, sig: int) -> None:
        """Send SIG to a worker; its end after SIGTERM does not count as a death."""
        if sig == signal.SIGTERM:
            self._stopping.add(pid)
        super().kill_worker(pid, sig)

    def reap_workers(self) -> None:
        """Note workers that have died by themselves."""
        before = set(self.WORKERS)
        super().reap_workers()
        dead = before.difference(self.WORKERS)
        if died := dead - self._stopping:
            self._succession.died(len(died))
            if self._succession.hurried:
                self.log.error("workers die repeatedly: the next one is started in %g s", PAUSE)
        self._stopping.intersection_update(self.WORKERS)

    def manage_workers(self) -> None:
        """Keep the number of workers, and adjust it to the CPU limit if that is configured."""
        if self._stop_at and time.monotonic() >= self._stop_at:
            self._end()
        if time.monotonic() - self._looked >= RESIZE:
            self._looked = time.monotonic()
            self._look_around()
        staying = self._staying()
        if len(staying) < self.num_workers and self._succession.due:
            for _ in range(self.num_workers - len(staying)):
                self.spawn_worker()
        for pid in staying[: -self.num_workers]:
            self.kill_worker(pid, signal.SIGTERM)
        ages = {pid: worker.age for pid, worker in self.WORKERS.items()}
        self._handover.follow(ages.values(), [age for pid, age in ages.items() if pid not in self._stopping])

    def _look_around(self) -> None:
        """Check the CPU limit and the files of the workers."""
        if self._settings.workers == "auto":
            available = wanted_workers(self._settings)
            if available != self._available:
                # The workers that TTIN and TTOU have added or removed stay so.
                self.num_workers = max(1, self.num_workers + available - self._available)
                self.log.info("%d processors available, now %d workers", available, self.num_workers)
                self._available = available
        if self._have_lost_counters():
            self.log.error("the files of the workers' counters were removed: replacing the workers")
            self.handle_hup()

    def _have_lost_counters(self) -> bool:
        """Whether the counter files of all workers are removed, and there is a table for new workers."""
        directory = self._settings.table_directory
        before, self._known = self._known, frozenset(self.WORKERS)
        if before != self._known or any(directory.glob(WORKER_NAME + "*")):
            return False
        return TableReader(directory).generation > 0

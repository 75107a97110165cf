"""The first process of `edge run`, after it has started control plane and proxy.

Rules of this file:
- The launcher can be process 1 of a container: it passes signals on, reaps orphans and exits with the status of the
  proxy.
- When the proxy ends, everything ends. The launcher does not restart it: that is up to the container runtime or service
  manager, which also detects repeated failures.
- The control plane may die: it is restarted with growing delays, while traffic is served by the last table. Only if it
  cannot start at all (its address is in use, a flag is wrong) everything ends with its status.
- The proxy drains (`edge.system.draining`, `--pre-stop-delay`), so that two containers stop in the same way as one
  tree.
- The launcher waits for signals and has no handlers: there is one thread, and no handler runs between two of its lines.
- It is a program of its own, which `edge.start` executes, because it runs as long as the container: the modules of the
  command line and of the children would take four times the memory. So it imports little, and the rest on demand.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False  # as typing's, which is large
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterator, Sequence
else:
    import _signal as signal  # the enums of `signal` would take a quarter of the memory of this process

ENDING = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
OTHERS = frozenset({signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU})
"""Signals that are passed to the proxy, beside those that end it."""
WAITED = ENDING | OTHERS | {signal.SIGCHLD}

FIRST_START = 10.0
"""A control plane that ends within so many seconds counts as one that cannot start."""
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 10.0
"""Seconds between the death of a control plane and the next one: that follows at once the first time, then after
FIRST_PAUSE, then doubling."""
GOOD_LIFE = 60.0
"""Seconds after which earlier deaths of control planes no longer count."""
CONTROL_GRACE = 15.0
"""Seconds for the control plane to clean up (status, Lease) after the proxy has ended."""
ORPHAN_GRACE = 3.0
"""Seconds for remaining processes to end by themselves."""


def command(*, control: int, proxy: int, directory: str, lock: int, log: tuple[str, str]) -> list[str]:
    """The command line of a launcher of the processes CONTROL and PROXY; append that of the next control plane.

    It removes DIRECTORY, if any, and closes the descriptor LOCK at its end. LOG: `--log-format` and `--log-level`.
    """
    # -P: as for the command `edge` itself, the current folder is no place for modules. -S: packages are not needed.
    numbers = (str(number) for number in (control, proxy, lock))
    program = os.path.join(os.path.dirname(__file__), "launcher_main.py")
    return [sys.executable, "-P", "-S", program, *numbers, directory, *log]


def main(arguments: Sequence[str]) -> int:
    """Run the launcher of `command`; returns the exit status, see `edge.cli`."""
    control, proxy, lock = (int(number) for number in arguments[:3])
    directory, log_format, log_level, *next_control = arguments[3:]
    if directory:
        os.set_inheritable(lock, False)
    log = Log(log_format, log_level)
    try:
        return Launcher(control=control, proxy=proxy, next_control=lambda: _execute(next_control), log=log).run()
    finally:
        if directory:
            import shutil  # noqa: PLC0415

            shutil.rmtree(directory, ignore_errors=True)


def _execute(words: list[str]) -> int:
    try:
        os.execv(words[0], words)  # noqa: S606 - no shell is wanted
    except OSError as error:
        os.write(2, f"edge: cannot start {words[0]}: {error}\n".encode())
    return 127


class Log:
    """Log lines, for which logging and the settings are imported when there is one."""

    def __init__(self, log_format: str, log_level: str) -> None:
        self._format = log_format
        self._level = log_level

    def __call__(self, level: str, message: str, *values: object) -> None:
        """Log MESSAGE with VALUES."""
        import logging  # noqa: PLC0415

        from edge.settings import Settings  # noqa: PLC0415
        from edge.system import logs  # noqa: PLC0415

        if not logging.getLogger().handlers:
            logs.configure(Settings(log_format=self._format, log_level=self._level), process="launcher")
        getattr(logging.getLogger("edge.launcher"), level)(message, *values)


def spawn(program: Callable[[], int]) -> int:
    """The process id of a child that runs PROGRAM, which returns its exit status; WAITED: signals that are blocked
    here."""
    launcher = os.getpid()
    if pid := os.fork():
        return pid
    status = 1
    try:
        from edge.system import prctl  # noqa: PLC0415

        # A group of its own: what a terminal sends (Ctrl-C) comes to us, and we decide.
        os.setpgid(0, 0)
        prctl.die_with_parent(signal.SIGTERM)
        if os.getppid() != launcher:
            os._exit(1)
        for number in OTHERS:  # until it has come to handle them, they shall not kill or stop it
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        status = program()
    finally:
        os._exit(status)  # a forked child must not return into the launcher


class Launcher:
    """Supervises two children."""

    def __init__(self, *, control: int, proxy: int, next_control: Callable[[], int], log: Log) -> None:
        """CONTROL and PROXY: process ids of children; NEXT_CONTROL: runs a new control plane in a child."""
        self._control = control
        """Process id; 0: none is running."""
        self._next_control = next_control
        self._control_started = time.monotonic()
        self._control_due = 0.0
        """When to start the next control plane, CLOCK_MONOTONIC; 0: one is running."""
        self._deaths = 0
        """Control planes that have died in a row."""
        self._proxy = proxy
        self._log = log
        self._ending: int | None = None
        """The signal that stops us."""
        self._status: int | None = None
        """The exit status, once that is known."""

    def run(self) -> int:
        """Supervise both until the end; returns the exit status."""
        while self._status is None:
            self._step()
        self._end_all()
        return self._status

    # --- steps ----------------------------------------------------------------------------------------------------

    def _step(self) -> None:
        """Wait for a signal or for the time to start a control plane, and act."""
        number = _wait(max(0.0, self._control_due - time.monotonic()) if self._control_due else None)
        if number == signal.SIGCHLD:
            for pid, status in _reap():
                self._ended(pid, status)
        elif number is not None:
            self._pass_on(number)
        if self._control_due and time.monotonic() >= self._control_due and self._status is None:
            self._start_control()

    def _pass_on(self, number: int) -> None:
        if number in ENDING:
            self._log("info", "stopping on %s", _name(number))
            self._ending = number
        _send(self._proxy, number)

    def _ended(self, pid: int, status: int) -> None:
        if pid == self._control:
            self._control = 0
            self._control_ended(status)
        elif pid == self._proxy:
            self._proxy_ended(status)

    # --- the proxy ------------------------------------------------------------------------------------------------

    def _proxy_ended(self, status: int) -> None:
        if successor := _successor(self._proxy):
            self._log("info", "the proxy, process %d, was replaced by process %d", self._proxy, successor)
            self._proxy = successor
            if self._ending is not None:
                _send(successor, self._ending)
        elif self._ending is not None and status in (0, 128 + self._ending):
            # Killed by the signal, for which it had no handler yet.
            self._status = 0
        else:
            self._status = status
            self._log("error", "the proxy %s; ending", _described(status))
        if not successor:
            self._proxy = 0

    # --- the control plane ----------------------------------------------------------------------------------------

    def _start_control(self) -> None:
        self._control_due = 0.0
        self._control_started = time.monotonic()
        self._control = spawn(self._next_control)
        self._log("info", "started the control plane, process %d", self._control)

    def _control_ended(self, status: int) -> None:
        if self._status is not None or self._ending is not None:
            return
        lived = time.monotonic() - self._control_started
        if self._deaths == 0 and status in (1, 2) and lived < FIRST_START:
            self._log("error", "the control plane cannot start: it %s; ending", _described(status))
            self._status = status
            return
        self._deaths = 1 if lived >= GOOD_LIFE else self._deaths + 1
        pause = 0.0 if self._deaths == 1 else min(FIRST_PAUSE * 2.0 ** (self._deaths - 2), LONGEST_PAUSE)
        self._log(
            "error",
            "the control plane %s; traffic is served by the last table, next start in %g s",
            _described(status),
            pause,
        )
        self._control_due = time.monotonic() + pause

    # --- processes ------------------------------------------------------------------------------------------------

    def _end_all(self) -> None:
        """End the control plane, and the proxy if it still runs, and then remaining processes."""
        living = {self._proxy, self._control} - {0}
        for pid in living:
            _send(pid, signal.SIGTERM)
        _outlive(living, CONTROL_GRACE)
        for number in (signal.SIGTERM, signal.SIGKILL):
            left = set(_children())
            for pid in left:
                _send(pid, number)
            _outlive(left, ORPHAN_GRACE)


def _wait(timeout: float | None) -> int | None:
    """The next signal; None after TIMEOUT seconds."""
    if timeout is None:
        return signal.sigwait(WAITED)
    found = signal.sigtimedwait(WAITED, timeout)
    return found.si_signo if found is not None else None


def _reap() -> Iterator[tuple[int, int]]:
    """Children that have ended, adopted ones too: process id and exit status as in a shell."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        code = os.waitstatus_to_exitcode(status)
        yield pid, code if code >= 0 else 128 - code


def _outlive(pids: set[int], timeout: float) -> None:
    """Reap until all of PIDS have ended, for TIMEOUT seconds at most. Further signals to stop have no effect."""
    deadline = time.monotonic() + timeout
    while True:
        for pid, _ in _reap():
            pids.discard(pid)
        if not pids or time.monotonic() > deadline:
            return
        signal.sigtimedwait({signal.SIGCHLD}, 0.1)


def _children() -> list[int]:
    """Process ids of our children, adopted ones too; empty if the kernel is built without CONFIG_PROC_CHILDREN."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(pid) for pid in file.read().split()]
    except FileNotFoundError:
        return []


def _successor(ended: int) -> int:
    """The proxy that ENDED started to take its place (SIGUSR2); 0: none.

    It has become our child by its parent's death. Its environment distinguishes it from workers that were left over.
    """
    mark = f"GUNICORN_PID={ended}".encode()
    for pid in _children():
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if mark in file.read().split(b"\0"):
                    return pid
        except OSError:
            continue
    return 0


def _send(pid: int, number: int) -> None:
    if pid:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return


def _described(status: int) -> str:
    if status <= 128:
        return f"ended with status {status}"
    return f"was killed by {_name(status - 128)}"


def _name(number: int) -> str:
    from signal import Signals  # noqa: PLC0415

    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"

"""The launcher with small programs in the places of the control plane and the proxy; the real ones are in tests/e2e."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.edge import children, is_alive
from tests.support.waiting import eventually

LAUNCHER = """
import os, signal, sys
from edge import launcher
from edge.system import prctl
launcher.FIRST_PAUSE = 0.05
launcher.ORPHAN_GRACE = 0.5
signal.pthread_sigmask(signal.SIG_BLOCK, launcher.WAITED)
prctl.become_subreaper()
def program(path):
    return lambda: os.execve(sys.executable, [sys.executable, "-S", path], {"PATH": "/usr/bin:/bin"})
control, proxy = map(program, sys.argv[1:])
pids = [launcher.spawn(one) for one in (control, proxy)]
log = launcher.Log("text", "info")
sys.exit(launcher.Launcher(control=pids[0], proxy=pids[1], next_control=control, log=log).run())
"""

STEADY = """
import signal, sys
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
    signal.signal(number, lambda *_: sys.exit(0))
tell("ready")
while True:
    signal.pause()
"""
"""Runs until a signal stops it."""

TELL = """
import os
def tell(text):
    with open(__file__ + ".told", "a") as file:
        file.write(f"{text}\\n")
tell(f"pid {os.getpid()}")
"""


class Program:
    """A child of the launcher."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        path.write_text(TELL + text)

    def become(self, text: str) -> None:
        """Be TEXT from the next start on."""
        self.path.write_text(TELL + text)

    @property
    def told(self) -> list[str]:
        """What it has said."""
        path = Path(f"{self.path}.told")
        return path.read_text().splitlines() if path.exists() else []

    @property
    def pids(self) -> list[int]:
        """Process ids of all its lives."""
        return [int(line.split()[1]) for line in self.told if line.startswith("pid ")]

    def is_ready(self, lives: int = 1) -> bool:
        return self.told.count("ready") >= lives


class Launched:
    """A launcher with its two children."""

    def __init__(self, folder: Path) -> None:
        self.control = Program(folder / "control.py", STEADY)
        self.proxy = Program(folder / "proxy.py", STEADY)
        self._log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("wb") as log:
            command = [sys.executable, "-c", LAUNCHER, str(self.control.path), str(self.proxy.path)]
            self.process = subprocess.Popen(command, stderr=log)

    def start_and_wait(self) -> None:
        self.start()
        eventually(lambda: self.control.is_ready() and self.proxy.is_ready())

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        assert self.process is not None
        return self.process.wait(40)

    def close(self) -> None:
        if self.process is not None:
            pids = [*children(self.pid), self.pid]
            for pid in [*pids, *self.control.pids, *self.proxy.pids]:
                if pid in pids or is_alive(pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def launched(tmp_path: Path) -> Iterator[Launched]:
    one = Launched(tmp_path)
    yield one
    one.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_an_order_to_end_ends_the_proxy_then_the_control_plane(launched: Launched, number: signal.Signals) -> None:
    """TERM, INT and QUIT reach the proxy as they are; the control plane gets TERM when the proxy has ended."""
    launched.proxy.become(STEADY.replace("sys.exit(0)", "(tell(signal.Signals(_[0]).name), sys.exit(0))"))
    launched.control.become(
        f"PROXY = {str(launched.proxy.path)!r}"
        + STEADY.replace(
            "sys.exit(0)", "(tell(signal.Signals(_[0]).name + ' after ' + open(PROXY + '.told').read()), sys.exit(0))"
        )
    )
    launched.start_and_wait()
    launched.send(number)
    assert launched.wait() == 0
    assert number.name in launched.proxy.told
    assert any(line.startswith("SIGTERM after") for line in launched.control.told)
    assert number.name in launched.control.told, "the control plane was told before the proxy had ended"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU])
def test_other_signals_reach_the_proxy_alone(launched: Launched, number: signal.Signals) -> None:
    """What gunicorn's master understands is passed on and ends nothing."""
    program = STEADY.replace("tell(", f"signal.signal({int(number)}, lambda *_: tell('heard')); tell(", 1)
    launched.proxy.become(program)
    launched.control.become(program)
    launched.start_and_wait()
    launched.send(number)
    eventually(lambda: "heard" in launched.proxy.told)
    launched.send(signal.SIGTERM)
    assert launched.wait() == 0
    assert "heard" not in launched.control.told


def test_a_signal_that_comes_too_early_does_not_kill_the_proxy(launched: Launched) -> None:
    """Until the proxy has come to handle HUP and its like they are ignored."""
    launched.proxy.become("import time; tell('up'); time.sleep(0.3)\n" + STEADY)
    launched.start()
    eventually(lambda: "up" in launched.proxy.told)
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTOU):
        launched.send(number)
    eventually(launched.proxy.is_ready)


def test_an_order_to_end_that_comes_too_early_is_a_clean_end(launched: Launched) -> None:
    """A proxy that TERM kills because it does not handle it yet has done as told."""
    launched.proxy.become("import time; tell('up'); time.sleep(30)")
    launched.start()
    eventually(lambda: "up" in launched.proxy.told and launched.control.is_ready())
    launched.send(signal.SIGTERM)
    assert launched.wait() == 0


@pytest.mark.parametrize(
    ("program", "status"),
    [("raise SystemExit(3)", 3), ("raise SystemExit(0)", 0), ("os.kill(os.getpid(), 9)", 137), ("os.abort()", 134)],
)
def test_the_proxys_end_is_the_end_with_its_status(launched: Launched, program: str, status: int) -> None:
    """A proxy that ends is not started again: the launcher ends the rest, says why, and passes the status on."""
    launched.proxy.become(program)
    launched.start()
    assert launched.wait() == status
    assert len(launched.proxy.pids) == 1
    assert not any(is_alive(pid) for pid in launched.control.pids)
    assert "the proxy " in launched.log
    assert "; ending" in launched.log


def test_a_dead_control_plane_is_started_again(launched: Launched) -> None:
    """Each time it is killed another follows; the proxy is not touched."""
    launched.start_and_wait()
    for life in (2, 3, 4):
        os.kill(launched.control.pids[-1], signal.SIGKILL)
        eventually(lambda life=life: launched.control.is_ready(life))
    assert len(launched.proxy.pids) == 1
    assert (
        "the control plane was killed by SIGKILL; traffic is served by the last table, next start in 0 s"
        in launched.log
    )
    assert "next start in 0.05 s" in launched.log
    assert "next start in 0.1 s" in launched.log


def test_a_control_plane_that_crashes_again_and_again_is_started_ever_more_slowly(launched: Launched) -> None:
    """Once one has run, none of its successors' faults ends the proxy."""
    launched.start_and_wait()
    launched.control.become("raise SystemExit(2)")
    os.kill(launched.control.pids[-1], signal.SIGKILL)
    eventually(lambda: "next start in 0.4 s" in launched.log)
    assert is_alive(launched.proxy.pids[0])
    launched.send(signal.SIGTERM)
    assert launched.wait() == 0


@pytest.mark.parametrize("status", [1, 2])
def test_a_control_plane_that_cannot_start_at_all_ends_everything(launched: Launched, status: int) -> None:
    """A wrong flag or a taken address is told at once, by the exit status too."""
    launched.control.become(f"raise SystemExit({status})")
    launched.start()
    assert launched.wait() == status
    assert f"the control plane cannot start: it ended with status {status}" in launched.log
    assert not any(is_alive(pid) for pid in launched.proxy.pids)


def test_orphans_are_reaped(launched: Launched) -> None:
    """Grandchildren whose parents die become children of the launcher and leave no zombie."""
    launched.proxy.become(
        """
import sys, time
if not os.fork():
    if os.fork():
        os._exit(0)
    tell(f"orphan {os.getpid()}")
    time.sleep(0.2)
    os._exit(0)
os.wait()
"""
        + STEADY
    )
    launched.start_and_wait()
    (orphan,) = eventually(lambda: [int(line.split()[1]) for line in launched.proxy.told if line.startswith("orphan")])
    eventually(lambda: not Path(f"/proc/{orphan}").exists())


def test_nothing_is_left_behind(launched: Launched) -> None:
    """Processes that the proxy has left over are ended too, by force if they do not listen."""
    launched.proxy.become(
        """
import signal, time
if not os.fork():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    tell("left over")
    time.sleep(60)
"""
        + STEADY
    )
    launched.start_and_wait()
    eventually(lambda: "left over" in launched.proxy.told)
    (left,) = children(launched.proxy.pids[0])
    launched.send(signal.SIGTERM)
    assert launched.wait() == 0
    assert not Path(f"/proc/{left}").exists()


def test_children_die_with_a_killed_launcher(launched: Launched) -> None:
    """The kernel ends both when the launcher is gone in a way that it cannot notice."""
    launched.start_and_wait()
    launched.send(signal.SIGKILL)
    launched.wait()
    eventually(lambda: not any(is_alive(pid) for pid in launched.control.pids + launched.proxy.pids))


SUCCEEDED = (
    """
import signal
def hand_over(*_):
    if not os.fork():
        os.execve("/proc/self/exe", ["python", "-S", __file__], {"GUNICORN_PID": str(os.getppid())})
signal.signal(signal.SIGUSR2, hand_over)
"""
    + STEADY
)


def test_a_proxy_may_hand_over_to_its_successor(launched: Launched) -> None:
    """After USR2 and the end of the old master the new one is the proxy: it gets the signals, its end is the end."""
    launched.proxy.become(SUCCEEDED)
    launched.start_and_wait()
    launched.send(signal.SIGUSR2)
    eventually(lambda: launched.proxy.is_ready(2))
    old, new = launched.proxy.pids
    os.kill(old, signal.SIGTERM)
    eventually(lambda: "was replaced by process" in launched.log)
    assert is_alive(new)
    launched.send(signal.SIGTERM)
    assert launched.wait() == 0
    assert not is_alive(new)


def test_an_order_to_end_in_the_middle_of_a_hand_over_ends_both(launched: Launched) -> None:
    """The successor of a proxy that was stopped is stopped too."""
    launched.proxy.become(SUCCEEDED)
    launched.start_and_wait()
    launched.send(signal.SIGUSR2)
    eventually(lambda: launched.proxy.is_ready(2))
    launched.send(signal.SIGTERM)
    assert launched.wait() == 0
    assert not any(is_alive(pid) for pid in launched.proxy.pids)

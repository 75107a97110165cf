"""A forked process that becomes a command, with a small function in the command's place."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.load import ROOT

CHILD = """
import atexit, os, signal, sys
from edge import child, commands, launcher
from edge.settings import Settings
from edge.system.addresses import ListenError
def run(command, settings):
    {body}
commands.run = run
print("before")  # in the buffer of standard output, which the child has, too
sys.stdout.flush()
lock = os.open("/dev/null", os.O_RDONLY)
kept = os.open("/dev/null", os.O_RDONLY)
os.set_inheritable(kept, True)
settings = Settings(kubeconfig="/credentials", workers="3", shm_dir="/dev/shm/none")
signal.pthread_sigmask(signal.SIG_BLOCK, launcher.WAITED)
pid = launcher.spawn(child.program("proxy", settings))
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print("status", status)
"""


def printed(body: str, **environment: str) -> list[str]:
    """What launcher and child print whose command does BODY."""
    environment = {"PATH": "/usr/bin:/bin", **environment}
    command = [sys.executable, "-c", CHILD.format(body=body)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, timeout=60, check=False)
    return done.stdout.splitlines() + done.stderr.splitlines()[-1:]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("return 3", 3),
        ("sys.exit(4)", 4),
        ("sys.exit()", 0),
        ("sys.exit('why')", 1),
        ("raise KeyboardInterrupt", 130),
        ("raise ValueError", 1),
        ("os.kill(os.getpid(), signal.SIGTERM)", -15),
    ],
)
def test_it_ends_with_the_status_of_its_command(body: str, status: int) -> None:
    """As the command's own process would, and never goes on as the launcher."""
    assert printed(body)[:2] == ["before", f"status {status}"]


def test_it_does_at_its_end_what_the_interpreter_would(tmp_path: Path) -> None:
    """Functions of atexit are called, and what was printed is written."""
    mark = tmp_path / "mark"
    body = f"atexit.register(lambda: open({str(mark)!r}, 'w')); sys.stdout.write('said '); return 0"
    assert printed(body)[:2] == ["before", "said status 0"]
    assert mark.exists()


def test_it_has_no_descriptors_of_the_launcher() -> None:
    """But for those that a program that is started would have."""
    body = "print(*(os.path.exists(f'/proc/self/fd/{one}') for one in (lock, kept))); return 0"
    assert printed(body)[1] == "False True"


def test_it_has_its_share_of_the_settings_and_no_variables_of_the_rest() -> None:
    """The proxy gets no credentials."""
    body = "print(settings.workers, settings.kubeconfig, *sorted(os.environ), sys.argv[1:]); return 0"
    assert printed(body, EDGE_KUBECONFIG="/credentials", HOME="/")[1] in (
        "3  HOME LC_CTYPE PATH ['proxy', '--workers=3', '--shm-dir=/dev/shm/none']",
        "3  HOME PATH ['proxy', '--workers=3', '--shm-dir=/dev/shm/none']",
    )


def test_it_is_shown_as_its_command() -> None:
    """By ps(1), for instance."""
    body = "print(open('/proc/self/cmdline').read().strip(chr(0))); return 0"
    assert printed(body)[1] == "edge proxy --workers=3 --shm-dir=/dev/shm/none"

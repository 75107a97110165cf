"""The command line as a user meets it: real processes, their output and exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge import __version__, options
from edge.cli import COMMANDS
from tests.support.backends import Backend


def edge(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("EDGE_")} | environment
    command = [sys.executable, "-m", "edge", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=variables, timeout=40, check=False)


def test_help_names_every_command() -> None:
    """And exits with 0."""
    done = edge("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert f"\n    {command} " in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_names_its_settings(command: str) -> None:
    """Every flag with its environment variable."""
    done = edge(command, "--help", COLUMNS="1000")
    assert done.returncode == 0
    for field in options.of_command(command):
        assert options.flag(field) in done.stdout
        assert options.variable(field) in done.stdout


def test_version() -> None:
    """The one of the package."""
    assert edge("--version").stdout == f"edge {__version__}\n"


def test_no_command_is_a_mistake() -> None:
    """Reported in one line, with exit status 2."""
    done = edge()
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "see edge --help" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--manifest", "x"), "edge run: unrecognized arguments: --manifest x; did you mean --manifests?"),
        (("check", "--no-such-flag"), "unrecognized arguments: --no-such-flag (see edge check --help)"),
        (("run", "--workers=0"), "--workers '0': must be auto or a number from 1 to 9999"),
        (("run", "--manifests=/no/such"), "--manifests: /no/such: no such file or folder"),
        (("run", "--shm-dir=/proc/version/x"), "--shm-dir /proc/version/x: "),
        (("proxy",), "--shm-dir is required here"),
        (("control", "--manifests=/"), "--shm-dir is required here"),
        (("check", "/no/such"), "/no/such: no such file or folder"),
        (("routes", "--shm-dir=/no/such"), "/no/such"),
    ],
)
def test_a_mistake_is_told_in_one_line(arguments: tuple[str, ...], message: str) -> None:
    """Exit status 2, nothing on standard output, no traceback."""
    done = edge(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_misspelt_variable_is_told_and_harmless(tmp_path: Path) -> None:
    """On standard error, before anything else."""
    done = edge("proxy", f"--shm-dir={tmp_path}", "--http=192.0.2.1:80", EDGE_WORKER="3")
    assert "environment: EDGE_WORKER is no setting; did you mean EDGE_WORKERS?" in done.stderr


def test_a_taken_address_is_told(tmp_path: Path) -> None:
    """The address and the reason, exit status 1."""
    with Backend() as other:
        done = edge("proxy", f"--shm-dir={tmp_path}", f"--http=127.0.0.1:{other.port}", "--https=127.0.0.1:0")
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{other.port}: the address is in use by another process" in done.stderr


def test_a_taken_address_ends_the_whole_tree(tmp_path: Path) -> None:
    """Whichever half misses it, `edge run` exits with 1 and says why."""
    (tmp_path / "m").mkdir()
    with Backend() as other:
        taken = f"127.0.0.1:{other.port}"
        for flags in (
            (f"--http={taken}", "--https=127.0.0.1:0", "--admin=127.0.0.1:0"),
            ("--http=127.0.0.1:0", "--https=127.0.0.1:0", f"--admin={taken}"),
        ):
            done = edge("run", f"--manifests={tmp_path / 'm'}", *flags)
            assert done.returncode == 1
            assert f"cannot listen on {taken}" in done.stderr
            assert "Traceback" not in done.stderr

"""Directories for the table."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.system import directories
from edge.system.directories import DirectoryError

HOLDER = """
import sys, time
from pathlib import Path
from edge.system import directories
with directories.private(Path(sys.argv[1])) as directory:
    print(directory.path, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of /dev/shm, in which nothing counts as young."""
    monkeypatch.setattr(directories, "_YOUNG", -1.0)
    return tmp_path


def killed(base: Path) -> Path:
    """The private directory that a killed process has left in BASE."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(base)], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        directory = Path(process.stdout.readline().strip())
        assert directories.running(base) == [directory]
        process.send_signal(signal.SIGKILL)
    return directory


def test_a_private_directory_is_the_users_alone_and_goes_with_its_block(base: Path) -> None:
    """Mode 0700, and removed with all that is in it."""
    with directories.private(base) as directory:
        assert directory.path.stat().st_mode & 0o777 == 0o700
        (directory.path / "routes").write_bytes(b"x")
    assert not directory.path.exists()


def test_running_instances_are_found(base: Path) -> None:
    """While they run."""
    assert directories.running(base) == []
    with directories.private(base) as one, directories.private(base) as other:
        assert directories.running(base) == sorted([one.path, other.path])
    assert directories.running(base) == []


def test_what_a_killed_instance_left_is_removed_by_the_next(base: Path) -> None:
    """And what a living one has is not."""
    left = killed(base)
    assert left.exists()
    assert directories.running(base) == []
    with directories.private(base) as one:
        assert not left.exists()
        with directories.private(base):
            assert one.path.exists()


def test_what_somebody_else_made_is_never_removed(base: Path) -> None:
    """A directory that was named by --shm-dir, a file, a link to a directory, though their names begin alike."""
    left = killed(base)
    named = base / "edge-production"
    named.mkdir()
    (named / "routes").write_bytes(b"x")
    file = base / "edge-file"
    file.write_text("")
    elsewhere = base / "elsewhere"
    left.rename(elsewhere)
    link = base / "edge-link"
    link.symlink_to(elsewhere)
    with directories.private(base):
        pass
    assert (named / "routes").exists()
    assert file.exists()
    assert link.exists()
    assert elsewhere.exists()


def test_a_directory_that_is_just_being_made_is_left_alone(tmp_path: Path) -> None:
    """Its launcher may not have come to lock it."""
    left = killed(tmp_path)
    with directories.private(tmp_path):
        assert left.exists()


def test_a_named_directory_is_made_with_its_parents(tmp_path: Path) -> None:
    """Mode 0700; one that is there is taken as it is."""
    directory = tmp_path / "a" / "b"
    directories.prepare(directory)
    assert directory.stat().st_mode & 0o777 == 0o700
    (directory / "routes").write_bytes(b"x")
    directories.prepare(directory)
    assert [one.name for one in directory.iterdir()] == ["routes"]


def test_a_place_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """By its name and the way out."""
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(
        DirectoryError, match=rf"^--shm-dir {file}: .*; it must be a directory that this user can write$"
    ):
        directories.prepare(file)
    with (
        pytest.raises(DirectoryError, match=r"name a directory on a memory file system with --shm-dir"),
        directories.private(file),
    ):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_without_permission_is_told(tmp_path: Path) -> None:
    """As any other that cannot be used."""
    tmp_path.chmod(0o500)
    with pytest.raises(DirectoryError, match="Permission denied"):
        directories.prepare(tmp_path / "a")

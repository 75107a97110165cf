"""A CPU limit that a test sets on a process of its own, as a kubelet does with a container while it runs."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PERIOD = 100_000
"""Microseconds."""


class CpuLimit:
    """A control group; processes that are started behind `prefix` belong to it."""

    def __init__(self, prefix: list[str], quota: Path, text: str) -> None:
        self.prefix = prefix
        self._quota = quota
        self._text = text

    def set(self, processors: float) -> None:
        """Limit the group to PROCESSORS."""
        self._quota.write_text(self._text.format(quota=int(processors * PERIOD), period=PERIOD))


@contextlib.contextmanager
def version_1() -> Iterator[CpuLimit | None]:
    """A group of the cpu hierarchy that limits for real; None where this machine gives none."""
    name = f"edge-test-{os.getpid()}-{time.monotonic_ns()}"
    group = Path("/sys/fs/cgroup/cpu") / name
    try:
        group.mkdir()
        (group / "cpu.cfs_period_us").write_text(str(PERIOD))
    except OSError:
        yield None
        return
    try:
        join = f"echo $$ > {group}/cgroup.procs"
        yield CpuLimit(["/bin/sh", "-e", "-c", f'{join}; exec "$@"', "-"], group / "cpu.cfs_quota_us", "{quota}")
    finally:
        _remove(group)


@contextlib.contextmanager
def version_2(folder: Path) -> Iterator[CpuLimit | None]:
    """A group of the unified hierarchy; None where this machine gives none.

    The group is real, the limit is what the process reads: in a mount namespace of its own the files of the group lie
    in FOLDER, because the hierarchy may have no cpu controller to give.
    """
    name = f"edge-test-{os.getpid()}-{time.monotonic_ns()}"
    mount, files = folder / "cgroup2", folder / "files"
    mount.mkdir()
    files.mkdir()
    place, inside = shlex.quote(str(mount)), shlex.quote(f"{mount}/{name}")
    script = (
        f"mount -t cgroup2 none {place}; mkdir -p {inside}; echo $$ > {inside}/cgroup.procs; "
        f'mount --bind {shlex.quote(str(files))} {inside}; exec "$@"'
    )
    prefix = ["unshare", "--mount", "/bin/sh", "-e", "-c", script, "-"]
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield CpuLimit(prefix, files / "cpu.max", "{quota} {period}\n")
    finally:
        remove = f"mount -t cgroup2 none {place}; rmdir {inside}"
        subprocess.run(["unshare", "--mount", "/bin/sh", "-e", "-c", remove], capture_output=True, check=False)


def _remove(group: Path) -> None:
    for _ in range(50):
        with contextlib.suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.1)

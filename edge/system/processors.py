"""How many processors this process may use: the number of workers under `--workers auto`.

The CPU limit of the control group counts, as Kubernetes sets it from `resources.limits.cpu`; the tightest one from
the process's own group up to the root of what is mounted. Without a limit it is the processors that the scheduler
may put this process on (cpuset, taskset). A fraction counts as a whole one: 0.5 gives 1, 1.5 gives 2, 2.5 gives 3,
because one worker too few would leave a part of the limit unused, while one too many only shares it.

Sources: Documentation/admin-guide/cgroup-v2.rst (cpu.max), cgroup-v1 (cpu.cfs_quota_us), proc(5) (mountinfo).
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Hierarchy(NamedTuple):
    """A mounted cgroup hierarchy that can hold a CPU limit."""

    root: str
    """The group that is mounted."""
    mount_point: str
    controllers: frozenset[str]
    """Of version 1; empty for version 2."""


def available(root: Path = Path("/")) -> int:
    """Whole processors, at least 1. ROOT is where /proc and the control groups are found."""
    quota = limit(root)
    return max(1, math.ceil(quota)) if quota is not None else max(1, len(os.sched_getaffinity(0)))


def limit(root: Path = Path("/")) -> float | None:
    """The tightest CPU limit in force, in processors; None without one."""
    try:
        groups = _groups((root / "proc/self/cgroup").read_text())
        hierarchies = list(_hierarchies((root / "proc/self/mountinfo").read_text()))
    except OSError:
        return None
    quotas = []
    for hierarchy in hierarchies:
        group = groups.get("cpu" if hierarchy.controllers else "")
        if group is None or (hierarchy.controllers and "cpu" not in hierarchy.controllers):
            continue
        read = _quota_v1 if hierarchy.controllers else _quota_v2
        quotas += [quota for directory in _upwards(hierarchy, group, root) if (quota := read(directory)) is not None]
    return min(quotas, default=None)


def _groups(text: str) -> dict[str, str]:
    """Controller ("" for version 2) to group, from /proc/self/cgroup."""
    groups = {}
    for line in text.splitlines():
        _, controllers, group = line.split(":", 2)
        groups.update(dict.fromkeys(controllers.split(","), group))
    return groups


def _hierarchies(text: str) -> Iterator[Hierarchy]:
    for line in text.splitlines():
        mount, _, file_system = line.partition(" - ")
        kind, _, options = file_system.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            fields = mount.split(" ")
            yield Hierarchy(fields[3], fields[4], frozenset(options.split(",") if kind == "cgroup" else ()))


def _upwards(hierarchy: Hierarchy, group: str, root: Path) -> Iterator[Path]:
    """Directories of GROUP and of the groups above it, as far as they are mounted."""
    mount = root / hierarchy.mount_point.lstrip("/")
    mounted = hierarchy.root.rstrip("/")
    # Seen from within a cgroup namespace, or when only a subtree is mounted, the group may lie outside the mount:
    # then the mount point itself is the nearest group that can be asked.
    inside = group[len(mounted) :] if (group + "/").startswith(mounted + "/") else ""
    parts = [part for part in inside.split("/") if part not in ("", "..")]
    for length in range(len(parts), -1, -1):
        yield mount.joinpath(*parts[:length])


def _quota_v2(directory: Path) -> float | None:
    try:
        quota, period = (directory / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_v1(directory: Path) -> float | None:
    try:
        quota = int((directory / "cpu.cfs_quota_us").read_text())
        return quota / int((directory / "cpu.cfs_period_us").read_text()) if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None

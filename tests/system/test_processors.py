"""How many processors a process may use, read from trees of files as Linux shows them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.system import processors

V2 = "35 24 0:30 {root} /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = (
    "33 25 0:28 {root} /sys/fs/cgroup/cpu,cpuacct rw shared:10 - cgroup cgroup rw,cpu,cpuacct\n"
    "34 25 0:29 / /sys/fs/cgroup/memory rw shared:11 - cgroup cgroup rw,memory\n"
)
OTHER = "24 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"


class Machine:
    """A root folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def group(self, cgroup: str, mountinfo: str) -> None:
        """What the kernel tells the process of its own group and of what is mounted."""
        self.write("/proc/self/cgroup", cgroup)
        self.write("/proc/self/mountinfo", OTHER + mountinfo)

    @property
    def limit(self) -> float | None:
        return processors.limit(self.root)

    @property
    def available(self) -> int:
        return processors.available(self.root)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_in_a_container_the_group_is_the_mount(machine: Machine) -> None:
    """A cgroup namespace shows the container's own group as the root."""
    machine.group("0::/\n", V2.format(root="/"))
    machine.write("/sys/fs/cgroup/cpu.max", "150000 100000\n")
    assert machine.limit == 1.5
    assert machine.available == 2


def test_the_tightest_limit_on_the_way_up_counts(machine: Machine) -> None:
    """A pod's limit binds its containers, a slice's all below it."""
    machine.group("0::/kubepods/pod1/container\n", V2.format(root="/"))
    machine.write("/sys/fs/cgroup/kubepods/pod1/container/cpu.max", "max 100000\n")
    machine.write("/sys/fs/cgroup/kubepods/pod1/cpu.max", "50000 25000\n")
    machine.write("/sys/fs/cgroup/kubepods/cpu.max", "400000 100000\n")
    assert machine.limit == 2.0


def test_a_group_above_what_is_mounted(machine: Machine) -> None:
    """Only a part of the hierarchy is mounted, or the group lies outside: the mount itself is asked."""
    machine.group("0::/kubepods/pod1\n", V2.format(root="/kubepods/pod1"))
    machine.write("/sys/fs/cgroup/cpu.max", "300000 100000\n")
    assert machine.limit == 3.0
    machine.group("0::/../../elsewhere\n", V2.format(root="/"))
    assert machine.limit == 3.0


def test_version_1(machine: Machine) -> None:
    """Quota and period are two files of the cpu controller."""
    machine.group("4:memory:/x\n3:cpu,cpuacct:/docker/abc\n0::/\n", V1.format(root="/"))
    machine.write("/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us", "50000\n")
    machine.write("/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us", "100000\n")
    machine.write("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "-1\n")
    machine.write("/sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "100000\n")
    assert machine.limit == 0.5
    assert machine.available == 1


@pytest.mark.parametrize(
    ("quota", "workers"), [(0.1, 1), (0.5, 1), (1.0, 1), (1.01, 2), (1.5, 2), (2.0, 2), (2.5, 3), (16.0, 16)]
)
def test_a_fraction_counts_as_a_whole_one(machine: Machine, quota: float, workers: int) -> None:
    """So that no part of the limit stays unused."""
    machine.group("0::/\n", V2.format(root="/"))
    machine.write("/sys/fs/cgroup/cpu.max", f"{int(quota * 100000)} 100000\n")
    assert machine.available == workers


@pytest.mark.parametrize("text", ["max 100000\n", "", "nonsense\n", "100000 0\n"])
def test_without_a_limit_the_scheduler_decides(machine: Machine, text: str) -> None:
    """Cpusets and taskset show in the affinity; what is no limit is none."""
    machine.group("0::/\n", V2.format(root="/"))
    machine.write("/sys/fs/cgroup/cpu.max", text)
    assert machine.limit is None
    assert machine.available == len(os.sched_getaffinity(0))


def test_a_machine_without_control_groups(machine: Machine) -> None:
    """Nothing to read is no limit."""
    assert machine.limit is None
    assert machine.available == len(os.sched_getaffinity(0))


def test_this_machine() -> None:
    """Whatever it is, there is at least one."""
    assert processors.available() >= 1

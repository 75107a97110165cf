"""Starts commands from an image's root as a Kubernetes node would: new process, mount and IPC namespaces, root file
system read-only, only the mounts that were asked for, the image's user, no capability, no new privileges.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from rootfs import Image


@dataclass(frozen=True)
class Mount:
    """A volume: SOURCE on this machine (None: a fresh tmpfs) at TARGET inside."""

    target: str
    source: Path | None = None
    read_only: bool = False


@dataclass
class Container:
    """One running command; `pid` is its number outside."""

    image: Image
    command: list[str]
    mounts: list[Mount] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start it."""
        script = self._script(self.image.entrypoint + self.command)
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "/bin/sh", "-e", "-c", script],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        while not (found := children.read_text().split()):
            time.sleep(0.01)
        self.pid = int(found[0])

    def _script(self, command: list[str]) -> str:
        user, group = self.image.user.split(":")
        lines = [f"cd {shlex.quote(str(self.image.root))}"]
        lines += [f"mkdir -p {shlex.quote('.' + mount.target)}" for mount in self.mounts]
        lines += ["mount --bind . .", "cd $PWD", "mount -t proc -o nosuid,nodev,noexec proc proc"]
        lines.append("mount -t tmpfs -o mode=1777,size=64m,nosuid,nodev,noexec shm dev/shm")
        for mount in self.mounts:
            inside, option = shlex.quote("." + mount.target), "ro" if mount.read_only else "rw"
            if mount.source is None:
                lines.append(f"mount -t tmpfs -o mode=1777,size=64m tmpfs {inside}")
            else:
                lines.append(f"mount --bind {shlex.quote(str(mount.source))} {inside}")
                lines.append(f"mount -o remount,bind,{option} {inside}")
        lines.append("mount -o remount,bind,ro .")
        variables = shlex.join(f"{name}={value}" for name, value in (self.image.environment | self.environment).items())
        lines.append(
            f"exec chroot . /usr/bin/env -i {variables} /usr/bin/setpriv --reuid={user} --regid={group} --clear-groups "
            f"--no-new-privs --inh-caps=-all --bounding-set=-all -- {shlex.join(command)}"
        )
        return "\n".join(lines)

    def status(self) -> dict[str, str]:
        """Its /proc/PID/status."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def stop(self, timeout: float = 40.0) -> int:
        """Send the image's stop signal; the exit status."""
        if self.process.poll() is None:
            os.kill(self.pid, signal.Signals[self.image.stop_signal])
        self.process.wait(timeout)
        return self.process.returncode

    def output(self) -> str:
        """What it wrote, after its end."""
        assert self.process.stdout is not None
        return self.process.stdout.read()


def execute(image: Image, command: list[str], mounts: list[Mount] | None = None) -> tuple[int, str]:
    """Run COMMAND, without the image's entrypoint, to its end: exit status and output."""
    bare = Image(image.root, image.environment, user=image.user)
    container = Container(bare, command, mounts or [])
    output, _ = container.process.communicate(timeout=60)
    return container.process.returncode, output


def save(image: Image, path: Path) -> None:
    """Write IMAGE's configuration to PATH."""
    path.write_text(json.dumps(vars(image) | {"root": str(image.root)}))


def load(path: Path) -> Image:
    """The image that `save` wrote."""
    values = json.loads(path.read_text())
    return Image(**(values | {"root": Path(values["root"])}))

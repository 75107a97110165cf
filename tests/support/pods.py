"""Runs the containers of a rendered pod as processes, closed in as a node would have it.

Each has a mount namespace with a read-only root (this machine's, in place of the image's), the volumes of the pod where
the manifest wants them, the user of the manifest, no capability and no new privileges. What is missing: the image, the
network namespace and the kubelet.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pytest

from tests.support.rendering import ROOT

Object = dict[str, Any]


def require_namespaces() -> None:
    """Skip the test where this machine does not let us make mount namespaces."""
    allowed = os.geteuid() == 0 and shutil.which("unshare") and shutil.which("setpriv")
    if not allowed or subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("mount namespaces need root")


class Pod:
    """A pod of the workload TEMPLATE among OBJECTS; FOLDER is for its files.

    ACCOUNT is a folder with what a projected token volume holds; ENVIRONMENT is what the node adds.
    """

    def __init__(
        self, objects: list[Object], workload: Object, folder: Path, *, account: Path, environment: dict[str, str]
    ) -> None:
        self.name = folder.name
        self.namespace: str = workload["metadata"]["namespace"]
        self.spec: Object = workload["spec"]["template"]["spec"]
        self.labels: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._settings = {one["metadata"]["name"]: one.get("data", {}) for one in objects if one["kind"] == "ConfigMap"}
        self._folder = folder
        self._account = account
        self._environment = environment
        self._logs: dict[str, IO[bytes]] = {}
        user = self.spec["securityContext"]
        self._user, self._group = user["runAsUser"], user["runAsGroup"]
        folder.mkdir()
        for volume in self.spec["volumes"]:
            if "emptyDir" in volume:
                (folder / volume["name"]).mkdir()
                os.chown(folder / volume["name"], 0, user["fsGroup"])
                (folder / volume["name"]).chmod(0o2777)

    def manifest(self, node: str) -> Object:
        """The Pod object, running on NODE."""
        metadata = {"name": self.name, "namespace": self.namespace, "labels": self.labels}
        spec = {"nodeName": node, "containers": self.spec["containers"]}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": spec,
            "status": {"phase": "Running"},
        }

    def start(self) -> None:
        """Start the containers."""
        for container in self.spec["containers"]:
            script = "\n".join([*self._mounts(container), self._command(container)])
            log = self._logs[container["name"]] = (self._folder / f"{container['name']}.log").open("wb")
            self.processes[container["name"]] = subprocess.Popen(
                ["unshare", "--mount", "--propagation=private", "/bin/sh", "-e", "-c", script],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> None:
        """Tell all containers to end, at the same time, as a kubelet does."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)

    def wait(self) -> dict[str, int]:
        """The exit statuses, within the grace period of the manifest."""
        seconds = self.spec["terminationGracePeriodSeconds"]
        return {name: process.wait(seconds) for name, process in self.processes.items()}

    def close(self) -> None:
        """End it by force if need be."""
        for process in self.processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        for log in self._logs.values():
            log.close()

    def log(self, container: str) -> str:
        """What the container has written."""
        return (self._folder / f"{container}.log").read_text(errors="replace")

    def environment(self, container: Object) -> dict[str, str]:
        """The variables of the container."""
        variables = dict(self._environment)
        for source in container.get("envFrom", ()):
            variables |= self._settings[source["configMapRef"]["name"]]
        fields = {"metadata.name": self.name, "metadata.namespace": self.namespace}
        for one in container.get("env", ()):
            variables[one["name"]] = (
                one["value"] if "value" in one else fields[one["valueFrom"]["fieldRef"]["fieldPath"]]
            )
        return variables

    def _mounts(self, container: Object) -> list[str]:
        volumes = {volume["name"]: volume for volume in self.spec["volumes"]}
        lines = ["mount -t tmpfs -o mode=0755 run /run", *_image()]
        for mount in container["volumeMounts"]:
            volume, target = volumes[mount["name"]], mount["mountPath"]
            source = self._account if "projected" in volume else self._folder / volume["name"]
            lines += [f"mkdir -p {target}", f"mount --bind {shlex.quote(str(source))} {target}"]
            if mount.get("readOnly"):
                lines.append(f"mount -o remount,bind,ro {target}")
        if container["securityContext"]["readOnlyRootFilesystem"]:
            # All that could be written to; /proc, /dev and the volumes stay as a container has them.
            lines += ["mount -o remount,bind,ro /run", "mount -t tmpfs -o ro,mode=0755 tmp /dev/shm"]
            lines.append("mount -o remount,bind,ro /")
        return lines

    def _command(self, container: Object) -> str:
        variables = self.environment(container)
        expanded = [
            re.sub(r"\$\((\w+)\)", lambda match: variables[match[1]], argument) for argument in container["args"]
        ]
        assert container["securityContext"]["capabilities"]["drop"] == ["ALL"]
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        words = [
            "exec", "setpriv", f"--reuid={self._user}", f"--regid={self._group}", "--clear-groups", "--no-new-privs",
            "--inh-caps=-all", "--bounding-set=-all", "env", "-i", *(f"{k}={v}" for k, v in variables.items()),
            "PATH=/usr/bin:/bin", str(Path(sys.executable).parent / "edge"), *expanded,
        ]  # fmt: skip
        return shlex.join(words)


def _image() -> list[str]:
    """Commands that make interpreter, packages and Edge readable for any user, wherever they are."""
    lines = []
    for number, folder in enumerate(sorted({sys.base_prefix, sys.prefix, str(ROOT)})):
        closed = [parent for parent in Path(folder).parents if not parent.stat().st_mode & 0o001]
        if closed:  # for instance in the home of root
            aside, hidden = f"/run/image/{number}", shlex.quote(str(closed[-1]))
            lines += [f"mkdir -p {aside}", f"mount --bind {shlex.quote(folder)} {aside}"]
            lines += [f"mount -t tmpfs -o mode=0755 hidden {hidden}"]
            lines += [f"mkdir -p {shlex.quote(folder)}", f"mount --bind {aside} {shlex.quote(folder)}"]
    return lines

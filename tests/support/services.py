"""TCP and UDP services for tests: the ConfigMaps that name them, Services on this machine, and real servers."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import configured, objects
from tests.support.edge import WITH_US

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAMS = "/usr/sbin:/usr/bin:/sbin:/bin"


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skips a test where one of PROGRAMS is not installed."""
    missing = [one for one in programs if not shutil.which(one, path=PROGRAMS)]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)} (make packages)")


@contextmanager
def running(*arguments: str, cwd: Path) -> Iterator[None]:
    """A server, until the end of the block."""
    process = subprocess.Popen(
        [*WITH_US, *arguments], cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def services(name: str, entries: dict[int, str]) -> dict[str, Any]:
    """The ConfigMap demo/NAME with ENTRIES by port."""
    return configured.config_map({str(port): value for port, value in entries.items()}, f"demo/{name}")


def served(name: str, port: int, *targets: int, protocol: str = "TCP") -> list[dict[str, Any]]:
    """A Service with an endpoint on this machine for each port of TARGETS."""
    service = objects.service(name, port=port, target=targets[0] if targets else port)
    slices = [
        objects.endpoints(name, "127.0.0.1", port=target, suffix=str(number)) for number, target in enumerate(targets)
    ]
    for one in (service["spec"], *slices):
        for at in one["ports"]:
            at["protocol"] = protocol
    return [service, *slices]

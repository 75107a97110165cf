"""A folder of manifests for a real Edge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import objects
from tests.support.backends import Backend, Listener
from tests.support.edge import write
from tests.support.load import Responder

Server = Listener | Responder


class Site:
    """A folder with the class, and applications of the namespace `demo`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write(folder, "class.yaml", objects.ingress_class())

    def serve(self, name: str, *servers: Server, **rest: Any) -> None:
        """Put the Ingress, Service and EndpointSlices of the application NAME there; REST as for `objects.ingress`."""
        rest.setdefault("service", name)
        write(self.folder, f"{name}.yaml", objects.ingress(name, **rest), objects.service(name, target="http"))
        self.endpoints(name, *servers)

    def endpoints(self, name: str, *servers: Server) -> None:
        """Let SERVERS be the endpoints of the Service NAME; they differ in ports, so each has a slice of its own."""
        slices = [
            objects.endpoints(name, getattr(server, "host", "127.0.0.1"), port=server.port, suffix=str(number))
            for number, server in enumerate(servers)
        ]
        for one in slices:
            if ":" in one["endpoints"][0]["addresses"][0]:
                one["addressType"] = "IPv6"
        write(self.folder, f"{name}-endpoints.yaml", *(slices or [objects.endpoints(name)]))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    folder = tmp_path / "manifests"
    folder.mkdir()
    return Site(folder)


@pytest.fixture
def backend() -> Iterator[Backend]:
    with Backend() as one:
        yield one

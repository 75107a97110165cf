"""A browser, and an Edge that it looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support import certificates, objects
from tests.support.backends import Backend
from tests.support.browser import CHROMIUM, Browser
from tests.support.clients import Response, get
from tests.support.edge import Edge, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOSTILE = "<img src=x onerror=alert(1)>"
"""What would be markup if anything made markup of it."""


class Site:
    """An Edge with a route that works, one without its Service, and names that try to be markup."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder = folder
        self.backend = Backend("web")
        port = self.backend.port
        pair = certificates.issue("web.example", issuer=certificates.authority(HOSTILE))
        self.put(
            "web.yaml",
            objects.ingress_class(),
            objects.service("web", target="http"),
            objects.endpoints("web", "127.0.0.1", port=port),
            objects.secret("tls", tls_crt=pair.certificate, tls_key=pair.key),
            objects.ingress(
                "web", host="web.example", secret="tls", annotations={SSL_REDIRECT: "false", LIMIT: "1000"}
            ),
            objects.ingress("shop", host="shop.example", service="missing"),
            objects.ingress("hostile", host="hostile.example", annotations={BODY_SIZE: HOSTILE}),
        )
        self.edge = Edge(folder, *flags)

    def put(self, name: str, *manifests: dict[str, Any]) -> None:
        """Have the file NAME hold MANIFESTS."""
        write(self.folder, name, *manifests)

    def __enter__(self) -> Site:
        self.edge.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.edge.close()
        self.backend.close()

    @property
    def url(self) -> str:
        """Of the page."""
        return f"http://127.0.0.1:{self.edge.admin}/"

    def get(self, target: str, **fields: str) -> Response:
        """What the admin port answers to a request with header FIELDS."""
        return get(self.edge.admin, target, host="localhost", fields=list(fields.items()))

    def ask(self, times: int = 1) -> None:
        """Send requests to the route that works."""
        for _ in range(times):
            assert self.edge.get("/", host="web.example").status == 200


PREFIX = "nginx.ingress.kubernetes.io/"
SSL_REDIRECT, LIMIT, BODY_SIZE = f"{PREFIX}ssl-redirect", f"{PREFIX}limit-rps", f"{PREFIX}proxy-body-size"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For the tests of a file: while it is open, nothing else can use asyncio in this thread."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed; `make packages` does it")
    with Browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """For the tests of a file."""
    with Site(tmp_path_factory.mktemp("manifests")) as made:
        yield made

"""A data plane under the ConfigMap of ingress-nginx, an application behind it, and one of its hosts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.backends import Backend
from tests.support.configured import Configured
from tests.support.stage import Stage


@pytest.fixture(scope="package")
def configured() -> Iterator[Configured]:
    with Stage() as stage:
        yield Configured(stage)


@pytest.fixture(scope="package")
def backend() -> Iterator[Backend]:
    with Backend() as backend:
        yield backend


@pytest.fixture(scope="package")
def host(configured: Configured, backend: Backend) -> str:
    return configured.serve(backend)


@pytest.fixture(autouse=True)
def _nothing_set(configured: Configured) -> Iterator[None]:
    yield
    configured.configure()

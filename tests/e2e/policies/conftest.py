"""A data plane and an application behind the Service `web`, for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.backends import Backend
from tests.support.ingresses import Annotated


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with Backend() as one:
        yield one


@pytest.fixture(scope="module")
def edge(backend: Backend) -> Iterator[Annotated]:
    with Annotated() as one:
        one.service("web", backend)
        yield one

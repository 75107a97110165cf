"""A data plane and an application behind it, for all tests of a file; a file that needs other ones makes its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.backends import Backend
from tests.support.certificates import trusting_all
from tests.support.clients import Client
from tests.support.stage import Stage


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """As it is without any flag."""
    with Stage() as stage:
        yield stage


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    """Answers whatever a test asks for; see `tests.support.backends`."""
    with Backend() as backend:
        yield backend


@pytest.fixture(params=["plain", "tls"])
def connect(stage: Stage, request: pytest.FixtureRequest) -> Callable[[], Client]:
    """Connections by the one or the other port."""
    return stage.connect if request.param == "plain" else lambda: stage.connect(tls=trusting_all())

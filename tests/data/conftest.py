"""A data plane and an application behind it, for all tests of a file; a file that needs other ones makes its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support.backends import Backend
from tests.support.certificates import trusting_all
from tests.support.clients import Client
from tests.support.play import PAIRS, Played, Scene
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


@pytest.fixture(params=PAIRS, ids="-".join)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    """Makes scenes; a test that uses it runs with each pair of halves that an exchange may have."""
    numbers = itertools.count(1)
    marker = request.node.get_closest_marker("http1")
    if marker is not None and request.param[0] == "h2":
        pytest.skip(marker.args[0])
    marker = request.node.get_closest_marker("http1_endpoint")
    if marker is not None and request.param[1] == "h2":
        pytest.skip(marker.args[0])
    with ExitStack() as stack:

        def make(*policies: Any, **rest: Any) -> Scene:
            directory = tmp_path / str(next(numbers))
            directory.mkdir(mode=0o700)
            return stack.enter_context(Scene(directory, request.param, *policies, **rest))

        yield make


@pytest.fixture
def play(scene: Callable[..., Scene]) -> Callable[..., Played]:
    """Plays one request in a scene of its own."""

    def once(request: Any, *policies: Any, secure: bool = False, peer: Any = None, **rest: Any) -> Played:
        return scene(*policies, **rest).play(request, secure=secure, peer=peer)

    return once

"""A cluster and a real Edge in it, once per file; what a test makes has names of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.backends import Backend
from tests.support.cluster import Cluster, cluster
from tests.support.edge import Edge

QUICKLY = "--no-update-status-on-shutdown"
"""Ends without asking whether another instance is there."""
Start = Callable[..., Edge]


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster of this file."""
    with cluster(tmp_path_factory.mktemp("cluster")) as one:
        yield one


@pytest.fixture(scope="module")
def edge(where: Cluster) -> Iterator[Edge]:
    """Edge in the cluster of this file."""
    with Edge(None, *where.flags, QUICKLY, "--publish-status-address=192.0.2.7") as one:
        yield one


@pytest.fixture(scope="module")
def backend(where: Cluster) -> Iterator[Backend]:
    """A server of this machine."""
    with Backend(name="one", host=where.address) as one:
        yield one


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster of the test's own."""
    with cluster(tmp_path) as one:
        yield one


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts further instances of Edge; they end with the test."""
    running: list[Edge] = []

    def begin(where: Cluster, *flags: str, ready: bool = True) -> Edge:
        one = Edge(None, *where.flags, *flags, ready=ready)
        running.append(one)
        one.__enter__()
        return one

    yield begin
    for one in running:
        one.close()

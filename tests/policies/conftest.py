"""A data plane that believes X-Forwarded-For, so that a test can be any client, and an application behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Site
from tests.support.backends import Backend
from tests.support.stage import Stage


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage("--use-forwarded-headers", "--proxy-real-ip-cidr=127.0.0.0/8") as stage:
        yield stage


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with Backend() as backend:
        yield backend


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """For tests from the annotation on."""
    folder = tmp_path / "manifests"
    folder.mkdir()
    return Site(folder)

"""The Dockerfile is what docs/security.md says of it, and what it installs is pinned to what pyproject.toml asks for.

That the image works is shown by `make image-check`, which performs the Dockerfile's steps and runs the result.
"""

import importlib
import re
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from edge.settings import Settings
from tests.support.rendering import ROOT

HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@pytest.fixture(scope="module")
def dockerfile():
    sys.path.insert(0, str(ROOT / "deploy/image"))
    try:
        yield importlib.import_module("dockerfile")
    finally:
        sys.path.pop(0)


@pytest.fixture
def stages(dockerfile):
    return dockerfile.parse((ROOT / "Dockerfile").read_text())[1]


def of(stage, name):
    return [one for one in stage.instructions if one.name == name]


def pinned(name):
    """Package to version, from a lock; each with at least one hash."""
    found = {}
    for block in re.split(r"\n(?=\S)", (ROOT / "deploy/image" / name).read_text()):
        match = re.match(r"([A-Za-z0-9._-]+)==(\S+)", block)
        if match:
            assert HASH.search(block), match[1]
            found[canonicalize_name(match[1])] = match[2]
    return found


def check_lock(requirements, lock):
    for requirement in map(Requirement, requirements):
        version = lock.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement}: not in the lock; run `make lock`"
        assert requirement.specifier.contains(version), f"{requirement}: {version}; run `make lock`"


def test_the_lock_has_all_that_edge_needs_to_run():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    check_lock(
        [*project["dependencies"], *project["optional-dependencies"]["tracing"]],
        pinned("requirements.lock"),
    )


def test_the_lock_has_all_that_building_needs():
    check_lock(tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"], pinned("build.lock"))


def test_whatever_is_installed_from_an_index_is_pinned_by_hash(stages):
    installs = [
        command
        for stage in stages
        for run in of(stage, "RUN")
        for command in run.text.split("&&")
        if "pip install" in command
    ]
    assert installs
    for command in installs:
        assert "--require-hashes" in command or ("--no-deps" in command and "dist/" in command), command


def test_the_final_stage_has_no_root_no_compiler_and_no_shell_around_edge(stages):
    final = stages[-1]
    assert of(final, "USER")[-1].text == "65532:65532"
    assert of(final, "ENTRYPOINT")[-1].words() == ["edge"]
    assert of(final, "CMD")[-1].words() == ["run"]
    assert "gcc" not in " ".join(run.text for run in of(final, "RUN"))


def test_the_final_stage_names_its_ports_and_what_it_is(stages):
    final = stages[-1]
    ports = {int(word) for expose in of(final, "EXPOSE") for word in expose.words()}
    settings = Settings()
    assert ports == {int(text.rpartition(":")[2]) for text in (*settings.http, *settings.https, settings.admin)}
    labels = dict(of(final, "LABEL")[0].pairs())
    assert {"title", "description", "version", "revision", "licenses"} <= {
        name.removeprefix("org.opencontainers.image.") for name in labels
    }
    assert f":{settings.admin.rpartition(':')[2]}/healthz" in of(final, "HEALTHCHECK")[0].text


@pytest.mark.parametrize("line", ["ADD x /", "RUN --mount=type=cache x", "COPY --link x /", "RUN <<EOF"])
def test_the_rehearsal_refuses_what_it_cannot_do(dockerfile, line):
    with pytest.raises(dockerfile.UnknownInstructionError):
        dockerfile.parse(f"FROM debian:trixie-slim\n{line}\n")

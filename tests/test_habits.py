"""Commits and pull requests run the same checks: one list, in the Makefile and in .ci/run."""

import re
import subprocess
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent


def hooks():
    [repository] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local", "others are fetched from somewhere"
    return repository["hooks"]


def workflow():
    return yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())


def test_the_hooks_are_the_commands_of_make_lint():
    dry = subprocess.run(["make", "--dry-run", "lint"], cwd=ROOT, capture_output=True, text=True, check=True)
    commands = re.findall(r"^\.venv/bin/(?:ruff|mypy|hadolint)\b.*$", dry.stdout, re.MULTILINE)
    assert sorted(commands) == sorted(hook["entry"] for hook in hooks())
    assert len(commands) >= 4


def test_each_job_of_the_workflow_ends_with_what_has_to_pass():
    jobs = workflow()["jobs"]
    assert jobs
    for name, job in jobs.items():
        assert job["steps"][-1] == {"run": ".ci/run"}, name


def test_the_workflow_begins_with_the_oldest_python_that_is_supported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pythons = workflow()["jobs"]["ubuntu"]["strategy"]["matrix"]["python"]
    assert f">={pythons[0]}" == project["requires-python"]
    assert pythons == sorted(pythons, key=lambda one: tuple(map(int, one.split("."))))

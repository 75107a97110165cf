"""Which package may import which: checked in the source and in real processes."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "edge"

FORBIDDEN = [
    ("edge.table", "edge.control", "the vocabulary imports neither side"),
    ("edge.table", "edge.data", "the vocabulary imports neither side"),
    ("edge.control", "edge.data", "the control plane never imports the data plane"),
    ("edge.data", "edge.control", "the data plane never imports the control plane"),
    ("edge.control", "gevent", "the control plane is plain threads"),
    ("edge.control", "greenlet", "the control plane is plain threads"),
    ("edge.control", "gunicorn", "the control plane is plain threads"),
    ("edge.data", "kubernetes", "workers hold no client of the cluster"),
    ("edge.data", "requests", "workers hold no client of the cluster"),
    ("edge.data", "yaml", "workers read the table and nothing else"),
    ("edge.table", "gevent", "the table is read by anybody"),
    ("edge.table", "kubernetes", "the table is read by anybody"),
]
SMALL_THINGS = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem not in ("__init__", "__main__", "cli"))
"""The modules beside the packages: shared by both sides, so they import neither."""


def sources() -> Iterator[tuple[str, Path]]:
    """Every module of the package with its file, compiled ones too."""
    for pattern in ("*.py", "*.pyx", "*.pxd", "*.pyi"):
        for path in sorted(PACKAGE.rglob(pattern)):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(module: str, path: Path) -> set[str]:
    """Names of the modules that MODULE imports, at the top or within functions, also for types only."""
    text = path.read_text()
    if path.suffix in (".pyx", ".pxd"):
        found = re.findall(r"^\s*(?:from\s+([\w.]+)\s+c?import|c?import\s+([\w.]+))", text, re.MULTILINE)
        return {first or second for first, second in found}
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are absolute"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize(("importer", "imported", "reason"), FORBIDDEN)
def test_borders(importer: str, imported: str, reason: str) -> None:
    """No module of the one package names the other, not even within a function."""
    checked = [(module, path) for module, path in sources() if within(module, importer)]
    assert checked
    for module, path in checked:
        for name in imports(module, path):
            assert not within(name, imported), f"{module} imports {name}: {reason}"


@pytest.mark.parametrize("module", SMALL_THINGS)
def test_small_things_import_neither_side(module: str) -> None:
    """What both sides share depends on none of them."""
    for name in imports(f"edge.{module}", PACKAGE / f"{module}.py"):
        assert not within(name, "edge.control"), f"edge.{module} imports {name}"
        assert not within(name, "edge.data"), f"edge.{module} imports {name}"


# Floors, the lowest first: a module imports those of its own package and of lower floors. Packages on one floor do not
# know each other.
FLOORS = {
    "edge.data": (
        ("net",),
        ("http",),
        ("http.h1", "http.h2"),
        ("exchange",),
        ("upstream",),
        ("observe",),
        ("policies",),
        ("routing",),
        ("handling",),
        ("connections", "streams"),
        ("accepting",),
        ("process",),
    ),
    "edge.control": (
        ("agenda", "containment", "kinds"),
        ("api", "translate"),
        ("sources", "compiling"),
        ("publishing",),
        ("answers", "serving"),
        ("plane", "check"),
    ),
}


def floor_of(module: str, side: str) -> tuple[int, str]:
    """Number of the floor of SIDE that MODULE is on, and its package there; -1: on none."""
    fitting = [
        (number, f"{side}.{package}")
        for number, floor in enumerate(FLOORS[side])
        for package in floor
        if within(module, f"{side}.{package}")
    ]
    return max(fitting, key=lambda one: len(one[1]), default=(-1, ""))


@pytest.mark.parametrize("side", FLOORS)
def test_floors(side: str) -> None:
    """Nothing is imported from a higher floor or from a neighbour, not even for types only or by cimport."""
    checked = [(module, path) for module, path in sources() if within(module, side) and module != side]
    assert {floor_of(module, side)[1] for module, _ in checked} == {
        f"{side}.{package}" for floor in FLOORS[side] for package in floor
    }, "a package that is on no floor, or a floor without modules"
    wrong = []
    for module, path in checked:
        number, package = floor_of(module, side)
        for name in imports(module, path):
            if within(name, side):
                below, other = floor_of(name, side)
                if below < 0 or (other != package and below >= number):
                    wrong.append(f"{module} imports {name}")
    assert not wrong, "\n".join(wrong)


def graph() -> dict[str, set[str]]:
    """The modules of the package that each of them imports: itself, its `.pxd` and its stub."""
    known = {module for module, _ in sources()}
    found: dict[str, set[str]] = {module: set() for module in known}
    for module, path in sources():
        for name in imports(module, path):
            target = name if name in known else name.rpartition(".")[0]
            if target in known and target != module:
                found[module].add(target)
    return found


def circle(imported: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle; empty: there are none."""
    clear: set[str] = set()

    def follow(module: str, way: list[str]) -> list[str]:
        if module in way:
            return [*way[way.index(module) :], module]
        if module not in clear:
            for target in sorted(imported[module]):
                if found := follow(target, [*way, module]):
                    return found
            clear.add(module)
        return []

    return next((found for module in sorted(imported) if (found := follow(module, []))), [])


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Anywhere in the package, not even for types only or by cimport."""
    assert not circle(graph()), " -> ".join(circle(graph()))


def test_circles_are_found() -> None:
    """The test above can fail."""
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def loaded_by(module: str) -> set[str]:
    """All modules of a process that has imported MODULE alone."""
    script = f"import sys, {module}; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_the_proxy_is_free_of_the_control_plane() -> None:
    """Arbiter and workers hold neither the cluster's client nor what reads manifests, by any way round."""
    loaded = loaded_by("edge.data.process.application")
    assert "edge.data.process.worker" in loaded
    for package in ("edge.control", "kubernetes", "requests", "urllib3", "yaml", "prometheus_client", "cryptography"):
        assert not [name for name in loaded if within(name, package)], package


def test_the_control_plane_is_free_of_gevent() -> None:
    """Its threads are the system's."""
    loaded = loaded_by("edge.control.plane")
    for package in ("edge.data", "gevent", "greenlet", "gunicorn"):
        assert not [name for name in loaded if within(name, package)], package


def test_the_launcher_is_small() -> None:
    """It lives as long as the container, and imports little even of the standard library."""
    script = "import sys, edge.launcher; print(*sys.modules, sep='\\n')"
    command = [sys.executable, "-S", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd=ROOT)
    loaded = set(done.stdout.split())
    assert {name for name in loaded if within(name, "edge")} == {"edge", "edge.launcher"}
    assert not loaded & {"typing", "logging", "argparse", "enum", "pathlib", "re", "ctypes", "dataclasses", "shutil"}


def test_what_starts_both_sides_is_free_of_them() -> None:
    """What it has imported when it forks is in the memory of all processes."""
    loaded = loaded_by("edge.common, edge.start")
    assert "edge.table.reader" in loaded
    for package in ("edge.control", "edge.data", "gevent", "gunicorn", "kubernetes", "yaml", "cryptography"):
        assert not [name for name in loaded if within(name, package)], package


def test_what_both_sides_import_is_imported_before_they_are_forked() -> None:
    """So that they share its pages."""
    both = loaded_by("edge.control.plane") & loaded_by("edge.data.process.application")
    assert "edge.table.reader" in both
    assert not both - loaded_by("edge.common, edge.start, edge.cli")


def test_every_module_says_what_it_is_for() -> None:
    """By a docstring of its own; a stub of types goes without."""
    for module, path in sources():
        if path.suffix in (".py", ".pyx"):
            first = next(line for line in path.read_text().splitlines() if line and not line.startswith("#"))
            assert first.startswith('"""'), module


def test_private_names_of_other_projects_are_met_in_one_place() -> None:
    """What leans on the inside of Python or gevent is in `edge.data.net.private`, and nowhere else."""
    private = re.compile(
        r"(?:from|import)\s+(_ssl|_socket|gevent\._\w+|gevent\.\w+\._\w+)\b|\._sslobj\b|\._wrap_socket\b"
    )
    for module, path in sources():
        if module != "edge.data.net.private":
            found = private.search(path.read_text())
            assert found is None, f"{module}: {found and found[0]}"


def test_the_repository_knows_no_machine() -> None:
    """No path of somebody's machine, and nothing that only one of them has."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git repository")
    # Spelt in pieces, for this file is looked at too.
    machine = re.compile(rb"/ho" rb"me/\w+|/wo" rb"rk/\w+|/tmp/br" rb"ief")
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file() and not path.is_symlink():
            found = machine.search(path.read_bytes())
            assert found is None, f"{name}: {found and found[0]!r}"

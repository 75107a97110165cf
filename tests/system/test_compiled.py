"""A compiled module that does not match its source is named before it runs; an installed package compares nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from Cython.Build.Dependencies import create_dependency_tree

from edge.system import compiled
from edge.system.compiled import PACKAGE, RECORD, SUFFIX

ROOT = PACKAGE.parent


@pytest.fixture
def package(tmp_path):
    """A leaf, a plain module with types that cimports it, and one that is not compiled; as if just built."""
    made = tmp_path / "edge"
    (made / "net").mkdir(parents=True)
    (made / "net/leaf.pyx").write_text("cdef class Leaf:\n    pass\n")
    (made / "net/leaf.pxd").write_text("cdef class Leaf:\n    cdef int n\n")
    (made / "way.py").write_text("class Way:\n    pass\n")
    (made / "way.pxd").write_text("cimport edge.net.leaf as c_leaf\n")
    (made / "plain.py").write_text("")
    build(made)
    return made


def build(package):
    for source in compiled.sources(package):
        source.with_suffix(SUFFIX).touch()
    compiled.record(compiled.digests(package), package)


def edit(path):
    path.write_text(path.read_text() + "# edited\n")


def test_what_was_just_built_is_current(package):
    assert compiled.complaint(package) == ""


@pytest.mark.parametrize(
    ("edited", "named"),
    [
        ("net/leaf.pyx", ["edge.net.leaf"]),
        ("way.py", ["edge.way"]),
        ("way.pxd", ["edge.way"]),
        ("net/leaf.pxd", ["edge.net.leaf", "edge.way"]),
        ("plain.py", []),
    ],
)
def test_an_edit_names_the_modules_that_it_touches(package, edited, named):
    edit(package / edited)
    assert compiled.stale(package) == named
    build(package)
    assert compiled.stale(package) == []


def test_an_edit_counts_with_an_old_time_too(package):
    before = (package / "way.py").stat()
    edit(package / "way.py")
    os.utime(package / "way.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert compiled.stale(package) == ["edge.way"]


def test_new_times_alone_do_not_count(package):
    """As after `git checkout` of another branch and back."""
    for path in package.rglob("*.p*"):
        os.utime(path, (2**31 - 1, 2**31 - 1))
    assert compiled.stale(package) == []


def test_the_options_of_the_compiler_count(package):
    (package.parent / "setup.py").write_text("MACROS = []\n")
    assert compiled.stale(package) == ["edge.net.leaf", "edge.way"]


def test_a_module_that_was_never_built_is_named(package):
    (package / "plain.pxd").write_text("")
    assert compiled.stale(package) == ["edge.plain"]


def test_a_module_that_was_built_for_another_interpreter_is_named(package):
    (package / "way").with_suffix(SUFFIX).rename(package / "way.cpython-30-x86_64-linux-gnu.so")
    assert compiled.stale(package) == ["edge.way"]


def test_a_binary_without_source_is_named_and_removed_by_the_next_build(package):
    """Python would go on with it: the plain module of the same name is not asked."""
    (package / "way.pxd").unlink()
    assert compiled.stale(package) == ["edge.way"]
    build(package)
    assert compiled.stale(package) == []
    assert not (package / "way").with_suffix(SUFFIX).exists()
    assert (package / "way.py").exists()


def test_the_complaint_names_a_few_and_the_way_out(package):
    for number in range(9):
        (package / f"n{number}.pyx").write_text("")
    assert compiled.complaint(package) == (
        "compiled modules do not match their source: edge.n0, edge.n1, edge.n2, edge.n3, edge.n4 and 4 more; "
        "run `make .venv`"
    )


def test_the_dependencies_are_those_that_cython_sees(monkeypatch):
    monkeypatch.chdir(ROOT)
    tree = create_dependency_tree(quiet=True)
    for source in compiled.sources(Path("edge")):
        seen = {Path(path) for path in tree.all_dependencies(str(source))}
        ours = {path for path in seen if not path.is_absolute()}
        assert set(compiled.dependencies(source, Path("edge"))) == ours, source


# --- with the real parts ----------------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path):
    """A checkout with the compiled modules of this one; files are links."""
    for path in [*PACKAGE.rglob("*"), ROOT / "setup.py"]:
        if path.is_file() and "__pycache__" not in path.parts:
            link = tmp_path / path.relative_to(ROOT)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
    return tmp_path


def change(checkout, name):
    path = checkout / name
    text = path.read_text()
    path.unlink()
    path.write_text(text + "# edited\n")


def run(checkout, *arguments):
    environment = os.environ | {"PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-P", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60)


COMPLAINT = "compiled modules do not match their source: edge.table.reader; run `make .venv`\n"


def test_edge_does_not_start_with_a_module_of_old_source(checkout, tmp_path):
    (tmp_path / "empty").mkdir()
    assert run(checkout, "-m", "edge", "check", str(tmp_path / "empty")).returncode == 0
    change(checkout, "edge/table/reader.py")
    done = run(checkout, "-m", "edge", "check", str(tmp_path / "empty"))
    assert done.returncode == 2
    assert done.stderr == f"edge check: {COMPLAINT}"


def test_an_installed_package_compares_nothing(checkout, tmp_path):
    (checkout / "edge" / RECORD).unlink()
    change(checkout, "edge/table/reader.py")
    (tmp_path / "empty").mkdir()
    script = f"""
import sys
from edge.cli import main
assert main(["check", {str(tmp_path / "empty")!r}]) == 0
assert "edge.system.compiled" not in sys.modules
"""
    done = run(checkout, "-c", script)
    assert done.returncode == 0, done.stderr


def collect(checkout):
    return run(
        checkout, "-m", "pytest", "-p", "no:cacheprovider", "-o", f"pythonpath={checkout} .", "--co", "tests/table"
    )


def test_the_tests_do_not_start_with_a_module_of_old_source(checkout):
    change(checkout, "edge/table/reader.py")
    done = collect(checkout)
    assert done.returncode == 1
    assert done.stderr == COMPLAINT


def test_the_tests_do_not_start_with_nothing_built(checkout):
    (checkout / "edge" / RECORD).unlink()
    assert "run `make .venv`" in collect(checkout).stderr


def test_the_tests_start_with_what_is_current(checkout):
    done = collect(checkout)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(300)
def test_a_build_compiles_what_has_changed_and_its_record_stays_out_of_wheels(tmp_path):
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "edge/__init__.py", "edge/system/compiled.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    package = tmp_path / "edge"
    for name in ("kept", "edited"):
        (package / f"{name}.pyx").write_text('"""A leaf."""\nVALUE = 1\n')

    def build():
        command = [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=240)
        values = "import edge.kept, edge.edited; print(edge.kept.VALUE, edge.edited.VALUE)"
        return run(tmp_path, "-c", values).stdout.split()

    assert build() == ["1", "1"]
    kept = (package / "kept").with_suffix(SUFFIX).stat().st_mtime_ns
    source = package / "edited.pyx"
    source.write_text(source.read_text().replace("1", "2"))
    os.utime(source, (0, 0))  # Cython and make would see nothing to do
    assert compiled.stale(package) == ["edge.edited"]
    assert build() == ["1", "2"]
    assert compiled.stale(package) == []
    assert (package / "kept").with_suffix(SUFFIX).stat().st_mtime_ns == kept

    subprocess.run(
        [sys.executable, "setup.py", "--quiet", "build_py", "--build-lib", "wheel"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert (tmp_path / "wheel/edge/kept.pyx").exists()
    assert not (tmp_path / "wheel/edge" / RECORD).exists()

"""The files beside a compiled module match the module: `*.pyi` for mypy, `*.pxd` for Cython.

Cython and mypy each believe it without looking: an attribute that a stub wrongly calls writable, or one that a `.pxd`
does not have, fails only when a request comes that way.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from edge.system.compiled import PACKAGE, sources

ROOT = PACKAGE.parent
STUBS = sorted(PACKAGE.rglob("*.pyi"))
PLAIN = [path for path in sources() if path.suffix == ".py"]

OF_CYTHON_ALONE = r"""
# What Cython puts into a module or class.
.*\.__(reduce|setstate)_cython__
.*\.__test__
.*\.__pyx_capi__
# What only other Cython modules use.
edge\.control\.serving\.metrics\._text\.(Pieces|VALUES)
edge\.data\.net\._poller\.Events
edge\.data\.net\._scheduler\.(Place|Scheduler|Watch)
edge\.data\.net\._tls\.(End|OpenSslTls|PythonTls|Tls)
"""


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def short(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


# --- what Cython source declares --------------------------------------------------------------------------------------


class Declared(NamedTuple):
    """A class in a `.pxd` or `.pyx`."""

    base: str
    attributes: dict[str, str]
    """Name to `public`, `readonly`, or empty: for Cython alone."""
    methods: dict[str, list[str]]
    """Name to parameters without self; `*` for what follows being named, `=` behind one that has a default."""


def parameters(text: str) -> list[str]:
    found = []
    for one in re.split(r",\s*(?![^\[]*\])", text.strip().rstrip(",")):
        left, default, _ = one.partition("=")
        words = left.replace(" not None", "").split()
        if words:
            found.append(words[-1].lstrip("*&") + default if words != ["*"] else "*")
    return [name for name in found if name != "self"]


def declared(text: str) -> dict[str, Declared]:
    """The extension classes that TEXT declares."""
    found = {}
    for match in re.finditer(r"^cdef class (\w+)(?:\(([\w.]+)\))?:\n((?:(?: {4}.*)?\n)+)", text, re.MULTILINE):
        name, base, body = match.groups()
        attributes = {}
        for kind, names in re.findall(
            r"^ {4}cdef (public |readonly |)(?:[\w.]+ )+\**(\w+(?:\[\w+\])?(?:, \**\w+)*)$", body, re.MULTILINE
        ):
            attributes |= {one.strip(" *").partition("[")[0]: kind.strip() for one in names.split(",")}
        methods = re.findall(r"^ {4}(?:cpdef|cdef|def) (?:[\w. ]+ \**)?(\w+)\(([^)]*)\)", body, re.MULTILINE)
        found[name] = Declared(
            (base or "").rpartition(".")[2], attributes, {one: parameters(said) for one, said in methods}
        )
    return found


def test_declarations_are_understood() -> None:
    text = """
cdef class Part(c_table.Base):
    cdef public object a
    cdef readonly unsigned long long b, c
    cdef char *d
    cdef char e[8]

    cpdef bint changed(self, Py_ssize_t n, tuple tried=*) except -1
    def __init__(self, sock not None, *,
                 bint flag=False):
        cdef int local
"""
    assert declared(text) == {
        "Part": Declared(
            "Base",
            {"a": "public", "b": "readonly", "c": "readonly", "d": "", "e": ""},
            {"changed": ["n", "tried="], "__init__": ["sock", "*", "flag="]},
        )
    }


# --- stubs ------------------------------------------------------------------------------------------------------------


def test_the_stubs_have_the_names_and_parameters_that_were_built(tmp_path: Path) -> None:
    """All of them, in both directions; constructors are looked at below."""
    pytest.importorskip("mypy")
    allowed = tmp_path / "allowed"
    allowed.write_text(OF_CYTHON_ALONE)
    command = [sys.executable, "-P", "-m", "mypy.stubtest", "--concise", "--ignore-disjoint-bases"]
    command += ["--mypy-config-file", "pyproject.toml"]
    done = subprocess.run(
        [*command, "--allowlist", str(allowed), *map(dotted, STUBS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert STUBS
    assert done.returncode == 0, done.stdout + done.stderr


def cython(stub: Path) -> dict[str, Declared]:
    """The classes of the module that STUB describes; attributes stand in the `.pxd` where there is one."""
    found = declared(stub.with_suffix(".pyx").read_text())
    shared = stub.with_suffix(".pxd")
    for name, one in declared(shared.read_text() if shared.exists() else "").items():
        found[name].attributes.update(one.attributes)
    return found


def classes(path: Path) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)}


def functions(node: ast.ClassDef) -> dict[str, ast.FunctionDef]:
    return {one.name: one for one in node.body if isinstance(one, ast.FunctionDef)}


def of_python(function: ast.FunctionDef) -> list[str]:
    """The parameters of FUNCTION as `Declared` writes them."""
    said = function.args
    names = [one.arg for one in [*said.posonlyargs, *said.args]]
    first = len(names) - len(said.defaults)
    found = [name + "=" * (number >= first) for number, name in enumerate(names)][1:]
    named = [
        one.arg + "=" * (default is not None) for one, default in zip(said.kwonlyargs, said.kw_defaults, strict=True)
    ]
    return found + ["*"] * bool(named) + named


@pytest.mark.parametrize("stub", STUBS, ids=short)
def test_a_stub_has_the_constructors_of_its_module(stub: Path) -> None:
    """Python cannot say what parameters they take."""
    built = cython(stub)
    for name, node in classes(stub).items():
        methods = functions(node)
        made = built[name].methods
        ours = methods.get("__new__") or methods.get("__init__")
        assert (of_python(ours) if ours else []) == made.get("__cinit__", made.get("__init__", [])), name


@pytest.mark.parametrize("stub", STUBS, ids=short)
def test_a_stub_calls_writable_what_is(stub: Path) -> None:
    built = cython(stub)
    for name, node in classes(stub).items():
        said = {
            one.target.id for one in node.body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
        }
        assert said == {one for one, kind in built[name].attributes.items() if kind == "public"}, name


# --- types beside plain modules ---------------------------------------------------------------------------------------


def all_declared() -> dict[str, Declared]:
    """Every extension class of the package: names are unique."""
    found: dict[str, Declared] = {}
    for path in [*PACKAGE.rglob("*.pxd"), *PACKAGE.rglob("*.pyx")]:
        for name, one in declared(path.read_text()).items():
            known = found.get(name, one)
            found[name] = Declared(
                one.base or known.base, known.attributes | one.attributes, known.methods | one.methods
            )
    return found


def lineage(name: str, known: dict[str, Declared]) -> list[str]:
    """The class NAME and those that it comes from."""
    found = []
    while name:
        found.append(name)
        name = known[name].base
    return found


def with_bases(name: str, known: dict[str, Declared]) -> set[str]:
    """The attributes of the class NAME and of those that it comes from."""
    return {attribute for one in lineage(name, known) for attribute in known[one].attributes}


def stored(tree: ast.AST, owner: str | None = None) -> set[str]:
    """The attributes that TREE assigns; OWNER: those of this variable."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and (owner is None or (isinstance(node.value, ast.Name) and node.value.id == owner))
    }


@pytest.mark.parametrize("module", PLAIN, ids=short)
def test_a_pxd_has_the_attributes_that_the_class_assigns(module: Path) -> None:
    """And no others: one that is missing is an AttributeError at work, one too many is memory for nothing."""
    known = all_declared()
    nodes = {name: node for path in (*PLAIN, module) for name, node in classes(path).items()}  # its own names win
    for name, one in declared(module.with_suffix(".pxd").read_text()).items():
        assert stored(nodes[name], "self") <= with_bases(name, known), name
        heirs = [node for heir, node in nodes.items() if heir in known and name in lineage(heir, known)]
        assigned = {attribute for node in heirs for attribute in stored(node, "self")}
        left = {attribute for attribute, kind in one.attributes.items() if kind != "public"} - assigned
        assert not left, f"{name}: nothing assigns {left}"


def test_a_public_attribute_of_a_pxd_is_assigned_by_somebody() -> None:
    assigned = {name for path in PACKAGE.rglob("*.py") for name in stored(ast.parse(path.read_text()))}
    for module in PLAIN:
        for name, one in declared(module.with_suffix(".pxd").read_text()).items():
            assert one.attributes.keys() <= assigned, name


@pytest.mark.parametrize("module", PLAIN, ids=short)
def test_a_pxd_names_the_parameters_as_the_class_does(module: Path) -> None:
    nodes = classes(module)
    for name, one in declared(module.with_suffix(".pxd").read_text()).items():
        defined = functions(nodes[name])
        for method, said in one.methods.items():
            assert said == of_python(defined[method]), f"{name}.{method}"

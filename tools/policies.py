"""Writes docs/policies.md from the lists of policies: python tools/policies.py (make docs)."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.defaults import FLAGS
from edge.control.translate.annotations.policies import OTHERS, UNITS
from edge.data.policies import ORDER

if TYPE_CHECKING:
    from types import ModuleType

    from edge.table.policies.policy import Policy

TARGET: Final = Path(__file__).parents[1] / "docs/policies.md"
HEAD: Final = """\
# Policies

Made from the code by `tools/policies.py`.

A *policy* is what a route has beside host, path and backend. The table lists all of them in the order in which they
act (`edge.data.policies.ORDER`), the first one at the top. The annotations have the prefix
`nginx.ingress.kubernetes.io/`; [migration](migration.md) says how they differ from ingress-nginx. A process-wide key
gives the value for all Ingresses, and an annotation of the same name overrides it. A policy with neither is for the
Gateway API, for canaries or for keys of the ConfigMap.

| phase | what its steps do |
|---|---|
| gate | answers the request itself, or lets it pass |
| choice | chooses the backend; without a choice the weights decide |
| endpoint | chooses the endpoint by the request; without it the balancer does |
| request | changes the request that the endpoint gets |
| tee | sees the request as the endpoint gets it |
| intercept | answers in place of an endpoint's response |
| response | changes the response that the client gets |
| exchange | sets a value that the exchange reads: a limit, a timeout, whether it is logged |

| policy | phase | what it does | annotations | process-wide keys |
|---|---|---|---|---|
"""
TAIL: Final = """
How to add one is in [CONTRIBUTING](../CONTRIBUTING.md#adding-a-policy).
"""
PHASES: Final = {
    "gates": "gate",
    "checks": "gate",
    "check": "gate",
    "choices": "choice",
    "choosing": "endpoint",
    "edits": "request",
    "tees": "tee",
    "intercepts": "intercept",
    "answers": "response",
    "fields": "response",
    "secure_fields": "response",
    "replaced": "response",
    "secure_replaced": "response",
    "set_fields": "response",
    "hidden": "response",
    "set_by_host": "response",
    "inherited": "response",
}
"""The phase of each attribute that adds a step to `edge.data.policies.phases.Phases`; the exchange reads all others,
but for those of `GIVEN`."""
GIVEN: Final = frozenset({"resources", "route", "owner", "scope"})
"""What steps are made with."""


def text() -> str:
    """The whole page."""
    return HEAD + "".join(_row(record, module) for record, module in ORDER) + TAIL


def phases(module: ModuleType) -> list[str]:
    """The phases to which MODULE adds steps: the attributes of `phases` that it names, in their order."""
    tree = ast.walk(ast.parse(source(module)))
    attributes = (node for node in tree if isinstance(node, ast.Attribute))
    named = {PHASES.get(one.attr, "exchange") for one in attributes if _is_phases(one.value) and one.attr not in GIVEN}
    return [phase for phase in dict.fromkeys((*PHASES.values(), "exchange")) if phase in named]


def source(module: ModuleType) -> str:
    """The source of MODULE, which may be compiled."""
    return (TARGET.parents[1] / f"{module.__name__.replace('.', '/')}.py").read_text()


def _is_phases(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "phases"


def units(record: type[Policy]) -> list[ModuleType]:
    """The readers of annotations that make a RECORD."""
    return [unit for unit in (*UNITS, *OTHERS) if record in vars(unit).values()]


def keys(unit: ModuleType) -> set[str]:
    """The process-wide keys that UNIT reads."""
    tree = ast.walk(ast.parse(source(unit)))
    return {node.value for node in tree if isinstance(node, ast.Constant) and node.value in FLAGS}


def _row(record: type[Policy], module: ModuleType) -> str:
    readers = units(record)
    names = sorted({name for unit in readers for name in unit.NAMES})
    process_wide = sorted({key for unit in readers for key in keys(unit)})
    does = (record.__doc__ or "").partition("\n")[0].replace("|", "\\|")
    for name in record.__struct_fields__:  # docstrings have fields in capitals
        does = re.sub(rf"\b{name.upper()}\b", f"`{name}`", does)
    cells = (f"`{record.__name__}`", ", ".join(phases(module)), does, _code(names), _code(process_wide))
    return f"| {' | '.join(cells)} |\n".replace("|  |", "| |").replace("|  |", "| |")


def _code(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    TARGET.write_text(text())

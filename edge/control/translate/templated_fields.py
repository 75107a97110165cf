"""Fields whose values may have variables."""

from __future__ import annotations

from edge.table import templates, variables
from edge.table.fields import name_fault, value_fault


def fault_of(name: str, value: str, allowed: frozenset[str] = variables.REQUEST) -> str:
    """Why the field NAME cannot be sent with VALUE, in which `$name` is one of the variables ALLOWED; empty: it can."""
    fault = name_fault(name) or value_fault(value)
    if fault:
        return fault
    try:
        templates.parse(value, allowed)
    except templates.TemplateError as error:
        return str(error)
    return ""

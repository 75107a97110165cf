"""Label selectors (Kubernetes docs, "Labels and Selectors")."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.control.kinds.gateway import LabelSelector, SelectorRequirement


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether SELECTOR selects what has LABELS; an empty one selects everything."""
    return all(labels.get(key) == value for key, value in selector.match_labels.items()) and all(
        _is_met(one, labels.get(one.key)) for one in selector.match_expressions
    )


def _is_met(requirement: SelectorRequirement, value: str | None) -> bool:
    if requirement.operator == "In":
        return value in requirement.values
    if requirement.operator == "NotIn":
        return value not in requirement.values
    if requirement.operator == "Exists":
        return value is not None
    return requirement.operator == "DoesNotExist" and value is None

"""The results for the status of a route, from its translation (Gateway API, RouteStatus)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from edge.control.translate.gateway.facts import FINE, RouteFacts, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.control.kinds.problems import Problem
    from edge.control.translate.gateway.attaching import Attachment
    from edge.control.translate.gateway.backends import BackendReader

REFERENCES: Final = {
    "MissingService": "BackendNotFound",
    "MissingPort": "BackendNotFound",
    "InvalidKind": "InvalidKind",
    "RefNotPermitted": "RefNotPermitted",
}
"""Reasons of the condition ResolvedRefs, by those of problems."""


def facts(
    attachment: Attachment, backends: BackendReader, refused: Sequence[Problem] = (), *, all_refused: bool = False
) -> RouteFacts | None:
    """For the status; REFUSED is what of the rules is not served; None: no parent is ours."""
    if not attachment.parents:
        return None
    parents = attachment.parents
    partly = FINE
    if refused:
        partly = Verdict("UnsupportedValue", f"{refused[0]}")
        if all_refused:
            parents = [one if one.accepted.reason else replace(one, accepted=partly, listeners=()) for one in parents]
            partly = FINE
    references = next((one for one in backends.problems if one.reason in REFERENCES), None)
    verdict = Verdict(REFERENCES[references.reason], references.message) if references is not None else FINE
    return RouteFacts(tuple(parents), verdict, partly, tuple(backends.policies))

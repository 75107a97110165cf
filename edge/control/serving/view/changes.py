"""`/api/changes`: the last publications of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge.control.serving.view import lists

if TYPE_CHECKING:
    from edge.control.publishing.history import Entry, History
    from edge.control.serving.view.lists import Question


class Changes:
    """The HISTORY of the table."""

    def __init__(self, history: History) -> None:
        self._history = history

    def listed(self, question: Question) -> dict[str, Any]:
        """Those that QUESTION asks for, the newest first."""
        lists.known(question, "limit", "offset")
        shown, about = lists.part(question, self._history.entries()[::-1])
        return {**about, "changes": [_entry(one) for one in shown]}

    def newest(self) -> int:
        """Number of the last change; 0: there is none."""
        entries = self._history.entries()
        return entries[-1].number if entries else 0

    def since(self, number: int) -> list[dict[str, Any]]:
        """Those after the one with this NUMBER, the oldest first."""
        return [_entry(one) for one in self._history.entries() if one.number > number]


def _entry(one: Entry) -> dict[str, Any]:
    first = [
        {"action": action, "kind": name.kind, "namespace": name.namespace, "name": name.name}
        for action, name in one.first
    ]
    return {
        "id": one.number,
        "time": one.time,
        "generation": one.generation,
        "seconds": one.seconds,
        "objects": {"total": one.objects, "first": first},
        "touched": {sort: {"total": names.total, "first": names.first} for sort, names in one.touched.items()},
        "problems": {"appeared": one.appeared, "gone": one.gone},
    }

"""Writes the tables of annotations in docs/migration.md: python tools/migration.py (make docs)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge.control.translate.annotations.catalogue import Support, catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable

TARGET: Final = Path(__file__).parents[1] / "docs/migration.md"
BEGIN: Final = "<!-- Made from the code by tools/migration.py, up to the end mark. -->\n"
END: Final = "<!-- end -->\n"
_SUPPORTED: Final = (Support.HONOURED, Support.DIFFERENT)


def text(page: str) -> str:
    """PAGE with its tables made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{tables()}{END}{after}"


def tables() -> str:
    """Both tables: what is honoured, and the rest."""
    entries = catalogue()
    honoured = [entry for entry in entries if entry.support in _SUPPORTED]
    rest = [entry for entry in entries if entry.support not in _SUPPORTED]
    return (
        f"\nOf {len(entries)} annotations {len(honoured)} are honoured. An empty cell says that nothing differs.\n\n"
        "| annotations | what they are about | how Edge differs |\n|---|---|---|\n"
        f"{_rows((entry.name, entry.subject, entry.remark) for entry in honoured)}\n"
        "| other annotations | what Edge does | why |\n|---|---|---|\n"
        f"{_rows((entry.name, entry.support.value, entry.remark) for entry in rest)}\n"
    )


def _rows(entries: Iterable[tuple[str, str, str]]) -> str:
    """A row for each pair of cells, in the order in which they first come, with all names that have them."""
    rows: dict[tuple[str, str], list[str]] = {}
    for name, *cells in entries:
        rows.setdefault((cells[0], cells[1].replace("|", "\\|")), []).append(f"`{name}`")
    text = "".join(f"| {' '.join(names)} | {first} | {second} |\n" for (first, second), names in rows.items())
    return text.replace("|  |", "| |")


if __name__ == "__main__":
    TARGET.write_text(text(TARGET.read_text()))

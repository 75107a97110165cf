"""Writes the tables of annotations and flags in docs/migration.md: python tools/migration.py (make docs)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge import options
from edge.control.translate.annotations.catalogue import Support, catalogue
from edge.control.translate.configmap import catalogue as configmap
from edge.nginx_flags import DIFFERENCES, HONOURED, IGNORED, RENAMED
from edge.table import templates, variables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.control.translate.annotations.catalogue import Entry

TARGET: Final = Path(__file__).parents[1] / "docs/migration.md"
BEGIN: Final = "<!-- Made from the code by tools/migration.py, up to the end mark. -->\n"
KEYS: Final = "<!-- Keys: made from the code by tools/migration.py, up to the end mark. -->\n"
FLAGS: Final = "<!-- Flags: made from the code by tools/migration.py, up to the end mark. -->\n"
VARIABLES: Final = "<!-- Variables: made from the code by tools/migration.py, up to the end mark. -->\n"
END: Final = "<!-- end -->\n"
_SUPPORTED: Final = (Support.HONOURED, Support.DIFFERENT)


def text(page: str) -> str:
    """PAGE with its tables regenerated."""
    for begin, made in ((BEGIN, tables()), (KEYS, keys()), (FLAGS, flags()), (VARIABLES, request_variables())):
        before, _, rest = page.partition(begin)
        _, _, after = rest.partition(END)
        page = f"{before}{begin}{made}{END}{after}"
    return page


def tables() -> str:
    """Both tables of annotations: what is honoured, and the rest."""
    return _tables(catalogue(), "annotations")


def keys() -> str:
    """Both tables of keys of the ConfigMap."""
    return _tables(configmap.catalogue(), "keys")


def _tables(entries: tuple[Entry, ...], what: str) -> str:
    honoured = [entry for entry in entries if entry.support in _SUPPORTED]
    rest = [entry for entry in entries if entry.support not in _SUPPORTED]
    return (
        f"\nOf {len(entries)} {what} {len(honoured)} are honoured. An empty cell says that nothing differs.\n\n"
        f"| {what} | what they are about | how Edge differs |\n|---|---|---|\n"
        f"{_rows((entry.name, entry.subject, entry.remark) for entry in honoured)}\n"
        f"| other {what} | what Edge does | why |\n|---|---|---|\n"
        f"{_rows((entry.name, entry.support.value, entry.remark) for entry in rest)}\n"
    )


def flags() -> str:
    """Both tables of flags: those that do something, and the rest."""
    settings = {options.flag(field)[2:] for field in options.FIELDS.values()}
    working = {name: DIFFERENCES.get(name, "") for name in HONOURED}
    working |= {name: DIFFERENCES.get(name, "") for name in IGNORED.keys() & settings}
    working |= {name: one.remark or working.get(name, "") for name, one in RENAMED.items()}
    rest = {name: why for name, why in IGNORED.items() if name not in settings}
    return (
        f"\nOf {len(working) + len(rest)} flags {len(working)} do something. An empty cell says that nothing differs."
        "\n\n"
        "| flags | how Edge differs |\n|---|---|\n"
        f"{_flag_rows(working)}\n"
        "| flags without effect | why |\n|---|---|\n"
        f"{_flag_rows(rest)}\n"
    )


def request_variables() -> str:
    """The variables of requests, as a list."""
    names = (f"`${name}{'NAME' if name in templates.FAMILIES else ''}`" for name in sorted(variables.REQUEST))
    return f"\n{', '.join(names)}.\n\n"


def _flag_rows(remarks: dict[str, str]) -> str:
    rows: dict[str, list[str]] = {}
    for name, remark in sorted(remarks.items()):
        rows.setdefault(remark, []).append(f"`-{name}`" if len(name) == 1 else f"`--{name}`")
    return "".join(f"| {' '.join(names)} | {remark} |\n".replace("|  |", "| |") for remark, names in rows.items())


def _rows(entries: Iterable[tuple[str, str, str]]) -> str:
    """A row for each pair of cells, in the order in which they first come, with all names that have them."""
    rows: dict[tuple[str, str], list[str]] = {}
    for name, *cells in entries:
        rows.setdefault((cells[0], cells[1].replace("|", "\\|")), []).append(f"`{name}`")
    text = "".join(f"| {' '.join(names)} | {first} | {second} |\n" for (first, second), names in rows.items())
    return text.replace("|  |", "| |")


if __name__ == "__main__":
    TARGET.write_text(text(TARGET.read_text()))

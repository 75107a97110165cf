"""Reading all files once, without following them."""

from __future__ import annotations

from pathlib import Path

from edge.control.sources.changes import Change, Invalid, Upsert
from edge.control.sources.files import reading
from tests.control.sources.files.conftest import documents, ingress


def test_all_objects_and_all_faults_are_told_in_the_order_of_the_files(folder: Path) -> None:
    (folder / "b.yaml").write_text(documents(ingress("b"), "? ["))
    (folder / "a.yaml").write_text(ingress("a"))
    (folder / "c.yaml").write_bytes(b"\xff")
    changes: list[Change] = []
    reading.once([str(folder), str(folder / "missing")], changes.append)
    assert [change.object.metadata.name for change in changes if isinstance(change, Upsert)] == ["a", "b"]
    faults = {change.where: change.message for change in changes if isinstance(change, Invalid)}
    assert set(faults) == {str(folder / "missing"), f"{folder / 'b.yaml'}, document 2", str(folder / "c.yaml")}
    assert faults[str(folder / "c.yaml")] == "is not UTF-8"

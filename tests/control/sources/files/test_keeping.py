"""Last good versions of invalid objects survive the death of the control plane."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge.control.sources.files.keeping import NAME
from edge.control.sources.files.source import FolderSource
from edge.settings import Settings
from tests.control.sources.files.conftest import Ears, documents, ingress
from tests.support.waiting import eventually

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: AAEC/w==}\n"
BROKEN = ingress("a").replace("}}}}", "}}}")

Life = Callable[[], Ears]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def live(folder: Path, table: Path) -> Iterator[Life]:
    """Ends the source that there is, if any, and starts another one, as a new process would."""
    sources: list[FolderSource] = []

    def begin() -> Ears:
        for source in sources:
            source.stop()
        ears = Ears()
        sources.append(FolderSource(Settings(manifests=(str(folder),), shm_dir=str(table)), ears.queue))
        sources[-1].start()
        eventually(ears.is_synced)
        return ears

    yield begin
    for source in sources:
        source.stop()


def test_an_object_that_became_invalid_outlives_the_process(folder: Path, live: Life) -> None:
    path = folder / "all.yaml"
    path.write_text(documents(ingress("a"), SECRET, ingress("b")))
    first = live()
    path.write_text(documents(BROKEN, SECRET.replace("name: s", "name: S"), ingress("b", "new.example")))
    eventually(lambda: first.hosts() == {"a": "a.example", "b": "new.example"} and len(first.messages()) == 2)
    for _ in range(2):
        ears = live()
        assert ears.hosts() == {"a": "a.example", "b": "new.example"}
        assert len(ears.messages()) == 2
        assert ears.objects == first.objects, "to the letter, secrets too"


def test_what_is_mended_or_deleted_meanwhile_is_what_it_is(folder: Path, live: Life, table: Path) -> None:
    path = folder / "all.yaml"
    path.write_text(documents(ingress("a"), ingress("b")))
    first = live()
    path.write_text(BROKEN)
    eventually(first.messages)
    kept = (table / NAME).read_bytes()
    path.write_text(ingress("a", "mended.example"))
    eventually(lambda: first.hosts() == {"a": "mended.example"})
    (table / NAME).write_bytes(kept)
    assert live().hosts() == {"a": "mended.example"}
    path.unlink()
    (table / NAME).write_bytes(kept)
    assert live().hosts() == {}


def test_the_file_is_private_and_empty_when_nothing_is_wrong(folder: Path, live: Life, table: Path) -> None:
    (folder / "all.yaml").write_text(ingress("a"))
    ears = live()
    assert not (table / NAME).exists()
    (folder / "all.yaml").write_text(BROKEN)
    eventually((table / NAME).exists)
    assert stat.S_IMODE((table / NAME).stat().st_mode) == 0o600
    (folder / "all.yaml").write_text(ingress("a"))
    eventually(lambda: (table / NAME).read_bytes() == b"[]")
    assert ears.deletions() == []


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b'[{"path": "x", "kind": "Ingress", "object": {"metadata": 5}}]']
)
def test_a_file_that_cannot_be_read_is_no_help_and_no_harm(
    folder: Path, live: Life, table: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (table / NAME).write_bytes(content)
    (folder / "all.yaml").write_text(documents(ingress("a"), "? [\n"))
    assert live().hosts() == {"a": "a.example"}
    assert str(table / NAME) in caplog.text


def test_an_object_in_it_that_cannot_be_read_costs_no_other(folder: Path, live: Life, table: Path) -> None:
    path = folder / "all.yaml"
    path.write_text(ingress("a"))
    first = live()
    path.write_text(BROKEN)
    eventually(first.messages)
    kept = json.loads((table / NAME).read_bytes())
    (table / NAME).write_text(json.dumps([{**kept[0], "object": {"metadata": 5}}, *kept]))
    assert live().hosts() == {"a": "a.example"}

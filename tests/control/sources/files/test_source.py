"""The folder source on real files: edits by people and programs, and the changes that it sends."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.control.kinds.changes import Synced
from edge.control.sources.files import following, pending
from edge.control.sources.files.pending import EMPTY, QUIET
from edge.control.sources.files.reading import NOT_TEXT
from edge.control.sources.files.recognition import READ
from edge.control.sources.files.source import FolderSource
from edge.control.sources.files.watches import Watches
from tests.control.sources.files.conftest import Ears, documents, ingress
from tests.support.waiting import eventually

Start = Callable[..., FolderSource]


def replace(path: Path, text: str) -> None:
    """As careful programs save: a new file takes the place of the old one."""
    fresh = path.with_name(f".{path.name}.tmp")
    fresh.write_text(text)
    fresh.replace(path)


# --- what is there at the start -------------------------------------------------------------------------------------


def test_everything_that_is_there_is_told_before_synced(folder: Path, ears: Ears, start: Start) -> None:
    (folder / "a.yaml").write_text(ingress("a"))
    (folder / "b.YML").write_text(ingress("b"))
    (folder / "sub" / "deeper").mkdir(parents=True)
    (folder / "sub" / "deeper" / "c.json").write_text('{"kind": "List", "apiVersion": "v1", "items": []}')
    (folder / "sub" / "d.yaml").write_text(ingress("d"))
    source = start()
    assert set(ears.hosts()) == {"a", "b", "d"}
    heard = ears.listen()
    assert {change.kind for change in heard if isinstance(change, Synced)} == source.kinds == READ
    first = next(index for index, change in enumerate(heard) if isinstance(change, Synced))
    assert all(isinstance(change, Synced) for change in heard[first:])
    assert source.unsynced() == ()


def test_other_files_of_a_folder_are_not_read(folder: Path, ears: Ears, start: Start) -> None:
    for name in (".hidden.yaml", "a.yaml~", "a.yaml.bak", ".a.yaml.swp", "README.md", "kustomization.yaml"):
        (folder / name).write_text(ingress("x"))
    (folder / ".git").mkdir()
    (folder / ".git" / "x.yaml").write_text(ingress("x"))
    os.mkfifo(folder / "pipe.yaml")
    start()
    assert ears.hosts() == {}


def test_several_paths_may_be_named_files_too_and_none_counts_twice(
    folder: Path, ears: Ears, start: Start, tmp_path: Path
) -> None:
    (folder / "a.yaml").write_text(ingress("a"))
    (folder / "link.yaml").symlink_to("a.yaml")
    single = tmp_path / "objects"
    single.write_text(ingress("b"))
    start(folder, single, folder / "a.yaml", folder)
    assert set(ears.hosts()) == {"a", "b"}
    assert ears.messages() == {}


@pytest.mark.parametrize("form", ["{}/", "{}//", "{}/.", "{}/../manifests/", "//{}"])
def test_new_files_are_seen_however_the_folder_is_named(folder: Path, ears: Ears, start: Start, form: str) -> None:
    start(form.format(folder))
    (folder / "a.yaml").write_text(ingress("a"))
    eventually(lambda: set(ears.hosts()) == {"a"})
    (folder / "a.yaml").unlink()
    eventually(lambda: not ears.hosts())


def test_new_files_of_a_folder_that_is_named_twice_count_once(folder: Path, ears: Ears, start: Start) -> None:
    (folder / "sub").mkdir()
    start(folder, folder / "sub", f"{folder}/")
    (folder / "sub" / "a.yaml").write_text(ingress("a"))
    (folder / "b.yaml").write_text(ingress("b"))
    eventually(lambda: set(ears.hosts()) == {"a", "b"})
    (folder / "c.yaml").write_text(ingress("c"))
    eventually(lambda: "c" in ears.hosts())
    assert ears.messages() == {}


def test_a_link_back_into_the_folder_ends_nowhere(folder: Path, ears: Ears, start: Start) -> None:
    (folder / "loop").symlink_to(".")
    (folder / "nowhere.yaml").symlink_to("missing.yaml")
    (folder / "a.yaml").write_text(ingress("a"))
    start()
    assert set(ears.hosts()) == {"a"}


def test_a_path_that_does_not_exist_yet_is_waited_for(folder: Path, ears: Ears, start: Start) -> None:
    late = folder / "later" / "manifests"
    source = start(late, wait=False)
    eventually(lambda: any("No such file" in reason for reason in source.unsynced()))
    late.mkdir(parents=True)
    (late / "a.yaml").write_text(ingress("a"))
    eventually(ears.is_synced)
    eventually(lambda: ears.hosts() == {"a": "a.example"})
    assert ears.messages() == {}


# --- edits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("save", [Path.write_text, replace])
def test_an_edit_is_told_as_the_one_change_that_it_is(
    folder: Path, ears: Ears, start: Start, save: Callable[[Path, str], object]
) -> None:
    path = folder / "all.yaml"
    path.write_text(documents(*[ingress(f"i{n}") for n in range(50)]))
    start()
    before = len(ears.listen())
    save(path, documents(*[ingress(f"i{n}", "new.example" if n == 7 else "") for n in range(50)]))
    eventually(lambda: ears.hosts()["i7"] == "new.example")
    assert len(ears.listen()) == before + 1


def test_new_and_deleted_files_are_told(folder: Path, ears: Ears, start: Start) -> None:
    start()
    (folder / "a.yaml").write_text(ingress("a"))
    eventually(lambda: set(ears.hosts()) == {"a"})
    (folder / "a.yaml").unlink()
    eventually(lambda: ears.hosts() == {})


def test_a_file_that_is_renamed_changes_nothing(folder: Path, ears: Ears, start: Start) -> None:
    (folder / "a.yaml").write_text(ingress("a"))
    (folder / "b.yaml").write_text(ingress("b"))
    start()
    before = len(ears.listen())
    (folder / "a.yaml").rename(folder / "c.yaml")
    (folder / "b.yaml").write_text(ingress("b", "done.example"))
    eventually(lambda: ears.hosts() == {"a": "a.example", "b": "done.example"})
    assert len(ears.listen()) == before + 1


def test_an_editor_that_moves_the_old_file_away_first_makes_no_gap(folder: Path, ears: Ears, start: Start) -> None:
    path = folder / "a.yaml"
    path.write_text(ingress("a"))
    start()
    path.rename(folder / "a.yaml~")
    path.write_text(ingress("a", "new.example"))
    (folder / "a.yaml~").unlink()
    eventually(lambda: ears.hosts() == {"a": "new.example"})
    assert ears.deletions() == []


def test_folders_come_and_go_with_all_that_is_in_them(folder: Path, ears: Ears, start: Start, tmp_path: Path) -> None:
    start()
    (folder / "one" / "two").mkdir(parents=True)
    (folder / "one" / "two" / "a.yaml").write_text(ingress("a"))
    eventually(lambda: set(ears.hosts()) == {"a"})
    (folder / "one" / "two" / "b.yaml").write_text(ingress("b"))
    eventually(lambda: set(ears.hosts()) == {"a", "b"})
    (folder / "one").rename(folder / "renamed")
    (folder / "renamed" / "two" / "b.yaml").write_text(ingress("b", "new.example"))
    eventually(lambda: ears.hosts() == {"a": "a.example", "b": "new.example"})
    (folder / "renamed").rename(tmp_path / "outside")
    eventually(lambda: ears.hosts() == {})
    shutil.move(tmp_path / "outside", folder / "back")
    eventually(lambda: set(ears.hosts()) == {"a", "b"})
    shutil.rmtree(folder / "back")
    eventually(lambda: ears.hosts() == {})


def test_a_hard_link_to_a_complete_file_is_read(folder: Path, ears: Ears, start: Start, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(ingress("a"))
    start()
    (folder / "a.yaml").hardlink_to(tmp_path / "a")
    eventually(lambda: set(ears.hosts()) == {"a"})


# --- half-written files ---------------------------------------------------------------------------------------------


def test_a_file_that_is_being_written_is_believed_when_it_is_closed(folder: Path, ears: Ears, start: Start) -> None:
    path = folder / "all.yaml"
    path.write_text(documents(ingress("a"), ingress("b"), ingress("c")))
    start()
    with path.open("w") as half:
        half.write(documents(ingress("a"), "kind: Ing"))
        half.flush()
        (folder / "other.yaml").write_text(ingress("other"))
        eventually(lambda: "other" in ears.hosts())
        half.seek(0)
        half.truncate()
        half.write(documents(ingress("a"), ingress("b", "new.example")))
    eventually(lambda: ears.hosts() == {"a": "a.example", "b": "new.example", "other": "other.example"})
    assert ears.deletions() == ["c"]
    assert ears.messages() == {}


def test_a_file_that_stays_open_adds_what_is_complete_and_takes_nothing_back(
    folder: Path, ears: Ears, start: Start
) -> None:
    path = folder / "all.yaml"
    path.write_text(documents(ingress("a"), ingress("b")))
    start()
    with path.open("w") as half:
        half.write(documents(ingress("new"), ingress("b", "cut.off")[:-1]))
        half.flush()
        eventually(lambda: "new" in ears.hosts(), timeout=QUIET + 10)
        assert ears.hosts() == {"a": "a.example", "b": "b.example", "new": "new.example"}
    eventually(lambda: ears.hosts() == {"b": "cut.off", "new": "new.example"})


def test_an_output_that_has_not_begun_deletes_nothing(folder: Path, ears: Ears, start: Start) -> None:
    path = folder / "all.yaml"
    path.write_text(ingress("a"))
    start()
    with path.open("w") as slow:  # `program > all.yaml`, and the program thinks
        threading.Event().wait(QUIET + EMPTY)
        (folder / "other.yaml").write_text(ingress("other"))
        eventually(lambda: "other" in ears.hosts())
        slow.write(ingress("a", "new.example"))
    eventually(lambda: ears.hosts() == {"a": "new.example", "other": "other.example"})
    assert ears.deletions() == []


def test_a_file_that_is_left_empty_says_nothing_any_more(folder: Path, ears: Ears, start: Start) -> None:
    (folder / "a.yaml").write_text(ingress("a"))
    start()
    (folder / "a.yaml").write_text("")
    eventually(lambda: ears.hosts() == {})


def test_a_writer_that_never_rests_makes_no_object_flap(
    folder: Path, ears: Ears, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it may be interrupted in the middle of a save, on a machine that is busy."""
    monkeypatch.setattr(pending, "EMPTY", 20.0)
    path = folder / "all.yaml"
    path.write_text(documents(*[ingress(f"i{n}") for n in range(20)]))
    start()
    for turn in range(100):
        path.write_text(documents(*[ingress(f"i{n}", f"turn{turn}.example") for n in range(20)]))
    eventually(lambda: set(ears.hosts().values()) == {"turn99.example"})
    assert ears.deletions() == []
    assert ears.messages() == {}


# --- faults ---------------------------------------------------------------------------------------------------------


def test_a_fault_is_told_with_file_document_and_object_until_it_is_mended(
    folder: Path, ears: Ears, start: Start
) -> None:
    path = folder / "all.yaml"
    path.write_text(documents(ingress("a"), ingress("b")))
    start()
    path.write_text(documents(ingress("a"), ingress("b").replace("Prefix", "Sometimes")))
    where = f"{path}, document 2"
    eventually(lambda: where in ears.messages())
    fault = ears.faults[where]
    assert (fault.kind, fault.namespace, fault.name) == ("Ingress", "demo", "b")
    assert fault.message.startswith("spec.rules[0].http.paths[0].pathType: ")
    assert set(ears.hosts()) == {"a", "b"}
    path.write_text(documents(ingress("a"), ingress("b")))
    eventually(lambda: ears.messages() == {})
    path.write_text("? [\n")
    eventually(lambda: f"{path}, document 1" in ears.messages())
    path.unlink()
    eventually(lambda: ears.messages() == {} and ears.hosts() == {})


def test_a_file_that_is_not_text_stays_what_it_was(folder: Path, ears: Ears, start: Start) -> None:
    path = folder / "a.yaml"
    path.write_text(ingress("a"))
    start()
    path.write_bytes(b"\xff\xfe\x00")
    eventually(lambda: ears.messages() == {str(path): f"{NOT_TEXT}; what it said last stays in force"})
    path.write_text("\ufeff" + ingress("a", "new.example"))
    eventually(lambda: ears.hosts() == {"a": "new.example"} and ears.messages() == {})


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_file_is_followed_into_utf_16_and_back(folder: Path, ears: Ears, start: Start, encoding: str) -> None:
    path = folder / "a.yaml"
    path.write_bytes(("\ufeff" + documents(ingress("a"), ingress("b")).replace("\n", "\r\n")).encode(encoding))
    start()
    assert set(ears.hosts()) == {"a", "b"}
    path.write_bytes(("\ufeff" + documents(ingress("a", "new.example"), ingress("b"))).encode(encoding))
    eventually(lambda: ears.hosts()["a"] == "new.example" and ears.messages() == {})
    path.write_text(documents(ingress("a", "newer.example"), ingress("b")))
    eventually(lambda: ears.hosts()["a"] == "newer.example" and ears.messages() == {})
    path.write_bytes(("\ufeff" + documents(ingress("a", "newest.example"))).encode(encoding))
    eventually(lambda: ears.hosts() == {"a": "newest.example"} and ears.messages() == {})


# --- links ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def mount(folder: Path) -> Callable[..., None]:
    """Fills the folder as Kubernetes mounts a ConfigMap, and again when it is updated."""
    count = 0

    def update(**files: str) -> None:
        nonlocal count
        count += 1
        data = folder / f"..2024_{count}"
        data.mkdir()
        for name, text in files.items():
            (data / f"{name}.yaml").write_text(text)
        old = (folder / "..data").readlink() if count > 1 else None
        (folder / "..data_tmp").symlink_to(data.name)
        (folder / "..data_tmp").rename(folder / "..data")
        for name in files:
            if not (folder / f"{name}.yaml").is_symlink():
                (folder / f"{name}.yaml").symlink_to(f"..data/{name}.yaml")
        for link in folder.glob("*.yaml"):
            if not link.exists():
                link.unlink()
        if old is not None:
            shutil.rmtree(folder / old)

    return update


def test_a_mounted_configmap_is_followed_through_its_links(
    ears: Ears, start: Start, mount: Callable[..., None]
) -> None:
    mount(a=ingress("a"), b=ingress("b"))
    start()
    assert set(ears.hosts()) == {"a", "b"}
    mount(a=ingress("a", "new.example"), b=ingress("b"))
    eventually(lambda: ears.hosts() == {"a": "new.example", "b": "b.example"})
    assert ears.deletions() == []
    mount(a=ingress("a", "third.example"), c=ingress("c"))
    eventually(lambda: ears.hosts() == {"a": "third.example", "c": "c.example"})
    assert ears.deletions() == ["b"]


def test_a_link_on_the_way_to_the_folder_may_be_switched(ears: Ears, start: Start, tmp_path: Path) -> None:
    for release in ("one", "two"):
        (tmp_path / release / "manifests").mkdir(parents=True)
        (tmp_path / release / "manifests" / "a.yaml").write_text(ingress("a", f"{release}.example"))
    (tmp_path / "current").symlink_to("one")
    start(tmp_path / "current" / "manifests")
    assert ears.hosts() == {"a": "one.example"}
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").rename(tmp_path / "current")
    eventually(lambda: ears.hosts() == {"a": "two.example"})
    (tmp_path / "two" / "manifests" / "a.yaml").write_text(ingress("a", "edited.example"))
    eventually(lambda: ears.hosts() == {"a": "edited.example"})
    assert ears.deletions() == []


def test_a_file_behind_a_link_is_followed(folder: Path, ears: Ears, start: Start, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.txt"
    target.write_text(ingress("a"))
    start()
    (folder / "a.yaml").symlink_to(target)
    eventually(lambda: set(ears.hosts()) == {"a"})
    target.write_text(ingress("a", "new.example"))
    eventually(lambda: ears.hosts() == {"a": "new.example"})
    (folder / "sub").symlink_to(tmp_path / "other", target_is_directory=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b.yaml").write_text(ingress("b"))
    eventually(lambda: "b" in ears.hosts())


# --- what is named goes and comes back ------------------------------------------------------------------------------


def test_a_folder_that_is_replaced_is_followed_without_a_gap(
    folder: Path, ears: Ears, start: Start, tmp_path: Path
) -> None:
    (folder / "a.yaml").write_text(ingress("a"))
    start()
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / "a.yaml").write_text(ingress("a", "new.example"))
    folder.rename(tmp_path / "old")
    fresh.rename(folder)
    eventually(lambda: ears.hosts() == {"a": "new.example"})
    (folder / "b.yaml").write_text(ingress("b"))
    eventually(lambda: "b" in ears.hosts())
    assert ears.deletions() == []
    assert ears.messages() == {}


def test_a_folder_may_be_replaced_while_a_file_in_it_is_open(
    folder: Path, ears: Ears, start: Start, tmp_path: Path
) -> None:
    """The writer closes a file that is elsewhere by then, so nothing more is heard of it."""
    path = folder / "all.yaml"
    path.write_text(documents(ingress("a"), ingress("b")))
    start()
    with path.open("w") as half:
        half.write(documents(ingress("a", "half.example"), "kind: Ing"))
        half.flush()
        eventually(lambda: ears.hosts() == {"a": "half.example", "b": "b.example"}, timeout=QUIET + 10)
        fresh = tmp_path / "fresh"
        fresh.mkdir()
        (fresh / "all.yaml").write_text(ingress("a", "new.example"))
        folder.rename(tmp_path / "old")
        fresh.rename(folder)
        eventually(lambda: ears.hosts() == {"a": "new.example"})


def test_a_folder_may_go_while_a_file_in_it_is_open(folder: Path, ears: Ears, start: Start, tmp_path: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    (inner / "a.yaml").write_text(ingress("a"))
    start()
    with (inner / "a.yaml").open("w") as half:
        half.write(documents(ingress("a", "half.example"), "kind: Ing"))
        half.flush()
        eventually(lambda: ears.hosts() == {"a": "half.example"}, timeout=QUIET + 10)
        inner.rename(tmp_path / "away")
        eventually(lambda: ears.hosts() == {})


@pytest.mark.parametrize("single", [False, True])
def test_all_that_was_named_is_missing_and_stays_in_force(folder: Path, ears: Ears, start: Start, single: bool) -> None:
    (folder / "a.yaml").write_text(ingress("a"))
    root = folder / "a.yaml" if single else folder
    start(root)
    root.rename(root.with_name("away"))
    eventually(lambda: "No such file" in ears.messages().get(str(root), ""))
    assert ears.hosts() == {"a": "a.example"}
    root.with_name("away").rename(root)
    (folder / "a.yaml").write_text(ingress("a", "new.example"))
    eventually(lambda: ears.hosts() == {"a": "new.example"} and ears.messages() == {})
    assert ears.deletions() == []


def test_a_single_file_is_followed_through_every_way_of_saving(folder: Path, ears: Ears, start: Start) -> None:
    path = folder / "routes"
    path.write_text(ingress("a"))
    (folder / "other.yaml").write_text(ingress("other"))
    start(path)
    for turn, save in enumerate([Path.write_text, replace, Path.write_text]):
        save(path, ingress("a", f"turn{turn}.example"))
        eventually(lambda turn=turn: ears.hosts() == {"a": f"turn{turn}.example"})
    assert ears.deletions() == []
    assert ears.messages() == {}


def test_a_single_file_is_followed_when_it_is_written_by_another_name(
    folder: Path, ears: Ears, start: Start, tmp_path: Path
) -> None:
    """As it is with a file that is mounted into a container: nothing happens in the folder that it is seen in."""
    path, origin = folder / "routes.yaml", tmp_path / "origin"
    origin.write_text(ingress("a"))
    path.hardlink_to(origin)
    start(path)
    origin.write_text(ingress("a", "new.example"))
    eventually(lambda: ears.hosts() == {"a": "new.example"})
    replace(path, ingress("a", "third.example"))
    eventually(lambda: ears.hosts() == {"a": "third.example"})
    path.write_text(ingress("a", "fourth.example"))
    eventually(lambda: ears.hosts() == {"a": "fourth.example"})
    assert ears.deletions() == []


# --- when other files keep the folders busy -------------------------------------------------------------------------


def test_other_files_in_the_folder_above_are_looked_at_once_a_millisecond_at_most(
    folder: Path, ears: Ears, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    original = Watches.happenings

    def counted(self: Watches) -> object:
        looks.append(time.monotonic())
        return original(self)

    start()
    monkeypatch.setattr(Watches, "happenings", counted)
    began = time.monotonic()
    while time.monotonic() < began + 0.5:
        (tmp_path / "other").touch()
        (tmp_path / "other").unlink()
    (folder / "a.yaml").write_text(ingress("a"))
    eventually(lambda: set(ears.hosts()) == {"a"})
    of_others = [when for when in looks if when < began + 0.5]
    assert 0 < len(of_others) <= 1 + 500


# --- when the kernel does not help ----------------------------------------------------------------------------------


def test_lost_events_are_made_up_for(folder: Path, ears: Ears, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    noise = folder / "noise.txt"
    noise.touch()
    hold = threading.Event()
    original = Watches.happenings

    def late(self: Watches) -> object:
        hold.wait(30)
        return original(self)

    start()
    monkeypatch.setattr(Watches, "happenings", late)
    one, two = folder / "x.txt", folder / "y.txt"
    for _ in range(limit // 4 + 100):
        noise.rename(one)
        one.rename(two)
        two.rename(noise)
    (folder / "a.yaml").write_text(ingress("a"))
    hold.set()
    eventually(lambda: set(ears.hosts()) == {"a"})


def test_without_inotify_the_files_are_looked_at_again_and_again(
    folder: Path, ears: Ears, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("edge.control.sources.files.watches.INotify", refuse)
    monkeypatch.setattr(following, "POLL", 0.05)
    (folder / "a.yaml").write_text(ingress("a"))
    start()
    (folder / "a.yaml").write_text(ingress("a", "new.example"))
    eventually(lambda: ears.hosts() == {"a": "new.example"})
    (folder / "a.yaml").unlink()
    eventually(lambda: ears.hosts() == {})


def test_nothing_is_told_after_stop(folder: Path, ears: Ears, start: Start) -> None:
    source = start()
    source.stop()
    before = len(ears.listen())
    (folder / "a.yaml").write_text(ingress("a"))
    source.stop()
    assert len(ears.listen()) == before

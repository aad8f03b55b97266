"""A run as one file: whole, cut, damaged and hostile."""

from __future__ import annotations

import io
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import HERE, JOURNALS
from hypothesis import given, settings
from hypothesis import strategies as st

from itdash.history import archive, recorded
from itdash.history.archive import BadArchive, opened, pack
from itdash.history.find import NoSuchRun

if TYPE_CHECKING:
    from collections.abc import Iterator

JOURNAL = HERE / "journals" / JOURNALS[0]


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where archives are taken out; nothing stays there."""
    place = tmp_path / "taken-out"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    assert list(place.iterdir()) == []


def events(folder: Path) -> int:
    """How many events a run has."""
    return len(recorded.read(folder).events)


def test_a_run_in_a_file_is_the_same_run(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "run.tar.gz"
    assert pack(JOURNAL, target) == target.stat().st_size
    with opened(tmp_path, str(target)) as (folder, damage):
        assert not damage
        assert folder.name == JOURNAL.name
        ours = {path.relative_to(JOURNAL): path.read_bytes() for path in JOURNAL.rglob("*") if path.is_file()}
        theirs = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert ours == theirs
    assert [path.name for path in target.parent.iterdir()] == ["run.tar.gz"]


def test_what_is_no_file_stays_out(tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(JOURNAL, run)
    (run / "link").symlink_to("/etc/passwd")
    pack(run, tmp_path / "run.tar.gz")
    with tarfile.open(tmp_path / "run.tar.gz") as made:
        assert all(member.isreg() for member in made)
        assert "run/link" not in made.getnames()


def test_a_zip_of_the_folder_or_of_what_is_in_it(tmp_path: Path) -> None:
    for number, above in enumerate((JOURNAL.parent, JOURNAL)):
        target = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(target, "w") as made:
            for path in JOURNAL.rglob("*"):
                made.write(path, path.relative_to(above))
        with opened(tmp_path, str(target)) as (folder, damage):
            assert not damage
            assert events(folder) == events(JOURNAL)


_WHOLE = tempfile.mkdtemp()
pack(JOURNAL, Path(_WHOLE) / "run.tar.gz")
_DATA = (Path(_WHOLE) / "run.tar.gz").read_bytes()
shutil.rmtree(_WHOLE)


@settings(deadline=None, max_examples=60)
@given(cut=st.integers(0, len(_DATA) - 1))
def test_a_file_cut_anywhere_gives_what_stood_before(cut: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "run.tar.gz"
        path.write_bytes(_DATA[:cut])
        try:
            with opened(Path(place), str(path)) as (folder, damage):
                assert damage
                assert events(folder) <= events(JOURNAL)
        except BadArchive as error:
            assert "holds no run" in error.what


@settings(deadline=None, max_examples=60)
@given(
    place=st.integers(0, len(_DATA) - 1),
    byte=st.integers(0, 255),
    suffix=st.sampled_from([".tar.gz", ".zip"]),
)
def test_a_damaged_file_never_breaks_the_reader(place: int, byte: int, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as below:
        path = Path(below) / f"run{suffix}"
        path.write_bytes(_DATA[:place] + bytes([byte]) + _DATA[place + 1 :])
        try:
            with opened(Path(below), str(path)) as (folder, _):
                recorded.read(folder)
        except BadArchive as error:
            assert error.mend


@pytest.mark.parametrize("name", ["../../out", "/out", "run/../../../out", "..\\..\\out"])
def test_nothing_is_written_elsewhere(tmp_path: Path, places: Path, name: str) -> None:
    path = tmp_path / "bad.tar.gz"
    with tarfile.open(path, "w:gz") as made:
        for member in (name, "run/segments/a.jsonl"):
            info = tarfile.TarInfo(member)
            info.size = 2
            made.addfile(info, io.BytesIO(b"{}"))
        link = tarfile.TarInfo("run/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        made.addfile(link)
    with opened(tmp_path, str(path)) as (folder, damage):
        assert not damage
        inside = [found for found in places.rglob("*") if found.is_file()]
        assert len(inside) == 2
        assert not (folder / "link").exists()
    assert not any(found.name == "out" for found in tmp_path.rglob("*"))


def test_a_file_that_grows_beyond_all_bounds_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(JOURNAL, tmp_path / "run.tar.gz")
    monkeypatch.setattr(archive, "_MOST", 10)
    with opened(tmp_path, str(tmp_path / "run.tar.gz")) as (_, damage):
        assert "more than" in damage


def test_a_name_that_is_no_archive_is_a_run(tmp_path: Path) -> None:
    with opened(tmp_path, str(JOURNAL)) as (folder, damage):
        assert (folder, damage) == (JOURNAL, "")
    with pytest.raises(NoSuchRun, match="no such file"), opened(tmp_path, "gone.tar.gz"):
        pass

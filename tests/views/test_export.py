"""The export of a recorded run: which run, which format, whole files, clear words where it cannot be."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from conftest import HERE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from operations_support import Run, words_of

from itdash.errors import ItdashError
from itdash.events import ops
from itdash.history.find import NoSuchRun, find
from itdash.render.document.run import SECTIONS
from itdash.runner.execution import Reading
from itdash.state.run import RunState
from itdash.views import export
from itdash.views.export import CannotWrite, ExportError, Reports, Wishes

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

SUFFIXES = [".md", ".html", ".xml", ".json", ".report.json", ".trace.json"]
NAMES = ["20260101-120000-000aaaa", "20260102-120000-000bbbb", "20260102-130000-000cccc"]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A project's folder with three runs, and a folder that is none."""
    for name in NAMES:
        (tmp_path / "runs" / name / "segments").mkdir(parents=True)
    (tmp_path / "runs" / "zzz").mkdir()
    return tmp_path


# -- which run --


@pytest.mark.parametrize(
    "wanted, place",
    [("latest", 2), ("-1", 2), ("-2", 1), ("-3", 0), ("20260101", 0), ("20260102-13", 2), (NAMES[1], 1)],
)
def test_a_run_is_found(base: Path, wanted: str, place: int) -> None:
    assert find(base, wanted).name == NAMES[place]


def test_a_run_is_found_by_its_path_wherever_it_is(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(base / "runs" / NAMES[0])
    assert find(base / "elsewhere", ".").name == NAMES[0]
    assert find(base, str(base / "runs" / NAMES[1])).name == NAMES[1]
    assert find(base, "segments").name == NAMES[0]


@pytest.mark.parametrize(
    "wanted, what, mend",
    [
        ("-4", "there is no run -4: 3 runs are recorded", "the oldest is -3, 20260101"),
        ("20260102", "several runs begin with '20260102'", "one of 20260102-130000"),
        ("2027", "there is no run '2027'", "newest: 20260102-130000"),
        ("-0", "there is no run '-0'", "newest"),
    ],
)
def test_a_run_that_is_not_there_is_told_with_the_mend(base: Path, wanted: str, what: str, mend: str) -> None:
    with pytest.raises(NoSuchRun) as refused:
        find(base, wanted)
    assert refused.value.what == what
    assert mend in refused.value.mend
    assert str(base) in refused.value.where


def test_a_folder_without_runs_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoSuchRun, match="no run is recorded"):
        find(tmp_path)


# -- which format --


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_journal_gives_the_same_bytes(journal: Path, tmp_path: Path, suffix: str) -> None:
    copy = tmp_path / journal.name
    shutil.copytree(journal, copy)
    one, _ = export.export(journal, tmp_path / f"one{suffix}", Wishes())
    other, _ = export.export(copy, tmp_path / "made" / f"two{suffix}", Wishes())
    assert one == other
    assert (
        (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / "made" / f"two{suffix}").read_bytes() == one
    )


def test_the_longer_suffix_counts(tmp_path: Path) -> None:
    assert [export.suffix_of(tmp_path / f"a.b{suffix}") for suffix in SUFFIXES] == SUFFIXES
    assert export.suffix_of(tmp_path / "REPORT.MD") == ".md"


@pytest.mark.parametrize(
    "name, what, mend", [("a.pdf", "'.pdf' is no known format", ".md"), ("a", "has no suffix", ".html"),
                         ("a.htm", "'.htm' is no known format", "did you mean '.html'?")],
)  # fmt: skip
def test_an_unknown_suffix_is_told_with_the_known_ones(
    tmp_path: Path, name: str, what: str, mend: str
) -> None:
    with pytest.raises(ExportError) as refused:
        export.check(tmp_path / name, Wishes())
    assert what in refused.value.what
    assert mend in refused.value.mend
    assert refused.value.where == str(tmp_path / name)


@pytest.mark.parametrize(
    "name, wishes",
    [
        ("a.xml", Wishes(title="T")),
        ("a.json", Wishes(sections=("overview",))),
        ("a.html", Wishes(max_size=1)),
    ],
)
def test_what_a_format_cannot_be_is_refused(tmp_path: Path, name: str, wishes: Wishes) -> None:
    with pytest.raises(ExportError):
        export.check(tmp_path / name, wishes)


def test_sections_are_names_in_their_own_order() -> None:
    assert export.sections_of("failures, overview") == ("overview", "failures")
    assert export.sections_of("") == SECTIONS
    with pytest.raises(ExportError) as refused:
        export.sections_of("overview,failurs")
    assert refused.value.mend == "did you mean 'failures'?"


def test_a_limit_that_nothing_fits_into_is_told(journal: Path) -> None:
    with pytest.raises(ExportError, match="10 bytes are too few"):
        export.export(journal, None, Wishes(max_size=10))


# -- files --


def test_a_file_is_replaced_as_a_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / "report.md"
    target.write_text("before")
    (tmp_path / "link.md").symlink_to(target)
    export.write(tmp_path / "link.md", b"after")
    assert target.read_bytes() == b"after"
    assert (tmp_path / "link.md").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.md", "report.md"]


def test_a_file_has_the_rights_that_any_new_file_has(tmp_path: Path) -> None:
    (tmp_path / "usual").write_bytes(b"")
    export.write(tmp_path / "a.md", b"")
    assert (tmp_path / "a.md").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_place_that_cannot_be_written_is_told_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.md").mkdir()
    for place in (tmp_path / "file" / "a.md", tmp_path / "folder.md"):
        with pytest.raises(CannotWrite, match="cannot be written") as refused:
            export.export(tmp_path / "no run", place, Wishes())
        assert refused.value.where == str(place)
        assert refused.value.exit_code == 3
        with pytest.raises(CannotWrite):
            export.write(place, b"")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_right_to_write_is_told(tmp_path: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0o500)
    with pytest.raises(CannotWrite) as refused:
        export.check(tmp_path / "shut" / "a.md", Wishes())
    assert "must be a folder to write in" in refused.value.mend


# -- damaged journals --


def damaged(journal: Path, tmp_path: Path, change: bytes, at: float) -> Path:
    """A copy of a journal with bytes put in the middle of its largest file."""
    shutil.rmtree(tmp_path / "run", ignore_errors=True)
    shutil.copytree(journal, tmp_path / "run")
    largest = max((tmp_path / "run" / "segments").iterdir(), key=lambda path: path.stat().st_size)
    data = largest.read_bytes()
    place = int(len(data) * at)
    largest.write_bytes(data[:place] + change + data[place + len(change) :])
    return tmp_path / "run"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_can_be_read_of_a_damaged_journal_is_exported_and_the_rest_counted(
    journal: Path, tmp_path: Path, suffix: str
) -> None:
    folder = damaged(journal, tmp_path, b"\x00\xff not json", 0.6)
    data, recording = export.export(folder, tmp_path / f"out{suffix}", Wishes())
    assert recording.unread == 1
    if suffix in (".md", ".html"):
        assert b"1 line of the journal could not be read" in data


def test_an_operation_that_damage_made_up_is_no_obstacle(tmp_path: Path) -> None:
    words = words_of([Run("pytest-1", 10, 5), Run("pytest-1", 20, 5)])
    words.append(ops.head(ops.GAUGE, 1, 30))
    words.extend([ops.part(1 << 50), ops.part(0)])  # half of a double has 32 bits
    (tmp_path / "segments").mkdir()
    (tmp_path / "segments" / "pytest-1.ops").write_bytes(words.tobytes())
    recording = export.read(tmp_path)
    for suffix in SUFFIXES:
        assert export.encoded(recording, suffix, Wishes())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(change=st.binary(max_size=60), at=st.floats(0, 1), name=st.sampled_from([".jsonl", ".ops"]))
def test_no_damage_keeps_a_run_from_being_exported(
    tmp_path: Path, change: bytes, at: float, name: str
) -> None:
    shutil.rmtree(tmp_path / "run", ignore_errors=True)
    shutil.copytree(HERE / "journals" / "measured", tmp_path / "run")
    (path,) = (path for path in (tmp_path / "run" / "segments").glob(f"pytest-1{name}"))
    data = path.read_bytes()
    place = int(len(data) * at)
    path.write_bytes(data[:place] + change + data[place + len(change) :])
    recording = export.read(tmp_path / "run")
    for suffix in SUFFIXES:
        assert export.encoded(recording, suffix, Wishes())


def test_a_traceback_that_is_no_text_any_more_leaves_the_outcome(tmp_path: Path) -> None:
    shutil.copytree(HERE / "journals" / "mixed", tmp_path / "run")
    path = tmp_path / "run" / "segments" / "pytest-1.jsonl"
    path.write_bytes(path.read_bytes().replace(b"they differ", b"they \xd5iffer"))
    for suffix in SUFFIXES:
        data, recording = export.export(tmp_path / "run", tmp_path / f"out{suffix}", Wishes())
        assert recording.unread == 1
        assert "tests/unit/test_mixed.py::test_fails" in recording.state.failing
        assert data.decode()


def test_a_recording_that_stops_anywhere_is_exported(journal: Path, tmp_path: Path) -> None:
    for share in (0.0, 0.3, 0.9):
        folder = damaged(journal, tmp_path, b"", 0)
        largest = max((folder / "segments").iterdir(), key=lambda path: path.stat().st_size)
        largest.write_bytes(largest.read_bytes()[: int(largest.stat().st_size * share)])
        for suffix in SUFFIXES:
            assert export.export(folder, tmp_path / f"out{suffix}", Wishes())[0]


# -- after a run --


def test_a_run_and_its_export_say_the_same(project: Project, tmp_path: Path) -> None:
    project.write("tests/test_it.py", "def test_passes(): pass\ndef test_fails(): assert 0\n")
    ran = project.launch()
    folder = find(project.folder / ".itdash")
    assert folder == ran.folder
    summary, _ = export.export(folder, tmp_path / "a.json", Wishes())
    assert json.loads(summary) == ran.summary
    report, _ = export.export(folder, tmp_path / "a.report.json", Wishes())
    assert report == (folder / "report.json").read_bytes()


def test_reports_are_written_when_a_run_is_over_as_a_later_export_would(
    journal: Path, tmp_path: Path
) -> None:
    paths = [tmp_path / "out" / f"a{suffix}" for suffix in SUFFIXES]
    Reports(paths).end(RunState(), journal, Reading(0, 0))
    for path in paths:
        assert path.read_bytes() == export.export(journal, tmp_path / f"b{path.name}", Wishes())[0]


def test_reports_are_written_also_when_a_test_deleted_the_journal(journal: Path, tmp_path: Path) -> None:
    state = export.read(journal).state
    (tmp_path / "gone").mkdir()
    Reports([tmp_path / "a.md"]).end(state, tmp_path / "gone", Reading(5, 0))
    assert f"{len(state.cases)} test" in (tmp_path / "a.md").read_text()


def test_reports_with_a_wrong_name_are_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(ItdashError):
        Reports([tmp_path / "a.pdf"])


def test_a_report_that_cannot_be_written_any_more_is_an_error_that_the_run_can_note(
    journal: Path, tmp_path: Path
) -> None:
    reports = Reports([tmp_path / "out" / "a.md", tmp_path / "b.xml"])
    (tmp_path / "out").write_text("a file has taken the place of the folder")
    with pytest.raises(OSError, match="out"):
        reports.end(RunState(), journal, Reading(0, 0))
    assert (tmp_path / "b.xml").read_bytes().startswith(b"<?xml")

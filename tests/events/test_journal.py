"""Segments read late, in pieces and together."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from itdash.events import journal as journals
from itdash.events import model, wire
from itdash.events.journal import Tail
from itdash.events.model import OperationsHappened

if TYPE_CHECKING:
    from pathlib import Path


def line(t: int, case: int) -> bytes:
    return wire.encode(model.CaseStarted(t, case))


def test_segments_are_told_in_order_of_time(tmp_path: Path) -> None:
    segments = tmp_path / "segments"
    segments.mkdir()
    (segments / "a.jsonl").write_bytes(line(1, 1) + line(4, 4))
    (segments / "b.jsonl").write_bytes(line(2, 2) + line(3, 3))
    events, unread = journals.replay(tmp_path)
    assert [event.t for event in events] == [1, 2, 3, 4]
    assert unread == 0


def test_a_segment_that_appears_later_is_found(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    assert tail.read() == []
    (tmp_path / "segments").mkdir()
    assert tail.read() == []
    for name in ("b", "a", "c"):
        (tmp_path / "segments" / f"{name}.jsonl").write_bytes(line(1, ord(name)))
        assert tail.read() == [model.CaseStarted(1, ord(name))]
    tail.close()


@given(st.lists(st.integers(1, 60), max_size=40))
def test_any_cut_of_writing_reads_the_same(cuts: list[int]) -> None:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "segments").mkdir()
        whole = b"".join(line(number, number) for number in range(20))
        tail = Tail(Path(place))
        events = []
        with (Path(place) / "segments" / "a.jsonl").open("ab", buffering=0) as segment:
            for cut in [*cuts, len(whole)]:
                segment.write(whole[:cut])
                whole = whole[cut:]
                events += tail.read()
        tail.close()
    assert [event.t for event in events] == list(range(20))
    assert tail.unread == 0


def test_a_journal_cut_at_every_byte_can_be_read(tmp_path: Path, journal: Path) -> None:
    source = max(
        (journal / "segments").glob("pytest-*.jsonl"), key=lambda path: path.stat().st_size, default=None
    )
    if source is None:
        source = journal / "segments" / "itdash.jsonl"
    whole = source.read_bytes()
    run = tmp_path / "run"
    shutil.copytree(journal, run)
    target = run / "segments" / source.name
    every = {event.t for event in journals.replay(journal)[0]}
    step = max(1, len(whole) // 700)
    for cut in range(0, len(whole), step):
        target.write_bytes(whole[:cut])
        events, unread = journals.replay(run)
        assert unread <= 1
        assert {event.t for event in events} <= every
        lines = whole[:cut].count(b"\n")
        others = sum(
            path.read_bytes().count(b"\n") for path in run.glob("segments/*.jsonl") if path != target
        )
        assert sum(not isinstance(event, OperationsHappened) for event in events) == lines + others


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    for name in ("20260101-000000-aaaa", "20260301-000000-aaaa", "20260201-000000-aaaa"):
        (tmp_path / name / "segments").mkdir(parents=True)
    (tmp_path / "99999999-000000-aaaa").mkdir()
    assert [run.name[:6] for run in journals.runs(tmp_path)] == ["202603", "202602", "202601"]
    assert list(journals.runs(tmp_path / "not there")) == []

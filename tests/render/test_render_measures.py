"""Tables of what was measured: sets of labels, latency by concurrency, and what is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations_support import MS, Run, events_of

from itdash.events import model, ops
from itdash.render import measures
from itdash.state import fold

if TYPE_CHECKING:
    from itdash.state.run import RunState

LAST = model.RunFinished(1 << 60, "passed", 0)


def folded(runs: list[Run]) -> RunState:
    return fold.replay([*events_of(runs), LAST])


def words(lines: list[measures.Line]) -> list[list[str]]:
    return [line.text.split() for line in lines]


def test_sets_of_labels_with_errors_come_first_then_the_slowest() -> None:
    runs = [
        Run("pytest-1", 10 + n * MS, took, outcome, "scrape", (("kind", kind),))
        for n, (kind, took, outcome) in enumerate(
            [("quick", 2, ops.OK), ("slow", 9_000, ops.OK), ("broken", 1, ops.ERROR), ("quick", 3, ops.OK)]
        )
    ]
    lines = measures.by_label(folded(runs))
    assert [row[1] for row in words(lines)[2:]] == ["kind=broken", "kind=slow", "kind=quick"]
    assert [line.role for line in lines[2:]] == ["failed", "plain", "plain"]
    few = measures.by_label(folded(runs), most=1)
    assert few[-1].text == "  and 2 more sets of labels, in summary.json"


def test_one_set_of_labels_tells_nothing_new() -> None:
    assert measures.by_label(folded([Run("pytest-1", 10, 5, labels=(("kind", "one"),))])) == []


def test_the_busiest_operations_by_concurrency() -> None:
    runs = [
        Run("pytest-1", 10 + n + place * 900 * MS, 50 * MS, name=name)
        for place, name in enumerate("abcd")
        for n in range(2 + place)
    ]
    lines = measures.by_concurrency(folded(runs))
    titles = [line.text for line in lines if line.role == "strong"]
    assert titles == ["d by concurrency", "c by concurrency", "b by concurrency"]
    assert lines[-1].text == "  and 1 more operation, in summary.json"
    assert words(lines)[2][:2] == ["1", "1"]
    assert words(lines)[3][:2] == ["2-4", "3"]


def test_where_nothing_overlapped_there_is_no_table_of_it() -> None:
    assert measures.by_concurrency(folded([Run("pytest-1", 10, 5), Run("pytest-1", 90, 5)])) == []


def test_in_ascii_every_table_is_ascii_and_as_wide() -> None:
    long = "a-name-that-is-longer-than-its-column-of-forty-places"
    runs = [Run("pytest-1", n, 5_000, name=long, labels=(("kind", f"{long}{n}"),)) for n in range(1, 150)]
    judged: list[model.AnyEvent] = [
        model.BudgetJudged(5, 0, long * 2, "max < 1us", "broken", "time", 5_000.0, 9, None, "told"),
        model.CasesCollected(1, 0, (model.CollectedCase(f"test_it.py::test_{long}_{long}"),)),
    ]
    state = fold.replay([*judged, *events_of(runs), LAST])
    plain, glyphs = measures.tables(state, ascii_only=True), measures.tables(state)
    assert any("(more)" in line.text for line in measures.by_label(state, most=200))
    assert any("…" in line.text and "µs" in line.text for line in glyphs)
    assert all(line.text.isascii() for line in plain)
    assert [len(line.text) for line in plain] == [len(line.text) for line in glyphs]

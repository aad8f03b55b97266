"""A made-up run in which every place that can hold foreign text holds what a test wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import strategies as st
from operations_support import Run, words_of

from itdash.events import model, wire
from itdash.events.journal import replay
from itdash.events.opsfiles import spans
from itdash.history.compare import compare
from itdash.history.reading import of_state
from itdash.render.document.run import Recording
from itdash.state import fold
from itdash.state.lanes import Lanes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from itdash.history.record import Record
    from itdash.state.comparison import Comparison

MS = 1_000_000

NASTY = [
    "a|b", "a\\|b", "`", "``|``", "\\", "\n\n# heading", "</details></table><script>alert(1)</script>",
    "a\n| - |\n", "![x](http://x.test)", "<!-- ", "*a* _b_ ~~c~~", "&amp; &#35; &lt;", "]]>", "```",
    "\x00\x1b[31m\ud800\ufffe\u202e", "1. one", "- two", "> three", "    four", "\t", "   ", "'\"",
    "$x$ @all #1 :tada:", "{{ 7 * 7 }}{% raw %}", "www.x.test",
]  # fmt: skip

HOSTILE = st.one_of(
    st.sampled_from(NASTY),
    st.text(alphabet="|`\\*_#<>&[]()!~-+=:.'\"\n\r\t a1{}%$@\x00\x0b\x1b\x85\u2028\ud800", max_size=40),
    st.text(max_size=40),
    st.lists(st.sampled_from(NASTY), max_size=4).map("".join),
)


def recorded(journal: Path) -> Recording:
    """A recording of what a journal holds."""
    events, unread = replay(journal)
    return recording_of(events, unread, journal.name, alone=True)


def recording_of(
    events: Sequence[model.AnyEvent], unread: int = 0, name: str = "20260101-120000-cafe", alone: bool = False
) -> Recording:
    """A recording of these events; unless it is alone, there is another that it is held against."""
    ordered = sorted(events, key=lambda event: event.t)
    lanes = Lanes()
    lanes.take(ordered)
    state = fold.replay(ordered)
    changes = None if alone else changes_of(of_state(state, name))
    return Recording(name, state, lanes, ordered, 0, unread, changes)


def changes_of(record: Record) -> Comparison | None:
    """A small run held against one in which each test ended the other way."""
    if not 0 < len(record.tests) < 100:
        return None
    turned = {
        id: test._replace(outcome="failed" if test.outcome == "passed" else "passed")
        for id, test in record.tests.items()
    }
    lost = dict.fromkeys(record.requirements, "verified")
    return compare(msgspec.structs.replace(record, tests=turned, requirements=lost), record)


def run_with(foreign: str) -> list[model.AnyEvent]:
    """A run with two suites, of four tests, with the text wherever foreign text can be."""
    text = f"t{foreign}"
    suites = (
        model.SuiteSpec("one", text, ("tests/one",), {"fetch": ("peak <= 3",)}),
        model.SuiteSpec("two", f"{text}2", ("tests/two",)),
    )
    ids = [f"tests/one/test_a.py::{number}{text}" for number in "abc"] + [f"tests/two/test_b.py::d{text}"]
    rows = tuple(model.CollectedCase(id, 1, (), (text, f"{text}9"), text) for id in ids)
    detail = msgspec.Raw(
        wire.encode_value({
            "longrepr": f"first\n{text}\nlast", "stdout": text, "stderr": text,
            "crash": {"path": "a.py", "lineno": 1, "message": f"m{text}"},
        })
    )  # fmt: skip
    events: list[model.AnyEvent] = [
        model.RunStarted(
            0, 1, "run", 1_800_000_000.0, "/project", "/project/sub", ("itdash", "launch", text), "0.1.0",
            "3.11.7", "linux", suites,
        ),
        model.RequirementsDeclared(1, "one", "r.toml", (model.RequirementRow(text, text, text),)),
        model.SessionStarted(2, 1, 42, "9.2.0", "/project", plugins=(text,)),
        model.CasesCollected(3, 0, rows),
        model.CollectionFailed(4, f"tests/one/{text}", "failed", "error", detail),
        model.InternalErrorRaised(5, text),
        model.NoteAdded(6, text),
        model.MarkAdded(7, text),
        model.OrphanEnded(8, 43, text, ids[0]),
        model.LeakFound(9, 0, "thread", 2, (text, text)),
        model.ResourcesSampled(10, 42, MS, 1_000, 1, 2, 3),
    ]  # fmt: skip
    for number in range(4):
        start, failed = (number + 1) * 10 * MS, number in (1, 3)
        word = "failed" if failed else "passed"
        call = model.StageFinished(
            start + 5 * MS, number, "call", word, 4 * MS, word, detail if failed else model.NOTHING
        )
        events += [
            model.CaseStarted(start, number),
            model.StageFinished(start + MS, number, "setup", "passed", MS), call,
            model.SubtestFinished(start + 5 * MS, number, text, word, 1, word, call.detail),
            model.BudgetJudged(start + 5 * MS, number, text, text, "broken", "time", 5e6, 3, 2.0, text),
            model.StageFinished(start + 6 * MS, number, "teardown", "passed", MS),
            model.CaseFinished(start + 7 * MS, number),
        ]  # fmt: skip
    runs = [
        Run("pytest-1", 11 * MS + k, 2 * MS, 2, name, ((label, text),))
        for k in range(3)
        for name, label in (("fetch", "a"), (text, "b"), (text, "c"))
    ]
    words = words_of(runs)
    for first, last, t in spans(words, 0):
        events.append(model.OperationsHappened(t, "pytest-1", first, words[first:last].tobytes()))
    return [*events, model.RunFinished(100 * MS, "failed", 1, text)]


def many(tests: int) -> list[model.AnyEvent]:
    """A run of so many tests that pass, in a hundred files, with a failure in each."""
    rows = tuple(
        model.CollectedCase(f"tests/area/test_{n % 100}.py::test_something[value-{n}]") for n in range(tests)
    )
    events: list[model.AnyEvent] = [model.CasesCollected(1, 0, rows)]
    detail = msgspec.Raw(
        wire.encode_value({"longrepr": "a line of source\n" * 30, "stdout": "printed\n" * 30})
    )
    for n in range(tests):
        t = (n + 1) * MS
        word = "failed" if n < 100 else "passed"
        events += [
            model.CaseStarted(t, n),
            model.StageFinished(t + 1, n, "call", word, 1, word, detail if n < 100 else model.NOTHING),
            model.CaseFinished(t + 2, n),
        ]
    return [*events, model.RunFinished((tests + 2) * MS, "failed", 1)]

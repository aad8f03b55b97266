"""The summary in Markdown: its structure is its own, its figures are the run's, its size is as asked for."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from export_support import HOSTILE, NASTY, many, recorded, recording_of, run_with
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from operations_support import Run, events_of, peak_of

from itdash.events import model
from itdash.render import gfm
from itdash.render.document.run import SECTIONS
from itdash.views import markdown

if TYPE_CHECKING:
    from pathlib import Path

    from markdown_it.token import Token
    from syrupy.assertion import SnapshotAssertion

PARSERS = [MarkdownIt("commonmark").enable(["table", "strikethrough"]), MarkdownIt("gfm-like")]
OURS = {"text", "code_inline", "strong_open", "strong_close", "link_open", "link_close"}
"""What may stand on a line: links, because some hosts make them of every address in a text."""


def structure(text: str, parser: MarkdownIt) -> list[tuple[str, str, int]]:
    """Every block of a document, cells and headings too, without what stands in them."""
    return [(token.type, token.tag, token.level) for token in parser.parse(text)]


def inside(text: str, parser: MarkdownIt) -> list[Token]:
    """Everything that stands on a line."""
    return [child for token in parser.parse(text) for child in token.children or ()]


TAME = markdown.document(recording_of(run_with("ame")))


@settings(max_examples=150, deadline=None)
@given(foreign=HOSTILE)
@example(foreign="\\|")
@example(foreign="".join(NASTY))
def test_no_foreign_text_changes_the_structure(foreign: str) -> None:
    text = markdown.document(recording_of(run_with(foreign)))
    for parser in PARSERS:
        assert structure(text, parser) == structure(TAME, parser)
        assert {token.type for token in inside(text, parser)} <= OURS
    assert text.encode()


@settings(max_examples=150, deadline=None)
@given(foreign=HOSTILE, other=HOSTILE)
def test_a_row_has_the_cells_that_it_is_given(foreign: str, other: str) -> None:
    rows = [
        gfm.row([gfm.cell(foreign), gfm.plain(other), "1"]),
        gfm.row([gfm.plain(foreign), gfm.cell(other), "2"]),
    ]
    text = "\n".join(["before", "", *gfm.table(["a", "b", "c"], [False, False, True], rows), "after"])
    for parser in PARSERS:
        kinds = Counter(token.type for token in parser.parse(text))
        assert (kinds["table_open"], kinds["tr_open"], kinds["td_open"], kinds["paragraph_open"]) == (
            1,
            3,
            6,
            2,
        )


@settings(max_examples=150, deadline=None)
@given(
    foreign=st.text(
        st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1, max_size=60
    )
)
def test_what_can_be_printed_is_read_as_it_was(foreign: str) -> None:
    parser = PARSERS[0]
    for drawn in (gfm.code(foreign), gfm.plain(foreign)):
        (token,) = [one for one in parser.parse(drawn) if one.type == "inline"]
        assert "".join(child.content for child in token.children or ()) == foreign
    table = "\n".join(gfm.table(["a"], [False], [gfm.row([gfm.cell(foreign)])]))
    cell = [one for one in parser.parse(table) if one.type == "inline"][-1]
    assert "".join(child.content for child in cell.children or ()) == foreign


def test_a_block_of_code_ends_where_it_should() -> None:
    lines = ["```", "text", "`````", "# no heading"]
    tokens = PARSERS[0].parse("\n".join([*gfm.block(lines), "after"]))
    assert [token.type for token in tokens][:2] == ["fence", "paragraph_open"]
    assert tokens[0].content == "\n".join(lines) + "\n"


def test_what_a_recorded_run_is_told_as(journal: Path, snapshot: SnapshotAssertion) -> None:
    assert markdown.document(recorded(journal)) == snapshot


def test_the_figures_are_those_of_the_run(journal: Path) -> None:
    recording = recorded(journal)
    text = markdown.document(recording)
    assert f"journal of run `{recording.name}`" in text
    for nodeid in recording.state.failing:
        assert re.search(rf"^### `.*{re.escape(nodeid[:20])}", text, re.M)
    for operation in recording.state.operations.operations.values():
        assert f"| `{operation.name}` | {operation.total.count:,} | {operation.total.errors:,} |" in text


def test_the_peak_in_each_test_stands_beside_its_latencies() -> None:
    text = markdown.document(recording_of(run_with("x")))
    assert "| `atx` | `fetch` | 3 | 0 | 3 | 2.00ms | - | - | - | 2.00ms |" in text


@settings(max_examples=80, deadline=None)
@given(
    runs=st.lists(
        st.builds(
            Run, st.sampled_from(["pytest-1", "pytest-1.77"]), st.integers(0, 1_000), st.integers(0, 400),
            st.sampled_from([0, 2, 3]), st.sampled_from(["read", "write"]),
        ),
        max_size=40,
    )
)  # fmt: skip
def test_the_peak_in_a_test_is_that_of_the_operations_that_began_in_it(runs: list[Run]) -> None:
    bounds = [(0, 100, 399), (1, 450, 700), (2, 710, 990)]
    rows = tuple(model.CollectedCase(f"tests/test_a.py::test_{number}") for number, _, _ in bounds)
    events: list[model.AnyEvent] = [model.CasesCollected(0, 0, rows)]
    for number, start, end in bounds:
        events += [model.CaseStarted(start, number), model.CaseFinished(end, number)]
    # At one moment the line of a test is read before what began in it, as from a run directory.
    (suite,) = recording_of([*events, *events_of(runs), model.RunFinished(2_000, "passed", 0)]).suites
    found = {
        (number, share.name): share.peak
        for number, test in enumerate(suite.tests)
        for share in test.operations
    }
    assert found == {
        (number, name): peak_of(mine)
        for number, start, end in bounds
        for name in ("read", "write")
        if (mine := [run for run in runs if run.name == name and start <= run.began <= end])
    }


def test_the_evidence_begins_with_the_tests_that_failed() -> None:
    rows = tuple(model.CollectedCase(f"tests/test_a.py::test_{n}", 0, (), ("R-1",)) for n in range(20))
    row = model.RequirementRow("R-1", "It works")
    events: list[model.AnyEvent] = [
        model.RequirementsDeclared(0, "tests", "tests/r.toml", (row,)), model.CasesCollected(1, 0, rows),
    ]  # fmt: skip
    for n in range(20):
        word = "failed" if n == 17 else "passed"
        events += [
            model.CaseStarted(10 + n, n), model.StageFinished(10 + n, n, "call", word, 1, word),
            model.CaseFinished(10 + n, n),
        ]  # fmt: skip
    text = markdown.document(recording_of([*events, model.RunFinished(99, "failed", 1)]))
    assert "| failing | `tests/test_a.py::test_17` failed, `tests/test_a.py::test_0` passed, " in text
    assert "and 14 more tests |" in text


# -- wishes --


def test_sections_and_title_can_be_chosen() -> None:
    text = markdown.document(recording_of(run_with("x")), "Release 7", ("overview", "failures"))
    assert re.findall(r"^##? (.*)", text, re.M) == ["Release 7", "Overview", "Failures"]
    assert re.findall(r"^## (.*)", TAME, re.M) == [name.capitalize() for name in SECTIONS]


def test_a_document_keeps_within_every_size_by_leaving_out_in_order() -> None:
    recording = recording_of(many(400))
    whole = markdown.document(recording)
    order = [what for what, _ in markdown.SHORTER]
    with pytest.raises(markdown.TooSmall) as refused:
        markdown.document(recording, max_size=10)
    seen = set()
    for limit in [*range(refused.value.least, len(whole.encode()), 1_500), len(whole.encode())]:
        text = markdown.document(recording, max_size=limit)
        assert len(text.encode()) <= limit
        told = [line[2:] for line in text.splitlines() if line[2:] in order]
        assert told == order[: len(told)]
        assert bool(told) == (text != whole)
        assert ("these are left out" in text) == bool(told)
        assert all(token.level == 0 for token in PARSERS[0].parse(text) if token.type == "fence")
        assert len(re.findall(r"^```", text, re.M)) % 2 == 0
        seen.add(len(told))
    assert len(seen) > 3


def test_what_is_limited_is_counted() -> None:
    text = markdown.document(recording_of(many(400)), max_size=8_000)
    assert "90 more failures not shown." in text
    assert "400 tests in 1 suite" in text


def test_a_damaged_recording_says_so(journal: Path) -> None:
    recording = recorded(journal)
    half = recording_of(recording.events[: len(recording.events) // 2], unread=3)
    text = markdown.document(half)
    assert "3 lines of the journal could not be read" in text
    assert "The recording has no end" in text
    assert "**Unfinished**" in text

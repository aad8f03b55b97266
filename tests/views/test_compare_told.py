"""A comparison as text, as Markdown and as JSON, whatever its names hold."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from history_support import operation, run, test
from markdown_it import MarkdownIt

from itdash.events.wire import encode_value
from itdash.history.compare import compare, past_of
from itdash.history.record import Budget, Owned, Record
from itdash.history.store import Store
from itdash.render.paint import Paint
from itdash.views.compare import document, markdown, text

if TYPE_CHECKING:
    from itdash.state.comparison import Comparison

HOSTILE = [
    "t.py::a[|]", "t.py::a[`x`]", "t.py::a[\x1b[31m]", "t.py::a[\n## no heading]", "t.py::a[<b>]",
    "t.py::a[\u202e]", "t.py::a[漢字]", "t.py::a[\\|]", "[x](y)", "t.py::" + "x" * 500,
]  # fmt: skip


def held(base: Record, after: Record) -> Comparison:
    with Store.in_memory() as store:
        store.add([base, after])
        return compare(base, after, past_of(store, base, after), ("the run before", "the newest run"))


def everything() -> Comparison:
    """Something in every part."""
    key = Owned("t.py::b", "op|`", "p95 < 1ms")
    before = run(
        1, {**dict.fromkeys(HOSTILE, "passed"), "fixed": "failed", "gone": "passed", "still": "failed",
            "r": "passed"},
        operations={"op|`": operation([1000] * 50), "few": operation([1])}, branch="x|y", commit="c" * 40,
        budgets={key: Budget("kept", 0.5)}, requirements={("s", "4|1"): "verified", ("s", "2"): "failing"},
    )  # fmt: skip
    after = run(
        2, {**dict.fromkeys(HOSTILE, "failed"), "fixed": "passed", "new": "passed", "still": "failed",
            "r": test("passed", 2)},
        operations={"op|`": operation([2000] * 50, errors=15, peak=7), "few": operation([1])},
        budgets={key: Budget("broken", 1.5)}, requirements={("s", "4|1"): "failing", ("s", "2"): "verified"},
        verdict="failed", counts={"failed": 11, "passed": 3},
    )  # fmt: skip
    return held(before, after)


def test_every_part_is_told() -> None:
    told = "\n".join(text(everything(), Paint(False, False)))
    for title in (
        "Newly failing (10)", "Fixed (1)", "Flaky (1)", "Failing still (1)", "New (1)", "Gone (1)",
        "Durations that really changed (1)", "Errors (1)", "Peaks (1)", "Budgets (1)",
        "Requirements lost (1)", "Requirements gained (1)", "Noise, and what cannot be told (1)",
    ):  # fmt: skip
        assert title in told
    assert re.search(r"op\|`\s+slower\s+1\.00ms\s+2\.00ms\s+2\.00\s+50, 50", told)
    assert re.search(r"op\|`\s+more\s+0 of 50\s+15 of 50", told)
    assert re.search(r"p95 < 1ms\s+kept\s+broken\s+50%\s+150%", told)
    assert re.search(r"few\s+too few\s+1\.\S+µs\s+", told)


def test_no_text_can_act() -> None:
    for line in text(everything(), Paint(False, False)):
        assert "\x1b" not in line
        assert "\u202e" not in line
        assert "\n" not in line
    ascii_only = "\n".join(text(everything(), Paint(False, True)))
    assert "µ" not in ascii_only
    assert all(len(line) <= 80 for line in islice(text(everything(), Paint(False, False), 80), 5, None)
               if line.startswith("  "))  # fmt: skip


def test_the_tables_of_markdown_are_whole() -> None:
    made = markdown(everything())
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(made)
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h2"]
    assert sum(token.type == "table_open" for token in tokens) == 13
    assert not any(token.type in ("html_block", "html_inline") for token in tokens)
    cells = [tokens[place + 1].content for place, token in enumerate(tokens) if token.type == "td_open"]
    assert "passed" in cells
    rows = [line for line in made.splitlines() if line.startswith("|")]
    assert all(line.endswith(" |") for line in rows)


def test_json_has_it_all() -> None:
    found = everything()
    told = json.loads(encode_value(document(found)))
    assert told["schema"] == 1
    assert told["regressions"] == list(found.regressions)
    assert told["base"]["branch"] == "x|y"
    assert [one["id"] for one in told["fixed"]] == ["fixed"]
    assert told["operations"][0]["judged"] == "slower"


@pytest.mark.parametrize(
    ("after", "word"),
    [({"a": "passed"}, "NO REGRESSION"), ({"a": "failed"}, "REGRESSION  1 newly failing test"),
     ({"b": "passed"}, "NOTHING TO COMPARE  the two runs have no test in common")],
)  # fmt: skip
def test_the_word_comes_first(after: dict[str, str], word: str) -> None:
    lines = list(text(held(run(1, {"a": "passed"}), run(2, dict(after))), Paint(False, False)))
    assert lines[3] == word


def test_long_tables_are_cut_and_say_so() -> None:
    many = {f"t.py::{n:03d}": "passed" for n in range(60)}
    found = held(run(1, dict(many)), run(2, dict.fromkeys(many, "failed")))
    assert "  10 more rows not shown" in text(found, Paint(False, False))
    assert "10 more rows not shown." in markdown(found)
    assert len(document(found)["failing"]) == 60

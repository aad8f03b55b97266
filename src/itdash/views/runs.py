"""The runs of a project, and what they say of its tests, without running anything."""

from __future__ import annotations

from datetime import datetime
from shlex import join
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from itdash.history.flaky import RUNS, Flaky, last_flaky, since, told
from itdash.history.trend import RUNS as TREND_RUNS
from itdash.history.trend import Trend, slower
from itdash.render import words
from itdash.render.runs import Kept, line
from itdash.render.spans import pad, push
from itdash.render.text import columns, one_line
from itdash.state.cases import FAILING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from itdash.history.flaky import Since
    from itdash.history.record import Head, Test
    from itdash.history.store import Store
    from itdash.render.paint import Paint

SCHEMA: Final = 1
_COUNTS: Final = 72
_COMMIT: Final = 8
_BRANCH: Final = 20
_COMMAND: Final = 40
_OF_TEST: Final = 50
_LIKE: Final = 5
_FAILING: Final = 200


# -- runs --


def rows(heads: Sequence[Head], kept: Collection[str], baseline: str, paint: Paint) -> Iterator[str]:
    """A line for each run."""
    for head in heads:
        counted = line(_kept(head), _COUNTS, paint)
        shown = "".join(_painted(paint, role, text) for role, text in counted)
        where = "kept" if head.name in kept else "pruned"
        mark = f" {paint('flaky', 'baseline')}" if head.name == baseline else ""
        place = (
            f"{head.commit[:_COMMIT]:{_COMMIT}}  {pad(one_line(head.branch), _BRANCH, paint.glyph('cut'))}"
        )
        name = pad(one_line(head.name), max(23, columns(head.name)))
        command = one_line(shortened(head), _COMMAND, paint.glyph("cut"))
        yield f"{name}{shown} {push(where, 6)}  {paint('dim', place)}  {command}{mark}".rstrip()


def _painted(paint: Paint, role: str, text: str) -> str:
    return paint(role if role in ("passed", "failed", "crashed", "skipped", "dim") else "plain", text)


def _kept(head: Head) -> Kept:
    return Kept(moment(head.started), head.verdict, head.counts, head.duration)


def moment(seconds: float) -> str:
    """When that was, as clocks here tell it."""
    try:
        return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S") if seconds else " " * 19
    except (OverflowError, ValueError, OSError):
        return " " * 19


def shortened(head: Head) -> str:
    """The command without what all of them have: the folder of itdash, and `launch`."""
    command = list(head.command[1:] if head.command[:1] == ("launch",) else head.command)
    return join(command)


def plain(head: Head, kept: bool, baseline: bool) -> dict[str, Any]:
    """A run for a program; durations in seconds."""
    return {
        "run": head.name, "started": head.started, "duration": head.duration / 1e9, "verdict": head.verdict,
        "exit_code": head.exit_code, "outcomes": head.counts, "commit": head.commit, "branch": head.branch,
        "clean": head.clean, "machine": head.machine, "python": head.python, "pytest": head.pytest,
        "workers": head.workers, "command": list(head.command), "kept": kept, "baseline": baseline,
    }  # fmt: skip


# -- one test --


class Past(NamedTuple):
    """A test in the runs that know it, newest first, or names like the one that was asked for."""

    name: str
    runs: tuple[tuple[Head, Test], ...]
    like: tuple[str, ...] = ()


def past(store: Store, name: str, most: int = _OF_TEST) -> Past:
    """What became of a test."""
    found: list[tuple[Head, Test]] = []
    for one in store.past(name):
        found.append(one)
        if len(found) == most:
            break
    return Past(name, tuple(found), () if found else tuple(store.tests_like(name, _LIKE)))


def past_rows(past: Past, paint: Paint) -> Iterator[str]:
    """A line for each run."""
    longest = max((test.duration for _, test in past.runs), default=0)
    for head, test in past.runs:
        role = "passed" if test.outcome == "passed" else "failed" if test.outcome in FAILING else "skipped"
        retried = f", attempt {test.attempts}" if test.attempts > 1 else ""
        outcome = pad(f"{paint.glyph(role)} {one_line(test.outcome)}{retried}", 22, paint.glyph("cut"))
        share = round(20 * test.duration / longest) if longest else 0
        bar = paint.glyph("bar") * share
        commit = " ".join(filter(None, [head.commit[:_COMMIT], one_line(head.branch)]))
        took = push(words.seconds(test.duration, paint.ascii), 8)
        yield f"{one_line(head.name)}  {paint(role, outcome)}{took}  {pad(bar, 20)}  {commit}".rstrip()


def past_plain(past: Past) -> dict[str, Any]:
    """The same for a program."""
    return {
        "schema": SCHEMA,
        "test": past.name,
        "runs": [
            {
                "run": head.name, "started": head.started, "outcome": test.outcome, "attempts": test.attempts,
                "duration": test.duration / 1e9, "commit": head.commit, "branch": head.branch,
            }
            for head, test in past.runs
        ],
    }  # fmt: skip


# -- what the runs say of the tests --


class Tests(NamedTuple):
    """Tests that are flaky, that fail in the run that knew them last, and that became slower."""

    runs: int
    flaky: Mapping[str, Flaky] = {}
    failing: Mapping[str, Since] = {}
    slower: Mapping[str, Trend] = {}


def judged(store: Store, wanted: str) -> Tests:
    """What the last runs say: of `flaky`, `failing` or `slower` only that which is wanted."""
    heads = store.heads(TREND_RUNS if wanted == "slower" else RUNS)
    names = [head.name for head in heads]
    if wanted == "flaky":
        return Tests(len(heads), flaky=last_flaky(store, heads))
    if wanted == "slower":
        return Tests(len(heads), slower=slower(heads, store.outcomes(names)))
    outcomes = store.outcomes(names, store.odd(names))
    broken = [name for name, seen in outcomes.items() if seen[0].outcome in FAILING][:_FAILING]
    known = {name: since(store.past(name)) for name in broken}
    return Tests(len(heads), failing={name: one for name, one in known.items() if one})


def judged_plain(tests: Tests) -> dict[str, Any]:
    """The same for a program; durations in seconds."""
    return {
        "schema": SCHEMA,
        "runs": tests.runs,
        "flaky": [
            {
                "test": name, "certain": one.certain, "runs": one.runs, "retried": one.retried,
                "changes_at_same_commit": one.same, "changes": one.changes, "commits": list(one.commits),
                "outcomes": one.outcomes, "evidence": one.evidence,
            }
            for name, one in tests.flaky.items()
        ],
        "failing": [
            {
                "test": name, "since": one.first.name, "commit": one.first.commit, "branch": one.first.branch,
                "runs": one.runs, "last_passed": one.good.name if one.good else None,
                "last_passed_commit": one.good.commit if one.good else None,
            }
            for name, one in tests.failing.items()
        ],
        "slower": [
            {
                "test": name, "before": one.before / 1e9, "after": one.after / 1e9, "runs": one.runs,
                "p": one.p,
            }
            for name, one in tests.slower.items()
        ],
    }  # fmt: skip


def flaky_rows(tests: Tests, paint: Paint) -> Iterator[str]:
    """Each flaky test with its outcomes, the oldest first, and the evidence."""
    for title, certain in (("Flaky", True), ("Perhaps flaky", False)):
        found = {name: one for name, one in tests.flaky.items() if one.certain is certain}
        if found:
            yield paint("flaky", f"{title} ({len(found):,})")
        for name, one in found.items():
            yield f"  {one_line(name)}"
            yield f"    {one.outcomes}  {one.evidence}"
    if not tests.flaky:
        yield f"no flaky test in the last {words.count(tests.runs, 'run')}"


def failing_rows(tests: Tests, paint: Paint) -> Iterator[str]:
    """Each test that failed when it last ran, and since when."""
    if tests.failing:
        yield paint("failed", f"Failing ({len(tests.failing):,})")
    for name, streak in tests.failing.items():
        yield f"  {one_line(name)}"
        yield f"    {one_line(told(streak))}"
    if not tests.failing:
        yield f"no test failed when it last ran, in the last {words.count(tests.runs, 'run')}"


def slower_rows(tests: Tests, paint: Paint) -> Iterator[str]:
    """Each test that became slower."""
    if tests.slower:
        yield paint("warned", f"Slower ({len(tests.slower):,})")
    for name, trend in tests.slower.items():
        before, after = (words.seconds(ns, paint.ascii) for ns in (trend.before, trend.after))
        took = f"{before} before, {after} now"
        factor = trend.after / max(trend.before, 1)
        yield f"  {one_line(name)}"
        yield f"    {took}: {factor:.2f} times as long, over {trend.runs} runs, {_chance(trend.p)}"
    if not tests.slower:
        yield f"no test became slower in the last {words.count(tests.runs, 'run')}, as far as can be told"


def _chance(p: float) -> str:
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.4f}"

"""What differs between two runs, in tables that no format has touched, and in a line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.measure.units import format_ns
from itdash.render import words
from itdash.render.document.tables import CODE, NONE, TEXT, WORD, Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from itdash.render.document.tables import Cell
    from itdash.state.comparison import Change, Comparison, Shift, Side

_COMMIT: Final = 12
_REAL: Final = ("slower", "unusual", "faster")


class Part(NamedTuple):
    """A table, and the role of what it tells."""

    role: str
    table: Table


def headline(comparison: Comparison) -> tuple[str, str]:
    """A word and its reasons."""
    told = comparison.regressions
    if told:
        return "regression", ", ".join(told)
    if not comparison.in_both:
        return "nothing to compare", "the two runs have no test in common"
    better = [
        words.count(len(found), one, many)
        for found, one, many in (
            (comparison.fixed, "fixed test", ""),
            ([shift for shift in _shifts(comparison) if shift.judged == "faster"], "faster duration", ""),
            (comparison.gained, "gained requirement", ""),
        )
        if found
    ]
    return "no regression", ", ".join(better)


def side(side: Side) -> str:
    """A run in a line."""
    began = ""
    if side.started:
        began = f"{datetime.fromtimestamp(side.started, UTC):%Y-%m-%d %H:%M:%S} UTC"
    commit = " ".join(filter(None, [side.branch, side.commit[:_COMMIT]]))
    counts = ", ".join(f"{n:,} {_word(name, n)}" for name, n in side.counts.items())
    return ", ".join(filter(None, [side.told, side.verdict, counts, commit, began]))


def _word(outcome: str, n: int) -> str:
    """What pytest calls it: `not_run` in words, one error and several errors."""
    return "error" if outcome == "errors" and n == 1 else outcome.replace("_", " ")


def parts(comparison: Comparison) -> Iterator[Part]:
    """A table for each kind of change that there is."""
    for role, title, changes in (
        ("failed", "Newly failing", comparison.failing), ("passed", "Fixed", comparison.fixed),
        ("flaky", "Flaky", comparison.flaky), ("failed", "Failing still", comparison.still),
        ("warned", "Another outcome", comparison.other), ("plain", "New", comparison.new),
        ("warned", "Gone", comparison.gone),
    ):  # fmt: skip
        if changes:
            yield Part(role, _changes(title, changes))
    real = [shift for shift in _shifts(comparison) if shift.judged in _REAL]
    if real:
        yield Part("warned", _durations("Durations that really changed", real))
    yield from _counted(comparison)
    rest = [shift for shift in _shifts(comparison) if shift.judged not in _REAL]
    if rest:
        yield Part("dim", _durations("Noise, and what cannot be told", rest))


def remarks(comparison: Comparison) -> list[str]:
    """What a reader must know beside the tables."""
    told = list(comparison.notes)
    if comparison.left_out:
        left = words.count(comparison.left_out, "test")
        told.append(f"{left} of the baseline left out: the two runs were asked for other tests")
    if comparison.not_enough:
        tests = words.count(comparison.not_enough, "test")
        told.append(
            f"durations of {tests} not judged: not enough runs (8 up to the baseline and 3 of the same clean"
            " commit are needed)"
        )
    return told


def _shifts(comparison: Comparison) -> list[Shift]:
    every = [*comparison.operations, *comparison.tests]
    order = [*_REAL, "noise", "too few"]
    return sorted(every, key=lambda shift: (order.index(shift.judged), -(shift.ratio or 0)))


def _changes(title: str, changes: Sequence[Change]) -> Table:
    columns = [Column("test", CODE), Column("was", WORD), Column("is", WORD)]
    why = any(change.why for change in changes)
    if why:
        columns.append(Column("what is known", TEXT))
    rows: list[tuple[Cell, ...]] = [
        (one.id, one.before or NONE, one.after or NONE, one.why) if why
        else (one.id, one.before or NONE, one.after or NONE)
        for one in changes
    ]  # fmt: skip
    return Table(title, tuple(columns), rows)


def _durations(title: str, shifts: Sequence[Shift]) -> Table:
    columns = (
        Column("what", CODE), Column("verdict", WORD), Column("p50 was"), Column("p50 is"), Column("factor"),
        Column("n"), Column("runs"), Column("why", TEXT),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = [
        (one.name, one.judged, _ns(one.before), _ns(one.after), f"{one.ratio:.2f}" if one.ratio else NONE,
         f"{one.n_before:,}, {one.n_after:,}", f"{one.runs:,}", one.why or _chance(one))
        for one in shifts
    ]  # fmt: skip
    return Table(title, columns, rows)


def _chance(shift: Shift) -> str:
    if shift.p is None or shift.above is None:
        return ""
    p = "p < 0.0001" if shift.p < 0.0001 else f"p = {shift.p:.4f}"
    return f"longer in {shift.above:.0%} of pairs, {p}"


def _ns(value: int | None) -> str:
    return NONE if value is None else format_ns(value)


def _counted(comparison: Comparison) -> Iterator[Part]:
    """Errors, peaks, budgets and requirements."""
    if comparison.errors:
        rows: list[tuple[Cell, ...]] = [
            (one.name, "more" if one.worse else "fewer", f"{one.before:,} of {one.of_before:,}",
             f"{one.after:,} of {one.of_after:,}")
            for one in comparison.errors
        ]  # fmt: skip
        columns: tuple[Column, ...] = (
            Column("operation", CODE), Column("errors", WORD), Column("were"), Column("are"),
        )  # fmt: skip
        yield Part("warned", Table("Errors", columns, rows))
    if comparison.peaks:
        rows = [
            (one.name, f"{one.before:,}", f"{one.after:,}",
             f"{one.low:,} to {one.high:,}" if one.low != one.high else f"{one.low:,}", f"{one.runs:,}")
            for one in comparison.peaks
        ]  # fmt: skip
        columns = (Column("operation", CODE), *map(Column, ("peak was", "peak is", "usually", "runs")))
        yield Part("warned", Table("Peaks", columns, rows))
    if comparison.budgets:
        rows = [
            (one.owner, one.operation, one.text, one.before, one.after, _share(one.margin_before),
             _share(one.margin_after))
            for one in comparison.budgets
        ]  # fmt: skip
        columns = (
            Column("of", CODE), Column("operation", CODE), Column("budget", CODE), Column("was", WORD),
            Column("is", WORD), Column("used before"), Column("used now"),
        )  # fmt: skip
        yield Part("warned", Table("Budgets", columns, rows))
    for role, title, found in (
        ("failed", "Requirements lost", comparison.lost), ("passed", "Requirements gained", comparison.gained)
    ):  # fmt: skip
        if found:
            rows = [(one.id, one.suite, one.before or NONE, one.after or NONE) for one in found]
            columns = (Column("id", CODE), Column("suite", TEXT), Column("was", WORD), Column("is", WORD))
            yield Part(role, Table(title, columns, rows))


def _share(margin: float | None) -> str:
    return NONE if margin is None else f"{margin:.0%}"

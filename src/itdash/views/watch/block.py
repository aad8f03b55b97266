"""A round of watch mode in lines: what changed, what that makes run and why, and what it turned."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from itdash.render import words
from itdash.render.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from itdash.render.paint import Paint
    from itdash.runner.affected import Reason
    from itdash.runner.watch.contents import Change
    from itdash.runner.watch.rounds import Round
    from itdash.runner.watch.standing import Turns

_CHANGES = 4


def begins(made: Round, root: str, paint: Paint) -> Iterator[str]:
    """What changed, and what runs because of it."""
    reasons = {reason.path: reason for reason in made.reasons}
    for change in made.changes[:_CHANGES]:
        why = paint("dim", _why(change, reasons.get(change.path)))
        yield f"{paint('strong', _name(change.path, root))} {why}"
    if len(made.changes) > _CHANGES:
        yield paint("dim", f"and {words.count(len(made.changes) - _CHANGES, 'more changed file')}")
    for reason in made.reasons:
        if not reason.path:
            yield paint("dim", f"{reason.what}: all tests run")
    for text in made.problems:
        yield f"{paint('failed', paint.glyph('failed'))} {one_line(text, 200, paint.glyph('cut'))}"
    if made.problems:
        yield paint("dim", "nothing runs until that is mended; the results from before still stand")
    elif made.first is None:
        nothing = "no test is concerned" if made.changes else "nothing is different from the last round"
        yield paint("dim", made.note or nothing)


def left_out(made: Round, paint: Paint) -> Iterator[str]:
    """How many tests are not run in this round."""
    number, failed = made.left_out
    if number and made.first is not None:
        also = f", {failed:,} of them failed before" if failed else ""
        yield paint("dim", f"left out: {words.count(number, 'test')}{also}")


def turned(turns: Turns, paint: Paint, first: bool) -> Iterator[str]:
    """What is different from the time before; at first nothing was before."""
    told = (
        ("failed", "failing" if first else "newly failing", turns.newly_failing),
        ("passed", "newly passing", turns.newly_passing),
        ("failed", "still failing", turns.still_failing),
        ("skipped", "gone", turns.gone),
    )
    for role, word, ids in told:
        names = list(dict.fromkeys(ids))
        if names:
            yield f"{paint(role, f'{word} {len(names):,}')}  {_listed(names, paint)}"


def took(saved: int, first: int, last: int) -> str:
    """The time from the save to the first verdict and to the last."""
    if not saved or not first:
        return ""
    if first == last:
        return f"{words.seconds(last - saved)} after the save"
    return f"first verdict {words.seconds(first - saved)} after the save, last {words.seconds(last - saved)}"


def _listed(names: Sequence[str], paint: Paint) -> str:
    sign = paint.glyph("cut")
    shown = ", ".join(one_line(name, 100, sign) for name in names[:3])
    return f"{shown} and {len(names) - 3:,} more" if len(names) > 3 else shown


def _why(change: Change, reason: Reason | None) -> str:
    what = reason.what if reason else "is new" if not change.before else "changed"
    if reason is None or not reason.tests:
        return what
    number = "all tests" if reason.tests < 0 else words.count(reason.tests, "file of tests", "files of tests")
    return f"{what}: {number}"


def _name(path: str, root: str) -> str:
    return one_line(os.path.relpath(path, root) if path.startswith(f"{root}{os.sep}") else path, 120)

"""One line for each kept run: when it was, how it ended, what came of its tests, how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.render import words
from itdash.render.spans import pad, push, spread
from itdash.render.text import columns, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itdash.render.paint import Paint
    from itdash.render.spans import Spans

_ROLES: Final = {"passed": "passed", "failed": "failed", "running": "running", "no tests": "skipped"}
_COUNTED: Final = (
    ("passed", "passed", "passed"), ("failed", "failed", "failed"), ("errors", "errors", "failed"),
    ("crashed", "crashed", "crashed"), ("timed_out", "timed out", "crashed"),
    ("interrupted", "interrupted", "crashed"), ("not_run", "not run", "crashed"),
    ("skipped", "skipped", "skipped"), ("xfailed", "xfailed", "skipped"), ("xpassed", "xpassed", "skipped"),
)  # fmt: skip
_VERDICT: Final = 13
_TIME: Final = 8


class Kept(NamedTuple):
    """What is known of a run that is kept; `problem` where its summary does not tell."""

    moment: str
    verdict: str = ""
    counts: Mapping[str, int] = {}
    nanoseconds: int = 0
    problem: str = ""


def line(kept: Kept, width: int, paint: Paint) -> Spans:
    """A run in so many columns."""
    left: Spans = [("plain", f" {kept.moment}  ")]
    if kept.problem:
        return spread([*left, ("crashed", f"? {one_line(kept.problem)}")], [], width, paint.glyph("cut"))
    role = _ROLES.get(kept.verdict, "crashed")
    verdict = f"{paint.glyph(role)} {one_line(kept.verdict)}"
    left.append((role, pad(verdict, max(_VERDICT, columns(verdict)) + 1, paint.glyph("cut"))))
    for name, word, role in _COUNTED:
        number = kept.counts.get(name, 0)
        if number:
            told = word.removesuffix("s") if number == 1 and word == "errors" else word
            left.append(("dim" if role == "passed" else role, f" {number:,} {told}"))
    took = words.seconds(kept.nanoseconds) if kept.nanoseconds else ""
    return spread(left, [("dim", push(took, _TIME)), ("plain", " ")], width, paint.glyph("cut"))

"""How many tests came to which end, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itdash.render import words
from itdash.state import queries

if TYPE_CHECKING:
    from itdash.events.model import RunFinished
    from itdash.render.paint import Paint
    from itdash.state.run import RunState

_FIRST = ("crashed", "timed_out", "interrupted", "not_run", "failed", "errors")


def verdict(end: RunFinished, state: RunState, paint: Paint) -> str:
    """The last line of a run."""
    text = f"{told(state)} in {words.seconds(end.t)}"
    return f"{paint(role(end.verdict), end.verdict.upper())}  {text}  (exit code {end.exit_code})"


def role(verdict: str) -> str:
    """The role of a verdict, which also names its glyph."""
    return {"error": "failed", "interrupted": "skipped"}.get(verdict, verdict)


def told(state: RunState) -> str:
    """What is bad first; a test that took a worker down stands with those that failed, as pytest has it."""
    numbers = queries.outcomes(state)
    in_workers = queries.crashed_workers(state)
    numbers["crashed"] -= in_workers
    names = [*_FIRST, *(name for name in numbers if name not in _FIRST)]
    parts = [
        _counted(name, numbers[name])
        + (f" ({in_workers:,} crashed)" if in_workers and name == "failed" else "")
        for name in names
        if numbers[name]
    ]
    return ", ".join(parts) or "no tests"


def _counted(name: str, number: int) -> str:
    word = name.replace("_", " ")
    return f"{number:,} {word.removesuffix('s') if number == 1 and name in ('errors', 'warnings') else word}"

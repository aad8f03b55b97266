"""What a test printed and logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from itdash.render.failures import detail_of
from itdash.render.text import inert
from itdash.state.cases import last_attempt

if TYPE_CHECKING:
    from itdash.render.failures import StageDetail
    from itdash.render.spans import Spans
    from itdash.state.cases import Case


class Whole(NamedTuple):
    """A text that was cut, and the file below the run directory that has all of it; none if it was lost."""

    name: str
    stage: str
    file: str
    characters: int


def printed(detail: StageDetail) -> list[tuple[str, str]]:
    """The streams of a stage that have text."""
    streams = (("stdout", detail.stdout), ("stderr", detail.stderr), ("log", detail.captured_log))
    return [(name, text) for name, text in streams if text]


def output(case: Case) -> list[Spans]:
    """What was captured in each stage of the last attempt."""
    lines: list[Spans] = []
    for stage, report in last_attempt(case).items():
        detail = detail_of(report.detail)
        for name, text in printed(detail):
            lines += [[("plain", "")]] if lines else []
            lines.append([("title", f"{name} in {stage}")])
            lines += [_written(one) for one in wholes(case) if (one.stage, one.name) == (stage, name)]
            lines += [[("plain", inert(line))] for line in text.split("\n")]
    return lines


def _written(one: Whole) -> Spans:
    size = f"{one.characters:,} characters"
    if not one.file:
        return [("warned", f"this is only its head and its tail: all of it ({size}) could not be kept")]
    return [("key", f"this is only its head and its tail: all of it ({size}) is in {one.file}")]


def wholes(case: Case) -> list[Whole]:
    """The texts of the last attempt that were cut."""
    found = []
    for stage, report in last_attempt(case).items():
        for key, place in detail_of(report.detail).whole.items():
            name = "log" if key == "captured_log" else key
            found.append(Whole(name, stage, str(place.get("file") or ""), int(place.get("characters") or 0)))
    return found

"""What failed and why, in lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from itdash.events.model import NOTHING, SubtestFinished
from itdash.render import words
from itdash.render.text import columns, head_and_tail, inert, one_line
from itdash.state.cases import last_attempt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itdash.render.paint import Paint
    from itdash.state.cases import Case
    from itdash.state.run import RunState

_LINES = 120
_OUTPUT_LINES = 40
_WIDTH = 76
_LONGEST = 300
_ERRORS = 3
_MACHINERY = re.compile(
    r'File ".*[/\\](?:(?:_pytest|pluggy|xdist|execnet|itdash[/\\]plugin)[/\\]|pytest_rerunfailures\b)'
)
_WAITING = re.compile(r'File ".*[/\\](?:threading|socket|socketserver|selectors|queue)\.py"')
_THREAD = re.compile(r"(?:Current thread|Thread) 0x")


class _Place(msgspec.Struct):
    path: str = ""
    lineno: int = 0
    message: str = ""


class StageDetail(msgspec.Struct):
    """What pytest-json-report tells of a stage, with our additions."""

    longrepr: str = ""
    stdout: str = ""
    stderr: str = ""
    captured_log: str = ""
    wasxfail: str = ""
    crash: _Place | None = None
    whole: dict[str, dict[str, str | int]] = {}


_decoder = msgspec.json.Decoder(StageDetail)


def detail_of(raw: msgspec.Raw) -> StageDetail:
    """The detail of a stage, empty where there is none or it cannot be read."""
    if raw is NOTHING:
        return StageDetail()
    try:
        return _decoder.decode(raw)
    except msgspec.DecodeError:
        return StageDetail(longrepr="(this detail cannot be read)")


def headline(case: Case) -> str:
    """The one line that says most about a failure."""
    if case.cause:
        return case.cause
    failed = [stage.detail for stage in last_attempt(case).values() if stage.outcome == "failed"]
    failed += [subtest.detail for subtest in _failed_subtests(case)]
    return _last_words(detail_of(failed[0])) if failed else ""


def _last_words(detail: StageDetail) -> str:
    if detail.crash and detail.crash.message:
        return detail.crash.message.split("\n", 1)[0]
    lines = [line for line in detail.longrepr.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _failed_subtests(case: Case) -> list[SubtestFinished]:
    return [one for one in case.reports if isinstance(one, SubtestFinished) and one.outcome == "failed"]


def report(state: RunState, paint: Paint, rule: str, most: int) -> Iterator[str]:
    """Everything that failed, whole as far as `most` failures go."""
    broken = [problem for problem in state.uncollected if problem.outcome == "failed"]
    for problem in broken[:most]:
        yield _title(paint, rule, "failed", f"cannot collect {inert(problem.node) or '(root)'}")
        yield from _detail(detail_of(problem.detail), paint)
    yield from _left_out(len(broken) - most, "broken file")
    for error in state.internal_errors[:_ERRORS]:
        yield _title(paint, rule, "crashed", "internal error of pytest")
        yield from map(inert, head_and_tail(error.text, _LINES))
    yield from _left_out(len(state.internal_errors) - _ERRORS, "internal error")
    shown = list(state.failing)[:most]
    for nodeid in shown:
        yield from _case(state.cases[nodeid], paint, rule)
    yield from _left_out(len(state.failing) - len(shown), "failure")


def _left_out(number: int, what: str) -> Iterator[str]:
    if number > 0:
        yield ""
        yield f"... and {words.count(number, f'more {what}')}; all are in the run directory"


def _title(paint: Paint, rule: str, role: str, text: str) -> str:
    return "\n" + paint(role, f"{rule * 2} {text} {rule * max(2, _WIDTH - columns(text))}")


def _case(case: Case, paint: Paint, rule: str) -> Iterator[str]:
    role = "failed" if case.outcome in ("failed", "error") else "crashed"
    yield _title(paint, rule, role, f"{one_line(case.id, _LONGEST, paint.glyph('cut'))}  {case.outcome}")
    if case.worker:
        yield paint("dim", f"in worker {case.worker}")
    if case.cause:
        yield inert(case.cause)
    if case.stacks:
        yield from (f"    {inert(line)}" for line in head_and_tail(own_frames(case.stacks), _OUTPUT_LINES))
    for subtest in _failed_subtests(case):
        yield paint("strong", f"subtest {inert(subtest.label)}:")
        yield from _detail(detail_of(subtest.detail), paint)
    for name, stage in last_attempt(case).items():
        if name == "crash" and case.cause:
            continue  # pytest-xdist's words for it; the cause says more
        detail = detail_of(stage.detail)
        if stage.outcome == "failed" and name != "call":
            yield paint("strong", f"in {name}:")
        yield from _detail(detail, paint, failed=stage.outcome == "failed")


def own_frames(stacks: str) -> str:
    """The stacks without frames and threads that are pytest's own; the current thread first."""
    head, *threads = _by_thread(stacks)
    own = [kept for thread in threads if (kept := _own_part(thread))]
    own.sort(key=lambda thread: not thread[0].startswith("Current"))
    return "\n".join(line for part in ([_without_machinery(head)] if head else []) + own for line in part)


def _by_thread(stacks: str) -> list[list[str]]:
    """The lines before the first thread, then those of each."""
    parts: list[list[str]] = [[]]
    for line in stacks.splitlines():
        if _THREAD.match(line):
            parts.append([])
        parts[-1].append(line)
    return parts


def _own_part(thread: list[str]) -> list[str]:
    """A thread's lines that tell of the test; none where it only waits on behalf of a plugin."""
    kept = _without_machinery(thread)
    frames = [line for line in kept[1:] if "File " in line]
    if len(kept) < len(thread) and all(_WAITING.search(line) for line in frames):
        return []
    return kept


def _without_machinery(lines: list[str]) -> list[str]:
    return [line for line in lines if not _MACHINERY.search(line)]


def _indented(longrepr: str) -> str:
    """pytest strips the text of a failure, which moves the first line of its source to the left."""
    starts = tuple(line[:4] for line in longrepr.splitlines())
    return (
        f"    {longrepr}"
        if starts and starts[0][:1] not in ("", ">", "E", " ") and ">   " in starts
        else longrepr
    )


def _detail(detail: StageDetail, paint: Paint, failed: bool = True) -> Iterator[str]:
    if failed and detail.longrepr:
        yield from map(inert, head_and_tail(_indented(detail.longrepr), _LINES))
    for name, text in (("stdout", detail.stdout), ("stderr", detail.stderr), ("log", detail.captured_log)):
        if text:
            yield paint("dim", f"captured {name}:")
            yield from (f"    {inert(line)}" for line in head_and_tail(text, _OUTPUT_LINES))
    for name, place in detail.whole.items():
        where = f"is in {place['file']}" if place.get("file") else "could not be kept"
        yield paint("dim", f"the whole {name} ({place.get('characters'):,} characters) {where}")

"""A recorded run read whole and written as a file, in the format that the name of the file asks for."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from itdash.errors import INTERNAL_ERROR, ItdashError, nearest
from itdash.events.wire import encode_value
from itdash.history import archive, recorded
from itdash.history.reading import of_state
from itdash.render.document.run import SECTIONS, Recording
from itdash.runner.shards import Times
from itdash.state.cases import ABORTED
from itdash.state.lanes import Lanes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itdash.events.model import AnyEvent
    from itdash.runner.execution import Reading
    from itdash.state.run import RunState


class ExportError(ItdashError):
    """What was asked for cannot be written."""


class CannotWrite(ItdashError):
    """The file system refuses the file."""

    exit_code = INTERNAL_ERROR


_STEP_SUMMARY: Final = 1 << 20
"""GitHub refuses the page of a step that is larger."""


class Wishes(msgspec.Struct, frozen=True):
    """How a document for readers is to be; a size of 0 is no limit."""

    title: str = ""
    sections: tuple[str, ...] = SECTIONS
    max_size: int = 0
    template: Path | None = None


def read(folder: Path) -> Recording:
    """The run in a folder, as far as its journal can be read."""
    found = recorded.read(folder)
    lanes = Lanes()
    lanes.take(found.events)
    return Recording(found.name, found.state, lanes, found.events, found.bytes, found.unread)


# -- formats --


def compared(recording: Recording, folder: Path, wishes: Wishes) -> Recording:
    """The run with what changed since the baseline; a run that is not among others has none."""
    if "changes" not in wishes.sections or folder.parent.name != "runs":
        return recording
    from itdash.history.against import since_baseline

    changes = since_baseline(folder.parent.parent, of_state(recording.state, recording.name))
    return replace(recording, changes=changes)


def _markdown(recording: Recording, wishes: Wishes) -> bytes:
    from itdash.views.markdown import TooSmall, document

    try:
        return document(recording, wishes.title, wishes.sections, wishes.max_size).encode()
    except TooSmall as error:
        raise ExportError(
            f"{wishes.max_size:,} bytes are too few", where="--max-size",
            mend=f"the overview alone takes {error.least:,}",
        ) from None  # fmt: skip


def _html(recording: Recording, wishes: Wishes) -> bytes:
    from itdash.views.html.page import document

    return document(recording, wishes.title, wishes.sections).encode()


def _junit(recording: Recording, wishes: Wishes) -> bytes:  # noqa: ARG001
    from itdash.views.junit import document

    return document(recording).encode()


def _trace(recording: Recording, wishes: Wishes) -> bytes:  # noqa: ARG001
    from itdash.views.trace import document

    return document(recording)


def _summary(recording: Recording, wishes: Wishes) -> bytes:  # noqa: ARG001
    from itdash.views.summary import summary

    return encode_value(summary(recording.state, recording.bytes, recording.unread))


def _report(recording: Recording, wishes: Wishes) -> bytes:  # noqa: ARG001
    from itdash.views.json_report import report

    return encode_value(report(recording.state))


def _times(recording: Recording, wishes: Wishes) -> bytes:  # noqa: ARG001
    cases = recording.state.cases.values()
    took = {case.id: case.duration / 1e9 for case in cases if case.attempts and case.outcome not in ABORTED}
    return encode_value(Times(1, took))


_FORMATS: Final[dict[str, Callable[[Recording, Wishes], bytes]]] = {
    ".report.json": _report, ".times.json": _times, ".trace.json": _trace, ".json": _summary,
    ".md": _markdown, ".html": _html, ".xml": _junit,
}  # fmt: skip
"""By the end of the file's name, the longer ones first."""

_FOR_READERS: Final = frozenset({".md", ".html"})
_SUFFIXES: Final = (*_FORMATS, archive.SUFFIX)


def suffix_of(path: Path) -> str:
    """The known suffix of a file's name; ExportError where there is none."""
    for suffix in _SUFFIXES:
        if path.name.lower().endswith(suffix):
            return suffix
    known = list(_SUFFIXES)
    told = f"{path.suffix!r} is no known format" if path.suffix else "the file's name has no suffix"
    mend = nearest(path.suffix, known) if path.suffix else f"one of {', '.join(sorted(known))}"
    raise ExportError(told, where=str(path), mend=mend)


def check(path: Path, wishes: Wishes) -> None:
    """ItdashError where a file of this name cannot be written, or cannot be what is wished for."""
    if wishes.template is None:
        suffix = suffix_of(path)
        if suffix not in _FOR_READERS and (wishes.title or wishes.sections != SECTIONS):
            raise ExportError(
                f"a {suffix} file has no title and no sections", where=str(path), mend="use .md or .html"
            )
        if suffix != ".md" and wishes.max_size:
            raise ExportError(
                f"a {suffix} file cannot be kept within a size", where=str(path), mend="use .md"
            )
    if path.exists() and not path.is_file():
        raise CannotWrite("the file cannot be written: this is no file", where=str(path))
    above = path.absolute().parent
    while not above.exists():
        above = above.parent
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise CannotWrite(
            "the file cannot be written", where=str(path), mend=f"{above} must be a folder to write in"
        )


def sections_of(text: str) -> tuple[str, ...]:
    """`overview,failures` as names, in their own order; ExportError for one that is not known."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in SECTIONS:
            raise ExportError(
                f"there is no section {name!r}", where="--sections", mend=nearest(name, list(SECTIONS))
            )
    return tuple(name for name in SECTIONS if name in names) or SECTIONS


def encoded(recording: Recording, suffix: str, wishes: Wishes) -> bytes:
    """The bytes of a file with this suffix; the same journal gives the same."""
    return _FORMATS[suffix](recording, wishes)


# -- files --


def write(path: Path, data: bytes) -> None:
    """Put a file there as a whole, or leave what is there as it is."""
    try:
        _put(path, data)
    except OSError as error:
        raise CannotWrite(f"the file cannot be written: {error.strerror}", where=str(path)) from None


def _put(path: Path, data: bytes) -> None:
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.name}.{os.getpid()}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        part.write_bytes(data)
        part.replace(target)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def export(folder: Path, output: Path | None, wishes: Wishes) -> tuple[bytes, Recording]:
    """Read a run and write it; without a file only give the text back."""
    if output is not None:
        check(output, wishes)
    recording = read(folder)
    if wishes.template is not None:
        from itdash.views.template import filled

        data = filled(wishes.template, recording).encode("utf-8", "replace")
    else:
        suffix = suffix_of(output) if output else ".md"
        if suffix in _FOR_READERS:
            recording = compared(recording, folder, wishes)
        data = encoded(recording, suffix, wishes)
    if output is not None:
        write(output, data)
    return data, recording


def documents(folder: Path) -> list[Path]:
    """The documents of a recorded run, written beside its journal."""
    targets = [folder / "summary.md", folder / "report.html"]
    for target in targets:
        export(folder, target, Wishes())
    return targets


def pack(folder: Path, output: Path) -> int:
    """Put all files of a run into one; how many bytes it has."""
    check(output, Wishes())
    try:
        return archive.pack(folder, output)
    except OSError as error:
        raise CannotWrite(f"the file cannot be written: {error.strerror}", where=str(output)) from None


class Reports:
    """Writes the files that were asked for when the run is over."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = [path.absolute() for path in paths]
        for path in self._paths:
            check(path, Wishes())

    def begin(self, state: RunState, folder: Path) -> None: ...

    def show(self, state: RunState, events: Sequence[AnyEvent], now: int) -> None: ...

    def end(self, state: RunState, folder: Path, reading: Reading) -> None:
        """Make them from the journal, as a later export does; from the state, if the journal was deleted."""
        recording = _ended(state, folder, reading)
        if any(suffix_of(path) in _FOR_READERS for path in self._paths):
            recording = compared(recording, folder, Wishes())
        refused: list[OSError] = []
        for path in self._paths:
            try:
                if suffix_of(path) == archive.SUFFIX:
                    archive.pack(folder, path)
                else:
                    _put(path, encoded(recording, suffix_of(path), Wishes()))
            except OSError as error:
                refused.append(error)
        if refused:
            raise refused[0]


class StepSummary:
    """Adds the run to the page that GitHub shows of a job, as far as it takes it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self, state: RunState, folder: Path) -> None: ...

    def show(self, state: RunState, events: Sequence[AnyEvent], now: int) -> None: ...

    def end(self, state: RunState, folder: Path, reading: Reading) -> None:
        """Write behind what earlier commands of the step wrote."""
        left = _STEP_SUMMARY - (self._path.stat().st_size if self._path.exists() else 0)
        with suppress(ExportError):  # no room is left, not even for the overview
            wishes = Wishes(max_size=max(left, 1))
            text = _markdown(compared(_ended(state, folder, reading), folder, wishes), wishes)
            with self._path.open("ab") as page:
                page.write(text)


def _ended(state: RunState, folder: Path, reading: Reading) -> Recording:
    recording = read(folder)
    if recording.state.run is None:
        return Recording(folder.name, state, Lanes(), (), reading.bytes, reading.unread)
    return recording

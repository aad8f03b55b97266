"""A recorded run read whole and written as a file, in the format that the name of the file asks for."""

from __future__ import annotations

import os
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from itdash.errors import INTERNAL_ERROR, ItdashError, nearest
from itdash.events import model
from itdash.events.journal import Tail
from itdash.events.wire import encode_value
from itdash.render.document.run import SECTIONS, Recording
from itdash.state import fold
from itdash.state.lanes import Lanes
from itdash.state.run import RunState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itdash.events.model import AnyEvent
    from itdash.runner.execution import Reading


_WITH_DETAIL: Final = (model.StageFinished, model.SubtestFinished, model.CollectionFailed)


class ExportError(ItdashError):
    """What was asked for cannot be written."""


class CannotWrite(ItdashError):
    """The file system refuses the file."""

    exit_code = INTERNAL_ERROR


class Wishes(msgspec.Struct, frozen=True):
    """How a document for readers is to be; a size of 0 is no limit."""

    title: str = ""
    sections: tuple[str, ...] = SECTIONS
    max_size: int = 0


def read(folder: Path) -> Recording:
    """The run in a folder, as far as its journal can be read."""
    tail = Tail(folder)
    events: list[AnyEvent] = []
    try:
        while batch := tail.read():
            events += batch
    except OSError as error:
        raise CannotWrite(
            f"the journal cannot be read: {error.strerror}", where=str(error.filename or folder)
        ) from None
    finally:
        tail.close()
    events.sort(key=attrgetter("t"))
    broken = _mend(events)
    kept, state = _folded(events)
    lanes = Lanes()
    lanes.take(kept)
    unread = tail.unread + broken + len(events) - len(kept)
    return Recording(folder.name, state, lanes, kept, tail.bytes, unread)


def _mend(events: list[AnyEvent]) -> int:
    """Take out the details that are no text, which nobody has looked into yet; how many there were."""
    broken = 0
    for place, event in enumerate(events):
        if isinstance(event, _WITH_DETAIL) and event.detail is not model.NOTHING:
            try:
                bytes(event.detail).decode()
            except UnicodeDecodeError:
                nothing = msgspec.Raw(b"{}") if isinstance(event, model.CollectionFailed) else model.NOTHING
                events[place] = replace(event, detail=nothing)
                broken += 1
    return broken


def _folded(events: list[AnyEvent]) -> tuple[list[AnyEvent], RunState]:
    """The events that can be taken in, and the state that they make; damage may look like an event."""
    try:
        return events, fold.replay(events)
    except Exception:  # whatever a damaged file makes of an event
        state, kept = RunState(), []
        for event in events:
            try:
                fold.apply(state, event)
            except Exception:
                continue
            kept.append(event)
        return kept, state


# -- formats --


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


_FORMATS: Final[dict[str, Callable[[Recording, Wishes], bytes]]] = {
    ".report.json": _report, ".trace.json": _trace, ".json": _summary, ".md": _markdown, ".html": _html,
    ".xml": _junit,
}  # fmt: skip
"""By the end of the file's name, the longer ones first."""

_FOR_READERS: Final = frozenset({".md", ".html"})


def suffix_of(path: Path) -> str:
    """The known suffix of a file's name; ExportError where there is none."""
    for suffix in _FORMATS:
        if path.name.lower().endswith(suffix):
            return suffix
    known = list(_FORMATS)
    told = f"{path.suffix!r} is no known format" if path.suffix else "the file's name has no suffix"
    mend = nearest(path.suffix, known) if path.suffix else f"one of {', '.join(sorted(known))}"
    raise ExportError(told, where=str(path), mend=mend)


def check(path: Path, wishes: Wishes) -> None:
    """ItdashError where a file of this name cannot be written, or cannot be what is wished for."""
    suffix = suffix_of(path)
    if suffix not in _FOR_READERS and (wishes.title or wishes.sections != SECTIONS):
        raise ExportError(
            f"a {suffix} file has no title and no sections", where=str(path), mend="use .md or .html"
        )
    if suffix != ".md" and wishes.max_size:
        raise ExportError(f"a {suffix} file cannot be kept within a size", where=str(path), mend="use .md")
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
    """Read a run and write it; without a file only give the Markdown back."""
    if output is not None:
        check(output, wishes)
    recording = read(folder)
    data = encoded(recording, suffix_of(output) if output else ".md", wishes)
    if output is not None:
        write(output, data)
    return data, recording


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
        recording = read(folder)
        if recording.state.run is None:
            recording = Recording(folder.name, state, Lanes(), (), reading.bytes, reading.unread)
        refused: list[OSError] = []
        for path in self._paths:
            try:
                _put(path, encoded(recording, suffix_of(path), Wishes()))
            except OSError as error:
                refused.append(error)
        if refused:
            raise refused[0]

"""Several runs made one, as if their tests had run one run after the other in one place."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec.structs import replace

from itdash.errors import GATE, NO_TESTS, ItdashError
from itdash.events import model
from itdash.events.journal import SEGMENTS
from itdash.events.ops import shifted
from itdash.events.opsfiles import SUFFIX
from itdash.events.wire import encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from itdash.events.model import AnyEvent, RunFinished, RunStarted
    from itdash.history.recorded import Recorded

_WORST: Final = ("crashed", "error", "failed", "interrupted", "passed")
_TOLD: Final = 5
_ITS_OWN: Final = (
    model.RunStarted, model.RunFinished, model.OperationsHappened, model.CasesDeselected,
)  # fmt: skip


class CannotMerge(ItdashError):
    """These runs make no run."""


class Source(NamedTuple):
    """A run that goes into another; `folder` has its files as long as they are merged."""

    folder: Path
    recorded: Recorded


def merge(sources: Sequence[Source], target: Path, command: Sequence[str], itdash: str) -> None:
    """Write the journal of all runs into the folder `target`, each after the one before it."""
    started = [_start(source) for source in sources]
    first = min(started, key=lambda run: run.started)
    suites = {suite.name: suite for run in started for suite in run.suites}
    begin = replace(
        first, t=0, schema=model.SCHEMA, run=target.name, command=tuple(command), itdash=itdash,
        suites=tuple(suites.values()),
    )  # fmt: skip
    joint = _Joint()
    with (target / SEGMENTS / "merged.jsonl").open("wb") as out:
        out.write(encode(begin))
        for source, run in zip(sources, started, strict=True):
            out.write(encode(_joined(source, run, joint.at)))
            out.writelines(encode(event) for event in joint.moved(source.recorded))
            _operations(source.folder, target, joint.at, joint.part)
            joint.add(source.recorded)
        out.write(encode(model.CasesDeselected(joint.at, _deselected(sources))))
        out.writelines(encode(model.NoteAdded(joint.at, note)) for note in _notes(sources))
        out.write(encode(_end(sources, joint.at)))
    _logs(sources, target)


class _Joint:
    """How far the merged run has come: its time, and the numbers that its tests and processes have taken."""

    def __init__(self) -> None:
        self.at, self.case, self.part = 1, 0, 0
        self._told: set[tuple[str, ...]] = set()

    def add(self, recorded: Recorded) -> None:
        """What follows comes after this run."""
        self.at += _length(recorded) + 1
        self.case += max(recorded.state.ids, default=-1) + 1
        self.part += max(recorded.state.processes, default=0)

    def moved(self, recorded: Recorded) -> Iterator[AnyEvent]:
        """The events of a run, but for those that the merged run has of its own."""
        for event in recorded.events:
            if isinstance(event, _ITS_OWN) or self._known(event):
                continue
            changed: dict[str, Any] = {"t": max(0, event.t) + self.at}
            if isinstance(event, model.CasesCollected):
                changed["first"] = event.first + self.case
            for name, by in (("case", self.case), ("part", self.part)):
                if name in event.__struct_fields__:
                    changed[name] = getattr(event, name) + by
            yield replace(event, **changed)

    def _known(self, event: AnyEvent) -> bool:
        """Whether a run before it has told the same, which every shard finds out for itself."""
        told: tuple[str, ...] = ()
        if isinstance(event, model.RequirementsDeclared):
            told = ("requirements", event.suite, event.file)
        elif isinstance(event, model.CollectionFailed):
            told = ("collection", event.node, event.outcome)
        if not told:
            return False
        known = told in self._told
        self._told.add(told)
        return known


def _start(source: Source) -> RunStarted:
    run = source.recorded.state.run
    if run is None:
        raise CannotMerge(
            "the recording does not tell how the run began", where=str(source.folder),
            mend="leave it out, or take the recording from before it was damaged",
        )  # fmt: skip
    return run


def _length(recorded: Recorded) -> int:
    return max(0, recorded.events[-1].t) if recorded.events else 0


def _joined(source: Source, run: RunStarted, at: int) -> model.RunJoined:
    end = source.recorded.state.finished
    return model.RunJoined(
        at, run.run or source.folder.name, run.started, run.command, _length(source.recorded),
        end.verdict if end else "", end.exit_code if end else None,
    )  # fmt: skip


def _deselected(sources: Sequence[Source]) -> int:
    """How many tests no run was asked for; what one shard leaves to another is not meant."""
    shards = [source.recorded.state for source in sources if source.recorded.state.shards]
    whole = sum(source.recorded.state.deselected for source in sources if not source.recorded.state.shards)
    return whole + max(
        (state.deselected - (state.shards[0].collected - state.shards[0].selected) for state in shards),
        default=0,
    )


def _operations(folder: Path, target: Path, by: int, part: int) -> None:
    """The files of the probe, under the numbers of their processes' new parts."""
    for path in sorted((folder / SEGMENTS).glob(f"*{SUFFIX}")):
        data = path.read_bytes()
        words = array("Q")
        words.frombytes(data[: len(data) // 8 * 8])
        name, rest = _renumbered(path.name, part), shifted(words, by)
        (target / SEGMENTS / name).write_bytes(rest.tobytes())


def _renumbered(name: str, by: int) -> str:
    """`pytest-1-gw0.42.ops` with another part."""
    head, dash, rest = name.partition("-")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return f"{head}{dash}{int(rest[:digits]) + by}{rest[digits:]}" if digits else f"{by}-{name}"


def _logs(sources: Sequence[Source], target: Path) -> None:
    """What pytest printed, run after run."""
    with (target / "pytest.log").open("wb") as out:
        for source in sources:
            log = source.folder / "pytest.log"
            if log.is_file():
                out.write(f"==> run {source.recorded.name} <==\n".encode("utf-8", "backslashreplace"))
                out.write(log.read_bytes())


# -- what a reader must know of them together --


def _notes(sources: Sequence[Source]) -> Iterator[str]:
    longest = max(_length(source.recorded) for source in sources)
    yield (
        f"merged from {len(sources)} runs, one after the other on the time line; "
        f"the longest took {longest / 1e9:.3g} s"
    )
    missing = _missing(sources)
    if missing:
        yield missing
    yield from _misfits(sources)
    seen = Counter(id for source in sources for id in source.recorded.state.cases)
    doubled = [id for id, number in seen.items() if number > 1]
    if doubled:
        more = f" and {len(doubled) - _TOLD:,} more" if len(doubled) > _TOLD else ""
        yield f"{len(doubled):,} in more than one of the runs: {', '.join(doubled[:_TOLD])}{more}"
    for source in sources:
        if source.recorded.state.finished is None:
            yield f"run {source.recorded.name} has no end: it was cut off, or goes on still"
        if source.recorded.unread:
            yield f"{source.recorded.unread:,} lines of run {source.recorded.name} could not be read"


def _missing(sources: Sequence[Source]) -> str:
    """The shards that are not among them."""
    taken = [shard for source in sources for shard in source.recorded.state.shards]
    if not taken:
        return ""
    total = max(shard.total for shard in taken)
    left = sorted(set(range(1, total + 1)) - {shard.index for shard in taken})
    return f"missing: shard {', '.join(f'{index}/{total}' for index in left)}" if left else ""


def _misfits(sources: Sequence[Source]) -> Iterator[str]:
    taken = [shard for source in sources for shard in source.recorded.state.shards]
    if len({(shard.total, shard.fingerprint) for shard in taken}) > 1:
        yield "the shards are not of one division: other numbers of them, or other recorded times"
    if len({shard.digest for shard in taken}) > 1:
        yield "the shards did not collect the same tests: some may have run twice, or nowhere"
    if taken and len(taken) < len(sources):
        yield "some of the runs are shards, and some are not"


def _end(sources: Sequence[Source], t: int) -> RunFinished:
    """The worst verdict of all; a shard that is missing is a gate that did not hold."""
    ends = [source.recorded.state.finished for source in sources]
    told = [end for end in ends if end is not None]
    ran = [end for end in told if end.exit_code != NO_TESTS] or told
    if not ran:
        return model.RunFinished(t, "interrupted", GATE, "no run has an end")
    worst = min(ran, key=lambda end: _WORST.index(end.verdict))
    broken = _missing(sources) or next(_misfits(sources), "")
    if len(told) < len(ends):
        broken = broken or "a run has no end"
    if worst.exit_code == 0 and broken:
        return model.RunFinished(t, "failed", GATE, broken)
    return model.RunFinished(t, worst.verdict, worst.exit_code, worst.reason)

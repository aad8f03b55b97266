"""Which run of the history is meant, and which one it is held against."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.errors import ItdashError
from itdash.events.journal import SEGMENTS
from itdash.events.staying import baseline
from itdash.history.find import LATEST, NoSuchRun
from itdash.history.reading import SUMMARY, NoRecord, of_file, of_folder
from itdash.history.record import UNFINISHED, Record

if TYPE_CHECKING:
    from itdash.history.record import Head
    from itdash.history.store import Store

PREVIOUS, GREEN, BASELINE = "previous", "green", "baseline"
_BACK: Final = re.compile(r"-[1-9][0-9]{0,8}")
_LISTED: Final = 5
_CUT_OFF: Final = frozenset({UNFINISHED, "interrupted", "error"})
_SEARCHED: Final = 200


class NoBaseline(ItdashError):
    """There is no run to hold another against."""


class Chosen(NamedTuple):
    """A run, and in words how it was chosen."""

    record: Record
    told: str


def run(store: Store, wanted: str = LATEST) -> Chosen:
    """`latest`, `-2`, the start of a name, the folder of a run, or a summary.json; pruned runs too."""
    found = _elsewhere(wanted) or _named(store, wanted)
    if found is None:
        raise _unknown(store, wanted)
    return found


def base(store: Store, place: Path, wanted: str, run: Record) -> Chosen:
    """What a run is held against: also `previous`, `green`, `baseline`, or the name of a branch.

    Without a word it is the run that was made the baseline, or else the previous one.
    """
    if not wanted:
        wanted = BASELINE if baseline(place) else PREVIOUS
    if wanted == BASELINE:
        return _marked(store, place)
    if wanted in (PREVIOUS, GREEN):
        return _before(store, run, wanted)
    found = _elsewhere(wanted) or _named(store, wanted)
    if found is not None:
        return found
    heads = store.heads(1, before=run.head.name, branch=wanted) or store.heads(1, branch=wanted)
    if heads:
        return _of(store, heads[0], f"the newest run of branch {wanted}")
    raise _unknown(store, wanted, ", a branch, previous, green, baseline")


def _elsewhere(wanted: str) -> Chosen | None:
    """A run that is told by a path."""
    place = Path(wanted)
    if place.name == SEGMENTS and place.is_dir():
        place = place.absolute().parent
    if (place / SEGMENTS).is_dir():
        return Chosen(of_folder(place.resolve()), f"the run in {wanted}")
    if (place / SUMMARY).is_file():
        place /= SUMMARY
    if place.is_file():
        return Chosen(of_file(place), f"the file {wanted}")
    if place.is_dir():
        raise NoRecord("there is no run in this folder", where=wanted,
                       mend="give a summary.json, or the folder of a run")  # fmt: skip
    return None


def _named(store: Store, wanted: str) -> Chosen | None:
    if wanted == LATEST or _BACK.fullmatch(wanted):
        steps = 1 if wanted == LATEST else int(wanted[1:])
        heads = store.heads(steps)
        return (
            _of(store, heads[-1], "the newest run" if steps == 1 else wanted) if len(heads) == steps else None
        )
    names = store.starting(wanted, _LISTED + 1) if wanted else []
    if wanted in names or len(names) == 1:
        record = store.record(wanted if wanted in names else names[0])
        return Chosen(record, "") if record else None
    if names:
        more = " and more" if len(names) > _LISTED else ""
        raise NoSuchRun(
            f"several runs begin with {wanted!r}", mend=f"one of {', '.join(names[:_LISTED])}{more}"
        )
    return None


def _of(store: Store, head: Head, told: str) -> Chosen:
    return Chosen(store.record(head.name) or Record(head), told)


def _marked(store: Store, place: Path) -> Chosen:
    name = baseline(place)
    if not name:
        raise NoBaseline("no run was made the baseline", where=str(place), mend="itdash runs baseline RUN")
    record = store.record(name)
    if record is None:
        raise NoBaseline(
            f"the baseline {name!r} is not in the history", where=str(place / BASELINE),
            mend="make another run the baseline: itdash runs baseline RUN",
        )  # fmt: skip
    return Chosen(record, "the baseline")


def _before(store: Store, run: Record, wanted: str) -> Chosen:
    """The newest run before this one; one that came to its end and was asked for the same, if there is."""
    verdict = "passed" if wanted == GREEN else ""
    heads = store.heads(_SEARCHED, before=run.head.name, verdict=verdict)
    heads = [head for head in heads if head.verdict not in _CUT_OFF] or heads
    alike = [head for head in heads if head.asked == run.head.asked]
    told = "the last green run" if verdict else "the run before"
    if alike:
        return _of(store, alike[0], f"{told} that was asked for the same")
    if heads:
        return _of(store, heads[0], told)
    which = "that passed " if verdict else ""
    raise NoBaseline(
        f"there is no run {which}before {run.head.name}",
        mend="name one, or the summary.json of another machine",
    )


def _unknown(store: Store, wanted: str, also: str = "") -> NoSuchRun:
    heads = store.heads(_LISTED)
    if not heads:
        return NoSuchRun(
            "no run is recorded", mend="`itdash launch` makes one; a file can be told by its path"
        )
    newest = ", ".join(head.name for head in heads)
    return NoSuchRun(
        f"there is no run {wanted!r}",
        mend=f"`latest`, `-2`, the start of a name, a path{also}; newest: {newest}",
    )

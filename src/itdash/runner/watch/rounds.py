"""What is run because of a save: planned from what changed, in one run or two, and taken in at the end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from itdash.errors import ItdashError
from itdash.requirements.find import NAMES as REQUIREMENTS
from itdash.requirements.find import is_below
from itdash.runner import imports as graph
from itdash.runner.affected import Affected, Known, Reason, affected, tiers
from itdash.runner.required import required
from itdash.runner.watch.contents import Entry
from itdash.runner.watch.narrowing import Scope
from itdash.runner.watch.standing import Standing, Turns
from itdash.runner.watch.unreadable import unreadable
from itdash.runner.watch.watcher import Watcher, written_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from itdash.config import Config
    from itdash.requirements.find import Found
    from itdash.runner.command import Request
    from itdash.runner.watch.contents import Change
    from itdash.runner.watch.watcher import Saved
    from itdash.state.run import RunState

_FILES = "files.json"
_MANY = 200
_PATIENCE, _READING = 120, 0.1


class Round(NamedTuple):
    """What a save, or a key, makes run: first the urgent tests, and then perhaps the rest.

    `saved` is when the newest file was written, by the clock of `time.perf_counter_ns`, 0 for a key.
    `left_out` counts the tests that are not run, and those of them that failed before. `partial` tells
    that only some tests of the files are asked for, `note` why nothing is.
    """

    changes: tuple[Change, ...] = ()
    reasons: tuple[Reason, ...] = ()
    problems: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    first: Request | None = None
    files: tuple[str, ...] = ()
    rest: Request | None = None
    left_out: tuple[int, int] = (0, 0)
    saved: int = 0
    partial: bool = False
    everything: bool = False
    note: str = ""


class Rounds:
    """Plans rounds and takes their runs in; whoever owns it starts the requests that it hands out.

    `fd` can be read when `saved` may have something to tell.
    """

    def __init__(
        self,
        request: Request,
        config: Config,
        root: Path,
        cwd: Path,
        only_affected: bool,
        left_out: Iterable[str] = (),
        apart: bool = True,
    ) -> None:
        """`apart` tells whether what is urgent is a run of its own, or only comes first in one run."""
        self.config, self.only_affected, self._apart = config, only_affected, apart
        self._root, self._cwd, self._real = root, cwd, os.path.realpath(root)
        self._base = root / config.directory
        self.request = replace(request, imports=(self._real, *_outside(self._real, config)))
        self.standing = Standing()
        self.turns = Turns()
        self._graph = graph.load(self._base / graph.FILE)
        known = _recorded(self._base / _FILES)
        self._recorded = known is not None and not self._graph.empty
        out = [str(self._base), *left_out]
        self.watcher = Watcher(root, config.watch, out, known if self._recorded else None)
        self.fd = self.watcher.fd
        self._declared: Found | None = None
        self._round = self._made = Round()
        self._whole, self._resting, self._owed = True, False, False
        self._rootdir = ""
        self._entries: dict[str, Entry] = {}

    def start(self) -> None:
        """Begin to watch."""
        self.watcher.start()

    def close(self) -> None:
        """Stop watching."""
        self.watcher.close()

    @property
    def round(self) -> Round:
        """The round that goes on, or went on last."""
        return self._round

    def saved(self, now: int) -> Saved | None:
        """What was saved since the last run began, once nothing more has been saved for a moment."""
        return self.watcher.saved(now) if self.watcher.ready else None

    def unreadable(self, saved: Saved) -> tuple[str, ...]:
        """What Python cannot read of what was saved; to be told while other tests still run."""
        return tuple(unreadable(saved.changes, self._known()))

    # -- planning --

    def opening(self) -> Round:
        """The first round: everything, or what has changed since the last run that is on record.

        It begins when every file was looked at: what is saved later is known to be later.
        """
        self._declared = self._read_requirements()
        self.watcher.wait(_PATIENCE)
        if self.only_affected and self._recorded:
            made = self.because_of_saves()
            return made if made.first or made.problems or not self._failing() else self.failed()
        what = "no earlier run has recorded what imports what" if self.only_affected else ""
        self.watcher.begin()
        return self._begin(self._of_everything((Reason("", what, -1),) if what else ()))

    def everything(self) -> Round:
        """All tests, those first that failed."""
        self.watcher.begin()
        return self._begin(self._of_everything(()))

    def failed(self) -> Round:
        """The tests that failed when they last ran; nothing where there are none."""
        files = [file for file in self._tests() if file in self._failing()]
        only = frozenset(self.standing.failing) if not self.standing.broken else None
        request = self._of_files(files, only or None) if files else None
        self.watcher.begin()
        note = "" if request else "nothing has failed"
        return self._begin(Round(first=request, files=tuple(files), partial=True, note=note), whole=False)

    def again(self) -> Round:
        """What the last round ran."""
        self.watcher.begin()
        last = self._made
        return self._begin(last._replace(changes=(), reasons=(), problems=(), gone=(), saved=0), self._whole)

    def because_of_saves(self) -> Round:
        """What is different since the last round that was completed makes run."""
        changes = self.watcher.begin()
        known = self._known()
        problems = tuple(unreadable(changes, known))
        saved = written_at(changes)
        gone = self.standing.drop_files([change.path for change in changes if not change.after])
        if problems:
            self.watcher.hold()
            return self._begin(Round(changes, problems=problems, saved=saved, gone=gone), whole=False)
        self.read_on()
        known = self._known()
        found = affected(changes, known)
        try:
            claimed, told = self._requirements(changes)
        except ItdashError as error:
            self.watcher.hold()
            return self._begin(Round(changes, problems=tuple(error.lines()), saved=saved), whole=False)
        reasons = tuple(told.get(reason.path, reason) for reason in found.reasons)
        if self._owed:
            found = found._replace(everything=True)
        made = self._planned(found, known, claimed)
        return self._begin(made._replace(changes=changes, reasons=reasons, saved=saved, gone=gone))

    def _planned(self, found: Affected, known: Known, claimed: frozenset[str]) -> Round:
        if found.everything:
            return self._of_everything(found.reasons, tiers(found, known))
        if not found.files:
            if not claimed:
                return Round(left_out=self.standing.number())
            files = tuple(file for file in known.tests if self._has_any(file, claimed))
            return Round(first=self._of_files(files, claimed), files=files, partial=True)
        if claimed:
            around = tuple(file for file in known.tests if self._has_any(file, claimed))
            found = found._replace(reached=tuple(dict.fromkeys([*found.reached, *around])))
        turns = tiers(found, known)
        files = tuple(file for tier in turns for file in tier)
        files = tuple(file for file in files if os.path.exists(file))
        others = [file for file in known.tests if file not in set(files)]
        if self.only_affected:
            first = self._of_files(files)
            return Round(first=first, files=files, left_out=self._left_out(others))
        if not others or len(files) > _MANY or not self._apart:
            return self._of_everything((), turns)
        first = self._of_files(files)
        return Round(first=first, files=files, rest=self.request if first else None)

    def _of_everything(self, reasons: tuple[Reason, ...], turns: tuple[tuple[str, ...], ...] = ()) -> Round:
        turns = turns or ((tuple(file for file in self._tests() if file in self._failing())),)
        return Round(reasons=reasons, first=replace(self.request, first=turns), everything=True)

    def _begin(self, made: Round, whole: bool = True) -> Round:
        self._round = self._made = made
        self._whole, self.turns, self._resting = whole, Turns(gone=made.gone), False
        self._entries = self.watcher.digests() if made.first else {}
        if made.first is None and not made.problems:
            self.watcher.end(complete=whole)
        return made

    def _tests(self) -> list[str]:
        return self.standing.files or list(self._graph.tests)

    def _failing(self) -> frozenset[str]:
        before = frozenset(file for file, (_, failed) in self._graph.tests.items() if failed)
        return self.standing.failing_files if self.standing.files else before

    def _known(self) -> Known:
        importers = self._graph.importers()
        return Known(self._real, importers, self._tests(), self._failing(), self._graph.patterns)

    def _left_out(self, files: Iterable[str]) -> tuple[int, int]:
        if self.standing.files:
            return self.standing.number(files)
        counts = [self._graph.tests.get(file, (0, 0)) for file in files]
        return sum(count for count, _ in counts), sum(failed for _, failed in counts)

    def _has_any(self, file: str, ids: frozenset[str]) -> bool:
        return any(os.path.realpath(os.path.join(self._rootdir, id.partition("::")[0])) == file for id in ids)

    def _requirements(self, changes: Sequence[Change]) -> tuple[frozenset[str], dict[str, Reason]]:
        """The tests that name a requirement that is not what it was, and a word for each file of them."""
        files = [change.path for change in changes if os.path.basename(change.path) in REQUIREMENTS]
        if not files:
            return frozenset(), {}
        now = self._read_requirements()
        before, self._declared = self._declared, now
        old, new = _rows(before), _rows(now)
        ids = {key[1] for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
        tests = frozenset(id for id, named in self.standing.claims.items() if not ids.isdisjoint(named))
        names = ", ".join(sorted(ids)[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
        what = f"changes {names}" if ids else "declares the same requirements"
        concerned = len({id.partition("::")[0] for id in tests})
        return tests, {path: Reason(path, what, concerned) for path in files}

    def _read_requirements(self) -> Found:
        return required(self.request, self.config, self._root, self._cwd)

    def _of_files(self, files: Sequence[str], only: frozenset[str] | None = None) -> Request | None:
        scope = Scope(self.request, self.config, self._root, self._cwd)
        return scope.narrowed(files, only, self._rootdir)

    # -- taking runs in --

    def over(self, state: RunState, folder: Path) -> Request | None:
        """Take a run in that was recorded in `folder`; what must run next for this round, if anything."""
        made = self._round
        self._rootdir = state.names.rootdir or self._rootdir
        complete = _is_complete(state)
        narrowed = made.partial or bool(self.request.keyword or self.request.mark or self.request.groups)
        asked = made.files if complete and not self._resting else ()
        self.turns = self.turns.then(self.standing.take(state, asked, narrowed))
        self._graph.take(folder)
        if not complete:
            self._owed |= made.everything
            self.watcher.end(complete=False)
            return None
        self._owed &= not made.everything
        if made.rest is not None:
            done = frozenset(state.cases)
            following = replace(made.rest, done=done)
            self._round, self._resting = made._replace(rest=None), True
            return following
        self.watcher.end(complete=self._whole)
        self._save()
        return None

    def interrupted(self) -> None:
        """The round ends before its runs do; what it was to show counts as not shown."""
        self._round = self._round._replace(rest=None)

    def read_on(self, seconds: float = 0) -> None:
        """Read the sources that imports are known of, for so long, which need not be for all of them."""
        entries = self.watcher.contents.entries
        self._graph.read_sources({path: entry.digest for path, entry in list(entries.items())}, seconds)

    def _save(self) -> None:
        """Keep what the next itdash can use."""
        self.read_on(_READING)
        narrow = self.request
        if self.standing.files:
            self._graph.tests.update({file: self.standing.number([file]) for file in self.standing.files})
        self._graph.save(self._base / graph.FILE)
        is_narrowed = (
            narrow.paths or narrow.suites or narrow.groups or narrow.keyword or narrow.mark or narrow.extra
        )
        if self._whole and not is_narrowed and narrow.only is None and self._entries:
            graph.replace_file(self._base / _FILES, msgspec.json.encode(self._entries))


def _is_complete(state: RunState) -> bool:
    """Whether every test that was collected has its result, and nothing cut the run short."""
    end = state.finished
    if end is None or state.requests or end.verdict == "interrupted" or not state.collected:
        return False
    return all(case.outcome not in ("", "not run", "interrupted") for case in state.cases.values())


def _recorded(path: Path) -> dict[str, Entry] | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Entry])
    except (OSError, msgspec.DecodeError):
        return None


def _outside(root: str, config: Config) -> tuple[str, ...]:
    """The watched places that are not below the project's folder."""
    places = [os.path.realpath(os.path.join(root, path)) for path in config.watch.paths]
    return tuple(place for place in places if not is_below(place, root))


def _rows(found: Found | None) -> dict[tuple[str, str], object]:
    if found is None:
        return {}
    return {(part.suite, row.id): row for part in found.declared for row in part.rows}

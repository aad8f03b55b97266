"""The history of a project: found, made, brought up to what was recorded, mended when it is broken."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from itdash.events.staying import is_written
from itdash.history.places import bases, every
from itdash.history.reading import of_folder
from itdash.history.record import Head, Record
from itdash.history.store import FILE, WAIT, BrokenStore, NewerStore, Store, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Answer = TypeVar("Answer")

_AT_ONCE: Final = 100
"""So many runs are taken in together: others that write wait no longer than that takes."""

_LOCK: Final = "history.lock"


class Listener:
    """Hears what there is to tell of the history; this one keeps it to itself."""

    def warn(self, text: str) -> None:
        """Something that the reader must know."""

    def progress(self, done: int, total: int) -> None:
        """So many of the runs that were not known are taken in."""


def ask(base: Path, question: Callable[[Store], Answer], listener: Listener | None = None) -> Answer:
    """The answer of the history of the runs below `base`, which is up to date with them before it is asked.

    A file that turns out to be broken while it answers is set aside, and another is made from the runs.
    """
    told = listener or Listener()
    for _ in range(2):
        store = _opened(base, told)
        try:
            _catch_up(store, base, told)
            return question(store)
        except BrokenStore as error:
            store.close()
            _set_aside(base, str(error), told)
        finally:
            store.close()
    with Store.in_memory() as store:
        _catch_up(store, base, told)
        return question(store)


def add(base: Path, record: Record, wait: float = WAIT) -> str:
    """Take one run in; what a reader must know is given back. StoreError where it could not be kept."""
    told = _Told()
    try:
        with Store.open(base / FILE, wait) as store:
            store.add([record])
    except BrokenStore as error:
        _set_aside(base, str(error), told)
        with Store.open(base / FILE, wait) as store:
            store.add([record])
    return "; ".join(told.texts)


class _Told(Listener):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def warn(self, text: str) -> None:
        self.texts.append(text)


def _opened(base: Path, told: Listener) -> Store:
    """The file beside the runs, or the one of the place that stands in for it, or memory."""
    why = ""
    for place in bases(base):
        if place.is_dir():
            try:
                return Store.open(place / FILE)
            except BrokenStore as error:
                _set_aside(base, str(error), told)
                with suppress(StoreError):
                    return Store.open(place / FILE)
            except NewerStore as error:
                told.warn(
                    f"{place / FILE} is left alone: {error}; what follows is from the runs that are kept"
                )
                return Store.in_memory()
            except StoreError as error:
                why = why or str(error)
    if why:
        told.warn(f"the history cannot be written ({why}); what follows is not kept")
    for place in bases(base):
        with suppress(StoreError):
            return Store.in_memory(place / FILE)
    return Store.in_memory()


def _catch_up(store: Store, base: Path, told: Listener) -> None:
    """Take in the runs that are there and not known."""
    folders = list(every(base))
    known = store.known([folder.name for folder in folders])
    missing = [folder for folder in folders if folder.name not in known and not is_written(folder)]
    start = 0
    try:
        for start in range(0, len(missing), _AT_ONCE):
            store.add([_record(folder) for folder in missing[start : start + _AT_ONCE]])
            told.progress(min(start + _AT_ONCE, len(missing)), len(missing))
    except BrokenStore:
        raise
    except StoreError as error:
        told.warn(f"{len(missing) - start:,} of the runs could not be taken into the history: {error}")


def _record(folder: Path) -> Record:
    try:
        return of_folder(folder)
    except Exception:  # a run that damage has made unreadable is still one that was there
        return Record(Head(folder.name))


# -- what is broken --


def _set_aside(base: Path, why: str, told: Listener) -> None:
    """Give the broken file another name, unless another itdash has done so already."""
    for place in bases(base):
        if not (place / FILE).exists():
            continue
        with suppress(OSError), _alone(place):
            if not Store.is_sound(place / FILE):
                name = _rename(place)
                told.warn(f"the history was broken ({why}): it is {name} now, and made anew from the runs")


def _rename(place: Path) -> Path:
    number = 1
    while (target := place / f"{FILE}.broken-{number}").exists():
        number += 1
    os.rename(place / FILE, target)
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.rename(f"{place / FILE}{suffix}", f"{target}{suffix}")
    return target


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    with Path(place / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

"""Puts begins and ends on record: one store into memory each, durable at once, with no lock and no thread.

Slots are given out by `next` of a counter and the like, single calls into C that no other Python thread can
interrupt, so a word is written by whoever took its slot, and by nobody else. The slot is taken before the
clock is read: where a thread is held up in between, the reader sees a hole, so something is still missing.
"""

from __future__ import annotations

import os
from _thread import RLock
from array import array
from itertools import count, islice
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from itdash.events.ops import (
    BEGIN,
    DISTANCE_BITS,
    DURATION_BITS,
    LABEL_SETS,
    LATENCY,
    LONG,
    MORE,
    NAMES_KEPT,
    NUMBERS,
    OK,
    PAD,
    count_words,
    gauge_words,
    head,
    part,
    text_words,
    window_end,
)
from itdash.probe.windows import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from itdash.probe.regions import operation
    from itdash.probe.windows import View, Windows

# Held in a tuple: a clock that a test puts in the place of `time.perf_counter_ns` is put into modules only.
_HELD = (perf_counter_ns,)

_LONGEST_TEXT = 200
_MOST_LABELS = 16
_FAILURES_TOLD = 1
_ROUNDS, _OPERATIONS = 5, 200


class Listener:
    """Writes what the operations of this process tell to its windows."""

    __slots__ = (
        "_base", "_failures", "_heads", "_known", "_lock", "_names", "_next", "_note", "_now", "_sets",
        "_windows", "lost", "origin", "pid", "window",
    )  # fmt: skip

    def __init__(
        self,
        windows: Windows,
        origin: int,
        source: dict[str, Any],
        note: Callable[[str, str], None] | None = None,
    ) -> None:
        self._now, self._windows, self.origin, self._note = _HELD[0], windows, origin, note
        self.pid = os.getpid()
        self._lock = RLock()
        self._heads: dict[Any, int] = {}
        self._names: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
        self._sets: dict[str, int] = {}
        self._known: set[str] = set()
        self._next = 1
        self._failures = self.lost = 0
        self._base = 0
        self.window: tuple[Iterator[int], View, int] = self._open(0)
        self.put(text_words(0, 0, {"version": 1, "pid": self.pid, **source}))

    @property
    def slots(self) -> int:
        """About how many slots were given out so far, and not one fewer; one of them is used up by asking."""
        return next(self.window[0])

    @property
    def failures(self) -> int:
        """How often the probe was given something that it cannot take, or failed itself."""
        return self._failures

    def pace(self) -> int:
        """Nanoseconds that an operation with nothing in it takes here, the quickest of a few rounds."""
        from itdash.probe.regions import operation

        scratch = Listener(Memory(lambda _slot, _words: None), self.origin, {})
        best = 1 << 62
        for _ in range(_ROUNDS):
            began = self._now()
            for _ in range(_OPERATIONS):
                one = operation("")
                scratch.begin(one)
                scratch.end(one, OK)
            best = min(best, self._now() - began)
        return best // _OPERATIONS

    # -- operations --

    def begin(self, operation: operation) -> None:
        """An operation begins."""
        labels = operation.labels
        try:
            word = self._heads[(operation.name, *labels.items()) if labels else operation.name]
        except (KeyError, TypeError):
            word = self._head_of(operation.name, labels)
        counter, view, base = self.window
        slot = next(counter)
        now = self._now()
        word |= (now - self.origin) << 16
        try:
            view[slot - base] = word
        except IndexError:
            slot = self._put_later(word)
        if operation.on is not None:
            operation.keep_outer()
        operation.slot, operation.began, operation.on = slot, now, self

    def end(self, operation: operation, outcome: int) -> None:
        """It is over."""
        counter, view, base = self.window
        slot = next(counter)
        duration = self._now() - operation.began
        distance = slot - operation.slot
        if duration >> DURATION_BITS or distance >> DISTANCE_BITS:
            view[slot - base : slot - base + 1] = _PADDING
            self._long_end(operation, duration, outcome)
            return
        try:
            view[slot - base] = duration << 28 | distance << 4 | outcome
        except IndexError:
            self._long_end(operation, duration, outcome)

    def _long_end(self, operation: operation, duration: int, outcome: int) -> None:
        number = self._head_of(operation.name, operation.labels) >> 4
        t = operation.began + duration - self.origin
        self.put([head(LONG, number, t), part(duration), part(operation.slot << 4 | outcome)])

    # -- other things --

    def latency(self, name: str, labels: dict[str, object], ns: int) -> None:
        """An operation took so long, as somebody else measured."""
        self.put([head(LATENCY, self._head_of(name, labels) >> 4, self.now()), part(ns)])

    def count(self, name: str, n: int) -> None:
        """Something was counted."""
        self.put(count_words(self._head_of(name, {}) >> 4, self.now(), n))

    def gauge(self, name: str, value: float) -> None:
        """A level changed."""
        self.put(gauge_words(self._head_of(name, {}) >> 4, self.now(), value))

    def now(self) -> int:
        """Nanoseconds since the run began."""
        return self._now() - self.origin

    def failed(self, error: Exception) -> None:
        """The probe could not take something; the test must not notice, the reader of the run must."""
        self._failures += 1
        if self._failures == _FAILURES_TOLD:
            try:
                told = str(error) or type(error).__name__
            except Exception:  # that of a label may be of any class
                told = type(error).__name__
            self.note(f"the probe refused a measurement: {told}")

    def note(self, text: str) -> None:
        """Tell the reader of the run."""
        self._tell("NoteAdded", text)

    def mark(self, text: str) -> None:
        """Mark this moment."""
        self._tell("MarkAdded", text)

    def _tell(self, kind: str, text: str) -> None:
        if self._note is not None:
            self._note(kind, text[: 2 * _LONGEST_TEXT])

    def lose(self, words: int) -> None:
        """These words found no place."""
        self.lost += words

    # -- names --

    def _head_of(self, name: object, labels: dict[str, object]) -> int:
        """The first word of a begin, without its moment; an unknown name is written down first."""
        with self._lock:
            told = tuple(sorted((_text(key), _text(value)) for key, value in labels.items()))
            key = (_text(name), told[:_MOST_LABELS])
            number = self._names.get(key)
            if number is None:
                number = self._new_name(*key)
            word = head(BEGIN, number, 0)
            if len(self._heads) < 2 * NUMBERS and key in self._names:
                try:
                    self._heads[(name, *labels.items()) if labels else name] = word
                except TypeError:
                    pass  # a label that has no hash is found by its text each time
            return word

    def _new_name(self, name: str, labels: tuple[tuple[str, str], ...]) -> int:
        if name != MORE and (self._next >= NUMBERS - 1 or self._is_beyond(name)):
            return self._without_name(name)
        if labels and labels != ((MORE, MORE),):
            known = self._sets.get(name, 0)
            if known >= LABEL_SETS:
                return self._overflow(name, labels)
            self._sets[name] = known + 1
        self._known.add(name)
        number, lost = self._next, self.lost
        self._next += 1
        self.put(text_words(number, self.now(), [name, dict(labels)]))
        if self.lost == lost:  # else the name is told anew when the disk takes it
            self._names[name, labels] = number
        return number

    def _is_beyond(self, name: str) -> bool:
        return len(self._known) >= NAMES_KEPT and name not in self._known

    def _without_name(self, name: str) -> int:
        if (MORE, ()) not in self._names:
            self.note(
                f"more names than can be told apart, {name!r} is the first of them: "
                f"all others count as {MORE}; put what differs into labels"
            )
        return self._number(MORE, ())

    def _overflow(self, name: str, labels: tuple[tuple[str, str], ...]) -> int:
        key = (name, ((MORE, MORE),))
        if key not in self._names:
            names = ", ".join(repr(key) for key, _ in labels)
            told = f"the label {names}" if len(labels) == 1 else f"the labels {names}"
            self.note(
                f"operation {name!r}: {told} took more than {LABEL_SETS} values; all others count as {MORE}"
            )
        return self._number(*key)

    def _number(self, name: str, labels: tuple[tuple[str, str], ...]) -> int:
        number = self._names.get((name, labels))
        return self._new_name(name, labels) if number is None else number

    # -- slots --

    def put(self, words: Sequence[int]) -> int:
        """Write words that belong together; the slot of the first."""
        data = memoryview(array("Q", words))
        size = len(data)
        for _ in range(100):
            counter, view, base = window = self.window
            taken = list(islice(counter, size))
            first = taken[0] - base
            if first + size <= len(view):
                view[first : first + size] = data
                return taken[0]
            for slot in taken:
                if slot - base < len(view):
                    view[slot - base : slot - base + 1] = _PADDING
            self._grow(window)
        self.lost += size
        return taken[0]

    def _put_later(self, word: int) -> int:
        return self.put([word])

    def _grow(self, full: tuple[Iterator[int], View, int]) -> None:
        with self._lock:
            if self.window is full:
                self.window = self._open(self._base)

    def _open(self, base: int) -> tuple[Iterator[int], View, int]:
        self._base = window_end(base)
        view = self._windows.open(base, self._base - base, self.lose)
        return count(base), view, base


_PADDING = memoryview(array("Q", [PAD]))


def _text(value: object) -> str:
    text = value if type(value) is str else str(value)
    return text[:_LONGEST_TEXT].encode("utf-8", "backslashreplace").decode("utf-8")

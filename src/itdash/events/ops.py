"""The words of an `.ops` file: one for each begin and one for each end of an operation, and how to read them.

A file is a row of slots of eight bytes, little endian, that its process fills in the order of time; a slot
that is 0 is not written yet. The lowest four bits say what a word is:

    BEGIN                    number of the operation (12 bits), moment (48)
    OK ERROR CANCELLED       how many slots back its begin is (24 bits), duration (36)
    LONG                     number, moment; PART: duration; PART: outcome and slot of the begin
    LATENCY COUNT            number, moment; PART: the value
    GAUGE                    number, moment; two PARTs: the halves of a double
    TEXT                     number, moment; PART: a length in bytes; PARTs: seven bytes each, of JSON
    PAD                      nothing for so many slots, or for this one (0): the disk refused what was there
    PART                     what belongs to the word before it, in the upper 60 bits

Moments are nanoseconds since the run began. Text 0 tells about the process, any other names an operation.
Only the standard library is used here: the process under test reads this too.
"""

from __future__ import annotations

import json
import struct
from array import array
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

BEGIN, OK, ERROR, CANCELLED, LONG, LATENCY, COUNT, GAUGE, TEXT, PAD = range(1, 11)
PART: Final = 15

DISTANCE_BITS: Final = 24
DURATION_BITS: Final = 36
NUMBERS: Final = 1 << 12
WINDOWS: Final = (512, 8 << 10, 32 << 10)
"""A file grows by windows: to the first two of these many slots, and then by the third."""

LABEL_SETS: Final = 100
"""So many sets of labels are told apart for one operation."""

NAMES_KEPT: Final = 1_000
"""So many names are told apart, by a process and in a run."""

MORE: Final = "(more)"
"""The name, or the label, of what is not told apart."""

BEGUN: Final = -1
"""Stands where a duration would: the operation began."""

_WORDS_AFTER: Final = {LONG: 2, LATENCY: 1, COUNT: 1, GAUGE: 2}
_TEXT_BYTES: Final = 7
_LATE_ENDS: Final = 1_000
_LONGEST_TEXT: Final = 1 << 17
_HALF: Final = (1 << 32) - 1
_COUNT_ZERO: Final = 1 << 59


Edge: TypeAlias = tuple[int, int, int, int]
"""Number, moment, duration or `BEGUN`, outcome: a begin, an end, or (outcome 0) a latency known otherwise."""


class Value(NamedTuple):
    """A count or a gauge."""

    number: int
    t: int
    kind: int
    value: float


def window_end(slot: int) -> int:
    """Where the window ends that a slot is in."""
    first, second, step = WINDOWS
    if slot < second:
        return first if slot < first else second
    return slot + step - (slot - second) % step


def head(kind: int, number: int, t: int) -> int:
    """The first word of a record."""
    return t << 16 | number << 4 | kind


def part(value: int) -> int:
    """A word that belongs to the one before it."""
    return value << 4 | PART


def text_words(number: int, t: int, value: Any) -> array[int]:
    """The words of a text record."""
    data = json.dumps(value, separators=(",", ":")).encode("ascii")
    words = array("Q", [head(TEXT, number, t), part(len(data))])
    step = _TEXT_BYTES
    words.extend(
        int.from_bytes(data[i : i + step].ljust(step), "little") << 8 | PART
        for i in range(0, len(data), step)
    )
    return words


def count_words(number: int, t: int, n: int) -> array[int]:
    """The words that count `n`, a whole number of up to 59 bits with a sign."""
    return array("Q", [head(COUNT, number, t), part(n + _COUNT_ZERO)])


def gauge_words(number: int, t: int, value: float) -> array[int]:
    """The words that tell a level."""
    low, high = struct.unpack("<II", struct.pack("<d", value))
    return array("Q", [head(GAUGE, number, t), part(low), part(high)])


def shifted(words: array[int], by: int) -> array[int]:
    """The same records, so many nanoseconds later."""
    timed = {BEGIN, LONG, LATENCY, COUNT, GAUGE, TEXT}
    step = by << 16
    return array("Q", [word + step if word & 15 in timed else word for word in words])


class Decoder:
    """Turns the words of one file into begins and ends; a begin is remembered until its end comes."""

    __slots__ = ("_early", "_next", "_rest", "names", "open", "source", "unmatched", "values")

    def __init__(self) -> None:
        self.names: dict[int, tuple[str, dict[str, str]]] = {}
        self.source: dict[str, Any] = {}
        self.open: dict[int, int] = {}
        self.values: list[Value] = []
        self.unmatched = 0
        self._early: dict[int, int] = {}
        self._next = 0
        self._rest: list[int] = []

    @property
    def in_flight(self) -> int:
        """How many began and have not ended."""
        return len(self.open)

    def feed(self, first: int, data: bytes) -> list[Edge]:
        """Read words of which the first stands in the slot `first`; what is not an edge goes to `values`."""
        words = array("Q")
        words.frombytes(data)
        if self._rest and first == self._next:
            words = array("Q", self._rest) + words
            first -= len(self._rest)
        after = max(self._next, first + len(words))
        self._rest = []
        edges = self._read(first, words)
        self._next = after
        return edges

    def _read(self, first: int, words: Sequence[int]) -> list[Edge]:
        edges: list[Edge] = []
        append, began_at, number_mask = edges.append, self.open, NUMBERS - 1
        distance_mask = (1 << DISTANCE_BITS) - 1
        skip = 0
        for slot, word in enumerate(words, first):
            kind = word & 15
            if slot < skip or not word:
                continue
            if kind == BEGIN:
                began_at[slot] = word >> 4
                append((word >> 4 & number_mask, word >> 16, BEGUN, 0))
                if self._early and slot in self._early:
                    self._end(slot, self._early.pop(slot), edges)
            elif kind <= CANCELLED:
                began = began_at.pop(slot - (word >> 4 & distance_mask), -1)
                if began >= 0:
                    duration = word >> 28
                    append((began & number_mask, (began >> 12) + duration, duration, kind))
                else:
                    self._without_begin(slot, word)
            elif kind < PAD:
                skip = slot + self._long_record(words, slot - first, edges)
        return edges

    def _without_begin(self, slot: int, word: int) -> None:
        """The slot of the begin may be filled later, by a thread that was interrupted."""
        if len(self._early) < _LATE_ENDS:
            self._early[slot - (word >> 4 & ((1 << DISTANCE_BITS) - 1))] = word
        self.unmatched += 1

    def _end(self, slot: int, word: int, edges: list[Edge]) -> None:
        began = self.open.pop(slot)
        duration = word >> 28
        edges.append((began & (NUMBERS - 1), (began >> 12) + duration, duration, word & 15))
        self.unmatched -= 1

    def _long_record(self, words: Sequence[int], place: int, edges: list[Edge]) -> int:
        """Read a record of several words; how many they are."""
        word = words[place]
        kind, number, t = word & 15, word >> 4 & (NUMBERS - 1), word >> 16
        left = len(words) - place
        if kind == TEXT:
            length = words[place + 1] >> 4 if left > 1 else 0
            size = 2 + -(-min(length, _LONGEST_TEXT) // _TEXT_BYTES)
        else:
            size = 1 + _WORDS_AFTER[kind]
        if left < size:
            self._rest = list(words[place:])
            return left
        value = words[place + 1] >> 4
        if kind == LONG:
            outcome, began = words[place + 2] >> 4 & 15, words[place + 2] >> 8
            if self.open.pop(began, -1) >= 0:
                edges.append((number, t, value, outcome))
            else:
                self.unmatched += 1
        elif kind == LATENCY:
            edges.append((number, t, value, 0))
        elif kind == TEXT:
            self._text(number, words[place + 2 : place + size], value)
        elif kind == COUNT:
            self.values.append(Value(number, t, kind, value - _COUNT_ZERO))
        else:
            level = struct.unpack("<d", struct.pack("<II", value & _HALF, words[place + 2] >> 4 & _HALF))[0]
            self.values.append(Value(number, t, kind, level))
        return size

    def _text(self, number: int, words: Sequence[int], length: int) -> None:
        data = b"".join((word >> 8).to_bytes(_TEXT_BYTES, "little") for word in words)
        try:
            told = json.loads(data[:length])
            if number:
                self.names[number] = (str(told[0]), dict(told[1]))
            else:
                self.source = dict(told)
        except (ValueError, TypeError, IndexError):
            self.unmatched += 1

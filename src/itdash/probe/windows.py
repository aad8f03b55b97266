"""Where a probe puts its words: a file that is written through memory, a file that is written, or memory."""

from __future__ import annotations

import os
from array import array
from typing import TYPE_CHECKING, Any, Protocol

from itdash.events.ops import PAD

if TYPE_CHECKING:
    from collections.abc import Callable

_READ_WRITE, _SHARED, _DONT_NEED = 3, 1, 4


class View(Protocol):
    """Slots that can be set, one or a few at once; beyond its end it raises IndexError."""

    def __setitem__(self, place: Any, words: Any, /) -> None: ...

    def __len__(self) -> int: ...


class Windows(Protocol):
    """Gives out slots, a window at a time."""

    def open(self, base: int, slots: int, lose: Callable[[int], None]) -> View:
        """The slots from `base` on; `lose` is told how many words found no place."""


class Memory:
    """Windows that exist only in this process, each handed to `done` when those after it are in use."""

    def __init__(self, done: Callable[[int, bytes], None]) -> None:
        self._done = done
        self._windows: list[tuple[int, array[int]]] = []

    def open(self, base: int, slots: int, lose: Callable[[int], None]) -> View:  # noqa: ARG002
        """A new window; the one before the last is read now, when no thread can still write to it."""
        if len(self._windows) > 1:
            self._hand_over()
        words = array("Q", bytes(slots * 8))
        self._windows.append((base, words))
        return memoryview(words)

    def finish(self) -> None:
        """Hand over all that is left."""
        while self._windows:
            self._hand_over()

    def _hand_over(self) -> None:
        base, words = self._windows.pop(0)
        self._done(base, words.tobytes())


class File:
    """Windows of one file. No descriptor is held: a test may close all that it finds."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._open, self._close, self._allocate = os.open, os.close, getattr(os, "posix_fallocate", None)
        self._pwrite = os.pwrite
        self._close(self._open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
        self._map, self._advise = _mapping()
        self._before: tuple[int, int] | None = None
        self._gap = -1

    def open(self, base: int, slots: int, lose: Callable[[int], None]) -> View:
        """Slots on disk; where they cannot be had as memory, each word is written by a call."""
        if self._map is not None and self._allocate is not None:
            try:
                view = self._mapped(self._allocate, base * 8, slots * 8)
                self._bridge(base)
                return view
            except OSError:
                pass
        return _Written(self, base, slots, lose)

    def write(self, slot: int, data: bytes) -> bool:
        """Put words into the file by a call; whether the disk took them."""
        try:
            self._bridge(slot)
            self._write(slot, data)
        except OSError:
            if self._gap < 0:
                self._gap = slot
            return False
        return True

    def _bridge(self, slot: int) -> None:
        """Lead the reader over what the disk refused, to this slot."""
        if self._gap >= 0:
            self._write(self._gap, (PAD | (slot - self._gap) << 4).to_bytes(8, "little"))
            self._gap = -1

    def _write(self, slot: int, data: bytes) -> None:
        descriptor = self._open(self._path, os.O_RDWR | os.O_CLOEXEC)
        try:
            if self._pwrite(descriptor, data, slot * 8) != len(data):
                raise OSError("the disk is full")
        finally:
            self._close(descriptor)

    def _mapped(self, allocate: Callable[[int, int, int], None], offset: int, size: int) -> View:
        descriptor = self._open(self._path, os.O_RDWR | os.O_CLOEXEC)
        try:
            # A store into memory for which the disk has no room would end the process.
            allocate(descriptor, offset, size)
            address = self._map(None, size, _READ_WRITE, _SHARED, descriptor, offset)
        finally:
            self._close(descriptor)
        if address in (None, _failed_address()):
            raise OSError("the file cannot be mapped")
        if self._before is not None:
            self._advise(*self._before, _DONT_NEED)  # its pages need not stay in this process's memory
        self._before = (address, size)
        import ctypes

        return memoryview((ctypes.c_uint64 * (size // 8)).from_address(address)).cast("B").cast("Q")


def _failed_address() -> int:
    import ctypes

    return int(ctypes.c_void_p(-1).value or 0)


def _mapping() -> tuple[Any, Any]:
    """The system's own calls; Python's mmap holds a descriptor, which a test may close and open anew."""
    import sys

    if sys.maxsize < 1 << 32 or sys.byteorder != "little":
        return None, None
    try:
        import ctypes

        library = ctypes.CDLL(None)
        memory_map, advise = library.mmap, library.madvise
    except (ImportError, OSError, AttributeError):
        return None, None
    memory_map.restype = ctypes.c_void_p
    memory_map.argtypes = (
        ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long,
    )  # fmt: skip
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return memory_map, advise


class _Written:
    """Slots that are written one by one; what the disk refuses is counted as lost."""

    def __init__(self, file: File, base: int, slots: int, lose: Callable[[int], None]) -> None:
        self._file, self._base, self._slots, self._lose = file, base, slots, lose

    def __len__(self) -> int:
        return self._slots

    def __setitem__(self, place: Any, words: Any, /) -> None:
        if isinstance(place, slice):
            first, data, count = place.start, bytes(words), len(words)
        else:
            first, data, count = place, words.to_bytes(8, "little"), 1
        if first + count > self._slots:
            raise IndexError(place)
        if not self._file.write(self._base + first, data):
            self._lose(count)

"""The file of a process: grown by windows, read while it grows, with holes, without a disk."""

from __future__ import annotations

import os
import resource
from array import array
from typing import TYPE_CHECKING, Any

import pytest
from probe_support import Recording, record

from itdash import probe
from itdash.events import ops
from itdash.events.opsfiles import OperationFiles
from itdash.probe import windows

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    """The probe of this process records."""
    return record(tmp_path, monkeypatch)


def repeat(n: int, name: str = "work") -> None:
    for _ in range(n):
        with probe.operation(name):
            pass


def decoded(files: OperationFiles, decoder: ops.Decoder) -> list[ops.Edge]:
    edges: list[ops.Edge] = []
    while events := files.read():
        for event in events:
            edges += decoder.feed(event.slot, event.words)
    return edges


def test_what_is_recorded_is_there_at_once(recording: Recording) -> None:
    files, decoder = OperationFiles(recording.folder / "segments"), ops.Decoder()
    with probe.operation("work"):
        (begun,) = decoded(files, decoder)
        assert (begun[2], decoder.names[begun[0]]) == (ops.BEGUN, ("work", {}))
    ((number, t, duration, outcome),) = decoded(files, decoder)
    assert (number, t, outcome) == (begun[0], begun[1] + duration, ops.OK)
    assert decoded(files, decoder) == []
    files.close()


def test_a_file_is_read_while_it_grows_window_by_window(recording: Recording) -> None:
    files, decoder = OperationFiles(recording.folder / "segments", hold=False), ops.Decoder()
    seen = 0
    for size in (1, 200, 300, 5_000, 40_000):
        repeat(size)
        seen += size
        decoded(files, decoder)
    assert (decoder.in_flight, decoder.unmatched) == (0, 0)
    assert recording.operations().operations["work"].total.latency.count == seen
    words = os.path.getsize(recording.folder / "segments" / "pytest-1.ops") / 8
    assert words >= 2 * seen
    assert words <= 2 * seen + ops.WINDOWS[-1] + 100


def test_a_file_without_news_is_closed_and_read_again(recording: Recording) -> None:
    files, decoder = OperationFiles(recording.folder / "segments"), ops.Decoder()
    repeat(1)
    assert len(decoded(files, decoder)) == 2
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(100):
        assert files.read() == []
    assert len(os.listdir("/proc/self/fd")) == before - 1
    repeat(1)
    (event,) = files.read_idle()
    assert len(decoder.feed(event.slot, event.words)) == 2
    repeat(1)
    assert len(decoded(files, decoder)) == 2
    for _ in range(100):
        assert files.read() == []
    repeat(1)
    assert files.read() == []
    files.read_anew("pytest-1.77")
    assert files.read() == []
    files.read_anew("pytest-1")
    assert len(decoded(files, decoder)) == 2
    files.close()


def test_descriptors_that_a_test_closes_are_not_ours(recording: Recording) -> None:
    repeat(1)
    held = {os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _is_open(fd)}
    assert not any(str(recording.folder) in path for path in held)


def _is_open(fd: str) -> bool:
    return os.path.islink(f"/proc/self/fd/{fd}")


def test_what_the_disk_refuses_is_counted_and_the_rest_is_kept(recording: Recording) -> None:
    repeat(10)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
    try:
        repeat(3_000, "refused")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    repeat(20_000, "after")
    operations = recording.operations().operations
    assert operations["work"].total.latency.count == 10
    assert operations["after"].total.latency.count == 20_000
    lost = recording.listener.lost
    assert 4_000 < lost < 6_100


@pytest.mark.parametrize("missing", ["_map", "_allocate"])
def test_where_a_file_cannot_be_mapped_it_is_written(
    recording: Recording, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    made = windows.File.__init__

    def without(self: windows.File, path: str) -> None:
        made(self, path)
        setattr(self, missing, None)

    monkeypatch.setattr(windows.File, "__init__", without)
    repeat(700)
    with probe.operation("labelled", user="x" * 150):
        pass
    operations = recording.operations().operations
    assert operations["work"].total.latency.count == 700
    assert operations["labelled"].total.count == 1
    assert recording.listener.lost == 0


def test_a_folder_that_is_gone_silences_the_probe(recording: Recording) -> None:
    (recording.folder / "segments").rmdir()
    repeat(3)
    with pytest.raises(AssertionError):
        _ = recording.listener


def test_a_folder_that_goes_while_it_records(recording: Recording) -> None:
    repeat(1)
    for path in (recording.folder / "segments").iterdir():
        path.unlink()
    (recording.folder / "segments").rmdir()
    repeat(5_000)
    assert recording.listener.lost > 0


class Slots:
    """A file written slot by slot, as threads that are interrupted would."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "p.ops"
        self.path.write_bytes(bytes(8 * 512))
        self.files, self.decoder = OperationFiles(folder), ops.Decoder()

    def put(self, slot: int, *words: int) -> None:
        with self.path.open("r+b") as file:
            file.seek(8 * slot)
            file.write(array("Q", words).tobytes())

    def read(self) -> list[ops.Edge]:
        return decoded(self.files, self.decoder)


def begin(t: int) -> int:
    return ops.head(ops.BEGIN, 1, t)


def end(distance: int, duration: int) -> int:
    return duration << 28 | distance << 4 | ops.OK


def test_a_slot_that_is_filled_late_is_read_late(tmp_path: Path) -> None:
    slots = Slots(tmp_path)
    slots.put(1, begin(10))
    slots.put(3, begin(30))
    assert slots.read() == [(1, 10, ops.BEGUN, 0), (1, 30, ops.BEGUN, 0)]
    slots.put(0, begin(5))
    assert slots.read() == [(1, 5, ops.BEGUN, 0)]
    slots.put(2, begin(20))
    slots.put(4, end(4, 100), end(3, 100))
    assert sorted(slots.read()) == [(1, 20, ops.BEGUN, 0), (1, 105, 100, ops.OK), (1, 120, 100, ops.OK)]
    assert slots.decoder.in_flight == 2


def test_an_end_may_be_there_before_its_begin(tmp_path: Path) -> None:
    slots = Slots(tmp_path)
    slots.put(1, end(1, 7))
    assert slots.read() == []
    assert slots.decoder.unmatched == 1
    slots.put(0, begin(50))
    assert slots.read() == [(1, 50, ops.BEGUN, 0), (1, 57, 7, ops.OK)]
    assert (slots.decoder.unmatched, slots.decoder.in_flight) == (0, 0)


def test_a_record_that_is_cut_by_the_end_of_a_piece_is_read_whole() -> None:
    name: Any = ["a name that needs several words", {"and": "labels"}]
    words = [*ops.text_words(1, 0, name), begin(10), end(1, 5), *ops.gauge_words(1, 20, 0.0)]
    for cut in range(len(words) + 1):
        decoder = ops.Decoder()
        edges = decoder.feed(0, array("Q", words[:cut]).tobytes())
        edges += decoder.feed(cut, array("Q", words[cut:]).tobytes())
        assert edges == [(1, 10, ops.BEGUN, 0), (1, 15, 5, ops.OK)]
        assert decoder.names == {1: (name[0], name[1])}
        assert decoder.values == [(1, 20, ops.GAUGE, 0.0)]


def test_a_torn_last_word_waits_for_its_end(tmp_path: Path) -> None:
    slots = Slots(tmp_path)
    slots.path.write_bytes(array("Q", [begin(10), begin(1 << 40)]).tobytes()[:-3])
    assert slots.read() == [(1, 10, ops.BEGUN, 0)]


def test_garbage_is_read_without_harm(tmp_path: Path) -> None:
    slots = Slots(tmp_path)
    slots.path.write_bytes(bytes(range(1, 256)) * 64)
    slots.read()


def test_an_operation_of_more_than_a_minute_has_a_record_of_its_own(recording: Recording) -> None:
    listener = recording.listener
    one = probe.operation("slow")
    listener.begin(one)
    one.began -= 200 * 10**9
    listener.end(one, ops.ERROR)
    tally = recording.operations().operations["slow"].total
    assert (tally.errors, tally.now) == (1, 0)
    assert (tally.latency.max or 0) >= 200 * 10**9


@pytest.mark.parametrize(("slot", "ends"), [(0, 512), (511, 512), (512, 8192), (8192, 40960), (40959, 40960)])
def test_where_windows_end(slot: int, ends: int) -> None:
    assert ops.window_end(slot) == ends

"""Blocks and decorated functions as operations: what is recorded of them, and what is left alone."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from probe_support import Recording, record, silence

from itdash import probe
from itdash.probe import regions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator
    from pathlib import Path


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    """The probe of this process records."""
    return record(tmp_path, monkeypatch)


def figures(recording: Recording, name: str) -> tuple[int, int, int, int]:
    """Count, errors, cancelled and how many latencies."""
    tally = recording.operations().operations[name].total
    return tally.count, tally.errors, tally.cancelled, tally.latency.count


def test_a_block_is_counted_and_timed(recording: Recording) -> None:
    for _ in range(3):
        with probe.operation("read"):
            pass
    tally = recording.operations().operations["read"].total
    assert (tally.count, tally.errors, tally.peak, tally.now, tally.latency.count) == (3, 0, 1, 0, 3)


def test_an_async_block_is_too(recording: Recording) -> None:
    async def one(gate: asyncio.Barrier) -> None:
        async with probe.operation("read"):
            await gate.wait()

    async def all_of_them() -> None:
        gate = asyncio.Barrier(7)
        await asyncio.gather(*(one(gate) for _ in range(7)))

    asyncio.run(all_of_them())
    tally = recording.operations().operations["read"].total
    assert (tally.count, tally.peak) == (7, 7)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ValueError, (1, 1, 0, 1)),
        (SystemExit, (1, 1, 0, 1)),
        (asyncio.CancelledError, (1, 0, 1, 1)),
        (GeneratorExit, (1, 0, 1, 1)),
        (KeyboardInterrupt, (1, 0, 1, 1)),
    ],
)
def test_how_a_block_was_left_is_its_outcome(
    recording: Recording, raised: type[BaseException], expected: tuple[int, int, int, int]
) -> None:
    with pytest.raises(raised), probe.operation("read"):
        raise raised
    assert figures(recording, "read") == expected


def test_a_cancelled_task(recording: Recording) -> None:
    async def cancelled() -> None:
        async def forever() -> None:
            async with probe.operation("read"):
                await asyncio.Event().wait()

        task = asyncio.create_task(forever())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(cancelled())
    assert figures(recording, "read") == (1, 0, 1, 1)


def test_a_function_is_decorated(recording: Recording) -> None:
    @probe.operation("read")
    def read(text: str, *, times: int = 1) -> str:
        """What it does."""
        return text * times

    assert (read("a", times=2), read.__name__, read.__doc__) == ("aa", "read", "What it does.")
    assert figures(recording, "read") == (1, 0, 0, 1)


def test_a_coroutine_function_is_decorated(recording: Recording) -> None:
    @probe.operation("read")
    async def read() -> int:
        await asyncio.sleep(0)
        return 7

    assert asyncio.iscoroutinefunction(read)
    assert asyncio.run(read()) == 7
    assert figures(recording, "read") == (1, 0, 0, 1)


def test_a_coroutine_function_in_a_partial_is_decorated(recording: Recording) -> None:
    async def read(number: int) -> int:
        await asyncio.sleep(0)
        return number

    decorated: Any = probe.operation("read")(functools.partial(read, 7))
    assert asyncio.run(decorated()) == 7
    assert figures(recording, "read") == (1, 0, 0, 1)


def test_a_generator_is_one_operation_from_its_first_item_to_its_end(recording: Recording) -> None:
    @probe.operation("read")
    def read() -> Generator[int, int, str]:
        received = yield 1
        assert received == 5
        return "done"

    def through() -> Generator[int, int, None]:
        assert (yield from read()) == "done"

    generator = through()
    assert next(generator) == 1
    with pytest.raises(StopIteration):
        generator.send(5)
    left = read()
    next(left)
    left.close()
    assert figures(recording, "read") == (2, 0, 1, 2)


def test_an_async_generator_keeps_what_it_is_sent_and_thrown(recording: Recording) -> None:
    seen: list[object] = []

    @probe.operation("read")
    async def read() -> AsyncIterator[int]:
        try:
            seen.append((yield 1))
            try:
                yield 2
            except KeyError:
                seen.append("thrown")
            yield 3
        finally:
            await asyncio.sleep(0)
            seen.append("closed")

    async def use() -> None:
        generator: Any = read()
        assert await anext(generator) == 1
        assert await generator.asend("sent") == 2
        assert await generator.athrow(KeyError()) == 3
        with pytest.raises(StopAsyncIteration):
            await anext(generator)
        assert [item async for item in read()] == [1, 2, 3]
        early: Any = read()
        await anext(early)
        await early.aclose()

    asyncio.run(use())
    assert seen == ["sent", "thrown", "closed", None, "closed", "closed"]
    assert figures(recording, "read") == (3, 0, 1, 3)


def test_what_is_no_function_cannot_be_decorated() -> None:
    with pytest.raises(TypeError, match="decorates functions, not int"):
        probe.operation("read")(5)  # type: ignore[type-var]
    with pytest.raises(TypeError, match="not property: write it below @property"):
        probe.operation("read")(property(len))  # type: ignore[type-var]


def test_above_classmethod_and_staticmethod_it_is_the_same_as_below(recording: Recording) -> None:
    class Store:
        @probe.operation("read")
        @classmethod
        def of(cls, key: int) -> tuple[type, int]:
            return cls, key

        @probe.operation("read")
        @staticmethod
        def at(key: int) -> int:
            return key

        @classmethod
        @probe.operation("read")
        def below(cls) -> type:
            return cls

    class Other(Store):
        pass

    assert (Other.of(1), Other().of(2)) == ((Other, 1), (Other, 2))
    assert (Other.at(3), Other().at(4), Other.below()) == (3, 4, Other)
    assert figures(recording, "read") == (5, 0, 0, 5)


def test_a_decorated_function_asks_at_each_call_whether_anybody_listens(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening = regions.listener
    monkeypatch.setattr(regions, "listener", None)

    @probe.operation("read")
    def read() -> None: ...

    read()
    monkeypatch.setattr(regions, "listener", listening)
    read()
    assert figures(recording, "read") == (1, 0, 0, 1)


def test_one_object_may_be_entered_again_before_it_is_left(recording: Recording) -> None:
    again = probe.operation("read")
    with again, again, again:
        pass
    with again:
        pass
    assert figures(recording, "read") == (4, 0, 0, 4)
    assert recording.operations().operations["read"].total.peak == 3


def test_threads_lose_nothing(recording: Recording) -> None:
    each, threads = 4_000, 6

    def work() -> None:
        with probe.operation("work"):
            probe.together("work", threads).wait()
        for _ in range(each - 1):
            with probe.operation("work"):
                pass

    started = [threading.Thread(target=work) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    tally = recording.operations().operations["work"].total
    assert (tally.count, tally.latency.count, tally.now) == (each * threads, each * threads, 0)
    assert tally.peak == threads


def test_when_nobody_listens_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    silence(monkeypatch)
    with probe.operation("read", user=1) as entered:
        assert isinstance(entered, probe.operation)
    probe.record("read", -1)
    probe.count("read")
    probe.gauge("read", 1)
    probe.mark("here")


def test_exceptions_go_through_when_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    silence(monkeypatch)
    with pytest.raises(KeyError), probe.operation("read"):
        raise KeyError


# -- what the probe must not let through --


class Awkward:
    """A value that cannot be made into anything."""

    def __hash__(self) -> int:
        raise RuntimeError("no hash")

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize("name", ["", "\ud800", "a\nb", "x" * 10_000, None, 5, ["list"]])
def test_any_name_is_taken(recording: Recording, name: Any) -> None:
    with probe.operation(name):
        pass
    (operation,) = recording.operations().operations.values()
    assert operation.total.count == 1
    assert len(operation.name) <= 200


def test_a_value_that_fails_is_told_and_costs_the_test_nothing(recording: Recording) -> None:
    with probe.operation("read", user=Awkward()):
        ran = True
    with probe.operation(Awkward()):  # type: ignore[arg-type]
        ran = True
    assert ran
    assert recording.told == [("NoteAdded", "the probe refused a measurement: no hash")]
    assert recording.listener.failures == 2


@pytest.mark.parametrize("seconds", [-1, -1e-9, float("nan"), float("inf"), 1e12, "1", None])
def test_a_latency_that_cannot_be_is_refused_and_told_once(recording: Recording, seconds: Any) -> None:
    probe.record("read", seconds)
    probe.record("read", seconds)
    probe.record("read", 0.25)
    assert recording.listener.failures == 2
    assert len(recording.told) == 1
    tally = recording.operations().operations["read"].total
    assert (tally.count, tally.latency.max, tally.peak) == (1, 250_000_000, 0)


def test_counts_gauges_and_marks(recording: Recording) -> None:
    probe.count("sent")
    probe.count("sent", 4)
    probe.count("sent", -2)
    probe.count("sent", 1 << 80)
    probe.gauge("queue", 0)
    probe.gauge("queue", 12.5)
    probe.gauge("queue", -1)
    probe.gauge("queue", float("nan"))
    probe.mark("half way")
    operations = recording.operations()
    assert operations.totals == {"sent": 3}
    assert operations.gauges == {"queue": (-1, -1, 12.5)}
    assert ("MarkAdded", "half way") in recording.told
    assert recording.listener.failures == 2


def test_labels_are_told_apart_in_whatever_order(recording: Recording) -> None:
    with probe.operation("read", a=1, b="x"):
        pass
    with probe.operation("read", b="x", a=1):
        pass
    with probe.operation("read", a=2):
        pass
    with probe.operation("read", a=[2]):
        pass
    operation = recording.operations().operations["read"]
    assert {key: tally.count for key, tally in operation.sets.items()} == {
        (("a", "1"), ("b", "x")): 2,
        (("a", "2"),): 1,
        (("a", "[2]"),): 1,
    }
    assert operation.total.count == 4


def test_a_label_with_many_values_is_bounded_and_named(recording: Recording) -> None:
    for user in range(5_000):
        with probe.operation("read", user=user):
            pass
    operation = recording.operations().operations["read"]
    assert len(operation.sets) == 101
    assert operation.sets[("(more)", "(more)"),].count == 4_900
    assert operation.total.count == 5_000
    (note,) = recording.told
    assert note[1].startswith("operation 'read': the label 'user' took more than 100 values")


def test_many_names_are_bounded(recording: Recording) -> None:
    for number in range(5_000):
        with probe.operation(f"read {number}"):
            pass
    for number in range(3):
        with probe.operation("read 7", user=number):
            pass
    operations = recording.operations().operations
    assert len(operations) == 1_001
    assert operations["(more)"].total.count == 4_000
    assert operations["read 7"].total.count == 4
    assert recording.told == [(
        "NoteAdded", "more names than can be told apart, 'read 1000' is the first of them: "
        "all others count as (more); put what differs into labels",
    )]  # fmt: skip


def test_a_clock_that_a_test_patches_changes_nothing(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("perf_counter_ns", "perf_counter", "monotonic_ns", "time_ns"):
        monkeypatch.setattr(time, name, lambda: 0)
    with probe.operation("read"):
        pass
    probe.record("read", 1)
    monkeypatch.undo()
    assert figures(recording, "read") == (2, 0, 0, 2)


def test_an_error_that_cannot_be_told_stays_inside(recording: Recording) -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise self

        def __len__(self) -> int:
            raise self

    class Label:
        def __str__(self) -> str:
            raise Odd

    with probe.operation("read", of=Label()):
        pass
    probe.record("read", 1, of=Label())
    assert recording.listener.failures == 2
    assert recording.told == [("NoteAdded", "the probe refused a measurement: Odd")]


def test_whatever_keeps_the_probe_from_listening_stays_inside(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_place: object) -> None:
        raise ImportError("a test took the module away")

    monkeypatch.setattr("itdash.probe.attention._file", broken)
    probe.count("sent")
    with probe.operation("read"):
        probe.record("read", 1)
    assert regions.listener is None
    assert not list((recording.folder / "segments").iterdir())

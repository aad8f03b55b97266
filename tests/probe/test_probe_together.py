"""The barrier: all go on together, or all are told how many came."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from itdash import probe


def test_threads_go_on_together() -> None:
    passed: list[int] = []

    def one(number: int) -> None:
        probe.together("threads", 4).wait()
        passed.append(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads[:3]:
        thread.start()
    assert not passed
    threads[3].start()
    for thread in threads:
        thread.join()
    assert sorted(passed) == [0, 1, 2, 3]


def test_tasks_go_on_together_and_the_name_can_be_used_again() -> None:
    async def all_of_them() -> None:
        async def one() -> None:
            for _ in range(3):
                await probe.together("tasks", 5)

        async with asyncio.timeout(20):
            await asyncio.gather(*(one() for _ in range(5)))

    asyncio.run(all_of_them())


def test_threads_and_tasks_meet_at_one_barrier() -> None:
    thread = threading.Thread(target=lambda: probe.together("both", 2).wait())

    async def other() -> None:
        thread.start()
        await probe.together("both", 2)

    asyncio.run(other())
    thread.join()


def test_one_alone_need_not_wait() -> None:
    probe.together("alone", 1).wait()


def test_too_few_are_told_how_many_came() -> None:
    with pytest.raises(probe.NotTogether) as told:
        probe.together("few", 3, timeout=0.01).wait()
    assert str(told.value) == "probe.together('few', 3): 1 of 3 came within 0.01 s"
    assert isinstance(told.value, TimeoutError)


def test_all_who_wait_are_told_the_same() -> None:
    told: list[str] = []

    async def one(timeout: float) -> None:
        try:
            await probe.together("few", 4, timeout=timeout)
        except probe.NotTogether as error:
            told.append(str(error))

    async def three() -> None:
        await asyncio.gather(one(0.02), one(60), one(60))

    asyncio.run(three())
    assert told == ["probe.together('few', 4): 3 of 4 came within 0.02 s"] * 3


def test_who_is_cancelled_counts_no_longer() -> None:
    async def go() -> None:
        early = asyncio.create_task(_wait("cancelled", 2))
        await asyncio.sleep(0)
        early.cancel()
        await asyncio.wait([early])
        with pytest.raises(probe.NotTogether, match="1 of 2 came"):
            await probe.together("cancelled", 2, timeout=0.01)

    asyncio.run(go())


async def _wait(name: str, n: int) -> None:
    await probe.together(name, n)


def test_two_numbers_under_one_name_are_refused() -> None:
    async def go() -> None:
        waiting = asyncio.create_task(_wait("numbers", 2))
        await asyncio.sleep(0)
        with pytest.raises(ValueError, match="others wait under this name for 2"):
            await probe.together("numbers", 3)
        await asyncio.gather(waiting, probe.together("numbers", 2)._wait())

    asyncio.run(go())


@pytest.mark.parametrize("n", [0, -1, 1.5, True, "2", None])
def test_a_number_that_cannot_be(n: Any) -> None:
    with pytest.raises(ValueError, match="whole number of 1 or more"):
        probe.together("x", n)


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_that_cannot_be(timeout: float) -> None:
    with pytest.raises(ValueError, match="needs a timeout above 0"):
        probe.together("x", 2, timeout=timeout)

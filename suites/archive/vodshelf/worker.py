"""`python -m vodshelf.worker --settings FILE`: carry out tasks, one after the other, until told to end."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from itdash import probe

from .errors import ArchiveError, BadMedia, LeaseLost, Unavailable
from .hosting import announce, started
from .parts import open_parts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .parts import Parts
    from .settings import Settings
    from .tasks import Claim

_log = logging.getLogger(__name__)

_BEATS = 3
"""Signs of life within the time after which a worker counts as gone."""


class Worker:
    """One pair of hands."""

    def __init__(self, parts: Parts) -> None:
        self.name = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._parts = parts
        self._settings = parts.settings.tasks
        self._wait = min(self._settings.sweep, parts.settings.store.timeout) / 2

    async def run(self, ended: asyncio.Event) -> None:
        """Work until the event, and end what was begun by then."""
        helpers = [
            asyncio.create_task(self._repeatedly(self._beat, self._settings.lease / _BEATS)),
            asyncio.create_task(self._repeatedly(self._sweep, self._settings.sweep)),
        ]
        try:
            while not ended.is_set():
                await self._patiently(self._work)
        finally:
            for helper in helpers:
                helper.cancel()
            with suppress(Unavailable):
                await self._parts.presence.leave(self.name)

    async def _repeatedly(self, step: Callable[[], Awaitable[None]], pause: float) -> None:
        while True:
            await self._patiently(step)
            await asyncio.sleep(pause)

    async def _patiently(self, step: Callable[[], Awaitable[None]]) -> None:
        """A part in trouble ends nothing: the next step may find it well again."""
        try:
            await step()
        except Unavailable as error:
            _log.warning("%s", error)
            await asyncio.sleep(self._wait)
        except Exception as error:
            _log.error("a step failed", exc_info=error)
            await asyncio.sleep(self._wait)

    async def _beat(self) -> None:
        await self._parts.presence.beat(self.name, self._settings.lease)

    async def _sweep(self) -> None:
        for claim in await self._parts.queue.abandoned():
            with suppress(LeaseLost):
                await self._parts.transcriptions.failed(claim, "its worker was lost", final=False)
        await self._parts.queue.ring(*await self._parts.queue.due())

    async def _work(self) -> None:
        task_id = await self._parts.queue.wait(self._wait)
        claim = None if task_id is None else await self._parts.queue.claim(task_id, self.name)
        if claim is not None:
            with suppress(LeaseLost):  # somebody else has it now, and will end it
                await self._attempt(claim)

    async def _attempt(self, claim: Claim) -> None:
        heart = asyncio.create_task(self._renew(claim))
        try:
            async with probe.operation("task"):
                await self._parts.transcriptions.carry_out(claim)
        except LeaseLost:
            raise
        except ArchiveError as error:
            _log.warning("attempt %d of task %s failed: %s", claim.attempt, claim.task, error)
            await self._parts.transcriptions.failed(claim, str(error), final=isinstance(error, BadMedia))
        except Exception as error:
            _log.error("attempt %d of task %s failed", claim.attempt, claim.task, exc_info=error)
            await self._parts.transcriptions.failed(claim, "an error of the archive itself", final=False)
        finally:
            heart.cancel()

    async def _renew(self, claim: Claim) -> None:
        while True:
            await asyncio.sleep(self._settings.lease / _BEATS)
            with suppress(Unavailable, LeaseLost):
                await self._parts.queue.renew(claim)


async def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with open_parts(settings) as parts:
        working = asyncio.create_task(Worker(parts).run(ended))
        announce(worker=True)
        await ended.wait()
        done, _ = await asyncio.wait((working,), timeout=settings.grace)
        if not done:
            _log.warning("what was begun is given up; its lease will run out")
            os._exit(1)  # a thread that hangs in a file would keep the process for ever


if __name__ == "__main__":
    raise SystemExit(started("vodshelf.worker", __doc__, run))

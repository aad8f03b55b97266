"""What several tests of this suite need: a caller of the service, command over its parts, waits, budgets."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx2
import msgspec
import pytest
from redis.asyncio import Redis
from reportdesk.background import Task
from reportdesk.breaker import State
from reportdesk.metrics import Snapshot, Tally
from reportdesk.modelserver.behaviour import Behaviour, Counts, Trouble
from reportdesk.records import Case, Report, Served

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fir_processes import ApiServer, CacheProcess, ModelProcess

T = TypeVar("T")
Test = TypeVar("Test", bound="Callable[..., object]")

HANG = 20.0
"""Seconds after which a wait is taken for a hang; no measure of anything."""


def budget_of_the_service(operation: str, *budgets: str) -> Callable[[Test], Test]:
    """A budget on what the service's own process measures.

    Under plain pytest nothing records what a child process measures, so there the test gets no such mark.
    """
    if "ITDASH_PROBE" in os.environ:
        return pytest.mark.budget(operation, *budgets)
    return lambda test: test


async def until(look: Callable[[], Awaitable[T]], holds: Callable[[T], bool]) -> T:
    """Look again and again until what is seen holds; an error tells what was seen last."""
    deadline = asyncio.get_running_loop().time() + HANG
    while not holds(seen := await look()):
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not within {HANG:g} s; seen last: {seen}")
        await asyncio.sleep(0.002)
    return seen


class Refusal(Exception):
    """The service answered with an error."""

    def __init__(self, response: httpx2.Response) -> None:
        error = response.json()["error"]
        self.status: int = response.status_code
        self.code: str = error["code"]
        self.message: str = error["message"]
        self.retry_after = response.headers.get("Retry-After")
        super().__init__(f"{self.status} {self.code}: {self.message}")


class _Client:
    """An HTTP client for one server."""

    def __init__(self, url: str) -> None:
        self.http = httpx2.AsyncClient(
            base_url=url,
            timeout=HANG,
            trust_env=False,
            verify=False,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()


class Model(_Client):
    """Command over the stand-in for the model server."""

    def __init__(self, process: ModelProcess) -> None:
        super().__init__(process.url)
        self.process = process

    async def reset(self) -> None:
        (await self.http.delete("/control")).raise_for_status()

    async def tell(
        self,
        *,
        latency: float = 0.0,
        troubles: list[Trouble] | None = None,
        always: Trouble | None = None,
        gate: bool = False,
    ) -> None:
        """Behave like this from now on, and let go whatever was held."""
        behaviour = Behaviour(latency, troubles or [], always, gate)
        (await self.http.put("/control", content=msgspec.json.encode(behaviour))).raise_for_status()

    async def counts(self) -> Counts:
        return msgspec.json.decode((await self.http.get("/control")).content, type=Counts)

    async def received(self) -> int:
        return (await self.counts()).received

    async def until_held(self, calls: int) -> None:
        await until(self.counts, lambda counts: counts.held == calls)


class Desk(_Client):
    """The service as its callers see it, and what stands behind it."""

    def __init__(self, api: ApiServer, model: Model, cache_process: CacheProcess | None = None) -> None:
        super().__init__(api.url)
        self.api = api
        self.model = model
        self.cache_process = cache_process
        self.redis = Redis.from_url(api.settings["cache"]["url"])

    async def __aexit__(self, *_: object) -> None:
        await super().__aexit__()
        await self.redis.aclose()

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """The answer, or Refusal."""
        content = None if body is None else msgspec.json.encode(body)
        response = await self.http.request(method, path, content=content)
        if response.is_error:
            raise Refusal(response)
        return response.json()

    async def new_case(self, *facts: str) -> str:
        body = {"title": "Burglary", "facts": facts or ("a window was broken", "nothing is missing")}
        return msgspec.convert(await self.ask("POST", "/cases", body), Case).id

    async def revise(self, case: str, *facts: str) -> Case:
        return msgspec.convert(await self.ask("PATCH", f"/cases/{case}", {"facts": facts}), Case)

    async def report(self, case: str) -> Served:
        return msgspec.convert(await self.ask("GET", f"/cases/{case}/report"), Served)

    async def source(self, case: str) -> str:
        return (await self.report(case)).source

    async def enqueue(self, case: str) -> Task:
        return msgspec.convert(await self.ask("POST", "/tasks", {"case": case}), Task)

    async def task(self, task: str) -> Task:
        return msgspec.convert(await self.ask("GET", f"/tasks/{task}"), Task)

    async def task_ended(self, task: str) -> Task:
        return await until(lambda: self.task(task), lambda seen: seen.state in ("done", "failed"))

    async def metrics(self) -> Snapshot:
        return msgspec.convert(await self.ask("GET", "/metrics"), Snapshot)

    async def tally(self, operation: str) -> Tally:
        return (await self.metrics()).operations.get(operation, Tally())

    async def until_past_the_cache(self, requests: int) -> None:
        """Wait until so many requests are under way and none asks the cache any more, whatever that said."""

        def holds(seen: Snapshot) -> bool:
            under_way = seen.operations.get("request", Tally()).in_flight
            return under_way == requests and seen.operations.get("cache.get", Tally()).in_flight == 0

        await until(self.metrics, holds)

    async def breaker(self, part: str) -> State:
        breakers = msgspec.convert((await self.ask("GET", "/health"))["breakers"], dict[str, State])
        return breakers[part]

    async def until_breaker(self, part: str, state: State) -> None:
        await until(lambda: self.breaker(part), lambda seen: seen == state)

    def key(self, case: str) -> str:
        return f"{self.api.settings['cache']['prefix']}:report:{case}"

    async def cached(self, case: str) -> Report | None:
        """What the cache itself holds."""
        content = await self.redis.get(self.key(case))
        return None if content is None else msgspec.json.decode(content, type=Report)

    async def drop_from_cache(self, case: str) -> None:
        assert await self.redis.delete(self.key(case)) == 1


class Growth:
    """By how much the service's own counts have grown since this object was made."""

    def __init__(self, desk: Desk, before: Snapshot) -> None:
        self._desk = desk
        self._before = before

    @classmethod
    async def of(cls, desk: Desk) -> Self:
        return cls(desk, await desk.metrics())

    async def count(self, operation: str) -> int:
        return (await self._desk.tally(operation)).count - self._tally(operation).count

    async def errors(self, operation: str) -> int:
        return (await self._desk.tally(operation)).errors - self._tally(operation).errors

    async def seconds(self, operation: str) -> float:
        return (await self._desk.tally(operation)).total_seconds - self._tally(operation).total_seconds

    async def event(self, name: str) -> int:
        return (await self._desk.metrics()).events.get(name, 0) - self._before.events.get(name, 0)

    def _tally(self, operation: str) -> Tally:
        return self._before.operations.get(operation, Tally())


class RecordedSleep:
    """A sleep that takes no time and writes down how long it should have been."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)

"""What several tests of this suite need: callers of the archive, command over the channel, waits, budgets."""

from __future__ import annotations

import asyncio
import errno
import os
import uuid
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx2
import msgspec
import pytest
from vodshelf.accounts import Login
from vodshelf.channel.records import Behaviour, Kept, Trouble
from vodshelf.health import Verdict
from vodshelf.records import Role, Task, User, Vod
from vodshelf.vods import Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from archive_stack import Stack

T = TypeVar("T")
Test = TypeVar("Test", bound="Callable[..., object]")

HANG = 30.0
"""Seconds after which a wait is taken for a hang; no measure of anything."""
BEGAN = pytest.StashKey[float]()
"""When the first test of this suite began."""
PASSWORD = "correct horse battery"
SHOWS = ["City Council", "City Council Special", "Harbour News"]


def unrecorded() -> dict[str, str]:
    """An environment for processes that are no part of what a test measures."""
    return {name: value for name, value in os.environ.items() if name != "ITDASH_PROBE"}


def budget_of_the_service(operation: str, *budgets: str) -> Callable[[Test], Test]:
    """A budget on what the archive's own processes measure.

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
        await asyncio.sleep(0.005)
    return seen


async def in_pieces(*pieces: bytes, error: Exception | None = None) -> AsyncIterator[bytes]:
    """What comes in over a network, and perhaps its end."""
    for piece in pieces:
        yield piece
    if error is not None:
        raise error


class Refusal(Exception):
    """The archive answered with an error."""

    def __init__(self, response: httpx2.Response) -> None:
        error = response.json()["error"]
        self.status: int = response.status_code
        self.type: str = error["type"]
        self.message: str = error["message"]
        self.headers = response.headers
        super().__init__(f"{self.status} {self.type}: {self.message}")


def new_client(url: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        base_url=url,
        timeout=HANG,
        trust_env=False,
        verify=False,
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=None),
    )


class Caller:
    """Somebody who uses the archive, with a token or without."""

    def __init__(self, http: httpx2.AsyncClient, token: str = "", name: str = "") -> None:
        self.http = http
        self.token = token
        self.name = name

    async def send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """The answer, whatever it is."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= options.pop("headers", {})
        return await self.http.request(method, path, headers=headers, **options)

    async def ask(self, method: str, path: str, body: object = None, **options: Any) -> Any:
        """What a good answer says, or Refusal."""
        if body is not None:
            options["content"] = msgspec.json.encode(body)
        response = await self.send(method, path, **options)
        if response.is_error:
            raise Refusal(response)
        return response.json() if response.content else None

    async def create(self, title: str = "An evening", **more: object) -> Vod:
        body = {"title": title, "file_name": "evening.wav", **more}
        return msgspec.convert(await self.ask("POST", "/api/vod/create", body), Vod)

    async def vod(self, vod_id: str) -> Vod:
        return msgspec.convert(await self.ask("GET", f"/api/vod/{vod_id}"), Vod)

    async def page(self, **query: object) -> Page:
        return msgspec.convert(await self.ask("GET", "/api/vod/list", params=query), Page)

    async def update(self, vod_id: str, **change: object) -> Vod:
        return msgspec.convert(await self.ask("PUT", f"/api/vod/{vod_id}", change), Vod)

    async def delete(self, vod_id: str) -> None:
        await self.ask("DELETE", f"/api/vod/{vod_id}")

    async def upload(self, vod_id: str, content: bytes | AsyncIterator[bytes], **headers: str) -> Vod:
        answer = await self.ask("PUT", f"/api/vod/{vod_id}/media", content=content, headers=headers)
        return msgspec.convert(answer, Vod)

    async def download(self, vod_id: str, **headers: str) -> httpx2.Response:
        return await self.send("GET", f"/api/vod/{vod_id}/media", headers=headers)

    async def transcribe(self, vod_id: str) -> Task:
        return msgspec.convert(await self.ask("POST", f"/api/vod/{vod_id}/transcribe"), Task)

    async def task(self, task_id: str) -> Task:
        return msgspec.convert(await self.ask("GET", f"/api/task/{task_id}"), Task)

    async def task_ended(self, task_id: str) -> Task:
        return await until(lambda: self.task(task_id), lambda seen: seen.status in ("completed", "failed"))

    async def captions(self, vod_id: str) -> str:
        response = await self.send("GET", f"/api/vod/{vod_id}/captions")
        if response.is_error:
            raise Refusal(response)
        return response.text

    async def spoken(self, content: bytes, title: str = "An evening") -> Vod:
        """A new video with these media, transcribed."""
        vod = await self.create(title)
        await self.upload(vod.id, content)
        ended = await self.task_ended((await self.transcribe(vod.id)).id)
        assert ended.status == "completed", ended.error
        return await self.vod(vod.id)


class Channel:
    """Command over the stand-in for the cable channel."""

    def __init__(self, url: str) -> None:
        self.http = new_client(url)

    async def reset(self, *shows: str) -> None:
        body = msgspec.json.encode(shows or SHOWS)
        (await self.http.request("DELETE", "/control", content=body)).raise_for_status()

    async def tell(self, *troubles: Trouble, always: Trouble | None = None, latency: float = 0.0) -> None:
        """Behave like this from now on."""
        body = msgspec.json.encode(Behaviour(list(troubles), always, latency))
        (await self.http.put("/control", content=body)).raise_for_status()

    async def kept(self) -> Kept:
        return msgspec.json.decode((await self.http.get("/control")).content, type=Kept)

    async def calls(self, beginning: str) -> int:
        """How many calls have begun like this since the last reset."""
        return sum(call.startswith(beginning) for call in (await self.kept()).calls)


class Gate:
    """In the place of some media: whoever reads them is held until they are let through."""

    def __init__(self, media: Path) -> None:
        self._media = media
        self._content = media.read_bytes()
        self._pipe: int | None = None
        media.unlink()
        os.mkfifo(media)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pipe is not None:
            os.close(self._pipe)

    async def reached(self) -> None:
        """Wait until somebody reads."""
        self._pipe = await until(self._opened, lambda pipe: pipe is not None)

    def restore(self) -> None:
        """Put the media back for others; who is held stays so."""
        self._media.unlink()
        self._media.write_bytes(self._content)

    def open(self) -> None:
        """Let through who is held."""
        assert self._pipe is not None
        os.write(self._pipe, self._content)
        os.close(self._pipe)
        self._pipe = None

    async def _opened(self) -> int | None:
        try:
            return os.open(self._media, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:  # nobody reads yet
                raise
            return None


class Archive:
    """The archive as its callers see it, and the parts behind it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.http = new_client(stack.api.url)
        self.channel = Channel(stack.channel.url)
        self.anyone = Caller(self.http)

    def media(self, vod: Vod) -> Path:
        """Where the media of a video are."""
        return self.stack.files / "media" / vod.id / str(vod.checksum)

    async def __aenter__(self) -> Self:
        await self.channel.reset()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()
        await self.channel.http.aclose()

    async def login(self, name: str, password: str) -> Caller:
        body = {"username": name, "password": password}
        login = msgspec.convert(await self.anyone.ask("POST", "/api/auth/login", body), Login)
        return Caller(self.http, login.access_token, name)

    async def admin(self) -> Caller:
        accounts = self.stack.settings["accounts"]
        return await self.login("admin", accounts["admin_password"])

    async def register(self, name: str | None = None, password: str = PASSWORD) -> User:
        body = {"username": name or f"user-{uuid.uuid4().hex[:12]}", "password": password}
        return msgspec.convert(await self.anyone.ask("POST", "/api/auth/register", body), User)

    async def newcomer(self, role: Role = "viewer", admin: Caller | None = None) -> tuple[User, Caller]:
        """A new account with this role, logged in."""
        user = await self.register()
        if role != "viewer":
            await (admin or await self.admin()).ask("PUT", f"/api/admin/users/{user.id}", {"role": role})
        return user, await self.login(user.name, PASSWORD)

    async def health(self) -> Verdict:
        return msgspec.convert(await self.anyone.ask("GET", "/api/health"), Verdict)

    async def until_healthy(self) -> None:
        await until(self.health, lambda verdict: verdict.status == "healthy")

    async def until_failing(self, *parts: str) -> Verdict:
        return await until(self.health, lambda verdict: set(verdict.failing) == set(parts))

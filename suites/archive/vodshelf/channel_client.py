"""The cable channel as the archive sees it: attempts with a timeout, and errors that say who is to blame."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import httpx2
import msgspec

from itdash import probe

from .channel.records import Airing, Show
from .errors import ChannelError, ChannelRefused, StartError

if TYPE_CHECKING:
    from .settings import ChannelSettings

T = TypeVar("T")


class ChannelClient:
    """Calls to the channel's own interface."""

    def __init__(self, settings: ChannelSettings) -> None:
        if not settings.url.startswith(("http://", "https://")):
            raise StartError(f"no channel at {settings.url!r}: it must begin with http://")
        self._settings = settings
        self._http = httpx2.AsyncClient(
            base_url=settings.url,
            timeout=settings.timeout,
            headers={"X-Channel-Key": settings.key},
            trust_env=False,
            verify=settings.url.startswith("https://"),
        )

    async def shows(self) -> list[Show]:
        return _understood(await self._call("GET", "/shows"), list[Show])

    async def put(self, vod_id: str, airing: Airing) -> None:
        """Show it, or show it as it is now."""
        answer = await self._call("PUT", f"/vods/{vod_id}", msgspec.json.encode(airing))
        if _understood(answer, Airing) != airing:
            raise ChannelError("the channel has kept something else than it was given")

    async def remove(self, vod_id: str) -> None:
        await self._call("DELETE", f"/vods/{vod_id}")

    async def ping(self) -> None:
        """One attempt only: who asks wants to know how it is now."""
        await self._attempt("GET", "/ping", None)

    async def close(self) -> None:
        await self._http.aclose()

    async def _call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Try as often as the settings allow. All that is asked of the channel may be asked twice."""
        attempt = 1
        while True:
            try:
                return await self._attempt(method, path, body)
            except ChannelError:
                if attempt >= self._settings.attempts:
                    raise
            await asyncio.sleep(self._settings.pause * 2 ** (attempt - 1))
            attempt += 1

    async def _attempt(self, method: str, path: str, body: bytes | None) -> bytes:
        async with probe.operation("channel.call", method=method):
            try:
                response = await self._http.request(method, path, content=body)
            except httpx2.TimeoutException:
                raise ChannelError(
                    f"the channel did not answer within {self._settings.timeout:g} s"
                ) from None
            except httpx2.HTTPError as error:
                raise ChannelError(f"the channel cannot be reached: {type(error).__name__}") from error
        if response.status_code >= 500 or response.status_code == 429:
            raise ChannelError(f"the channel answers with {response.status_code}")
        if response.is_error:
            raise ChannelRefused(f"the channel refuses with {response.status_code}: {response.text[:200]}")
        return response.content


def _understood(content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise ChannelError(f"the channel's answer makes no sense: {error}") from None

"""Publishing: a video belongs to a show of the channel, and is shown there once it has captions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .channel.records import Airing, Show
from .errors import Conflict, NotFound

if TYPE_CHECKING:
    from .channel_client import ChannelClient
    from .records import Vod
    from .transcription import TranscriptionService
    from .vods import VodService


class PublishingService:
    """Between the archive and the channel."""

    def __init__(
        self, vods: VodService, transcriptions: TranscriptionService, channel: ChannelClient
    ) -> None:
        self._vods = vods
        self._transcriptions = transcriptions
        self._channel = channel

    async def shows(self) -> list[Show]:
        return await self._channel.shows()

    async def link(self, vod_id: str, show_id: int | None) -> Vod:
        """Say to which show the video belongs; without a number, the one whose name is in its title."""
        shows = await self._channel.shows()
        vod = await self._vods.load(vod_id)
        show = matching(vod.title, shows) if show_id is None else _numbered(show_id, shows)
        async with self._vods.changing(vod_id) as opened:
            if opened.vod.status in ("published", "archived"):
                raise Conflict(f"a video that is {opened.vod.status} stays with its show")
            opened.change(show=show.id)
        return opened.vod

    async def publish(self, vod_id: str) -> Vod:
        """Have the channel show the video. Its number there is ours, so trying again makes no second one."""
        vod = await self._vods.load(vod_id)
        if vod.status != "completed":
            raise Conflict(f"a video that is {vod.status} cannot become published")
        if vod.show is None:
            raise Conflict("the video belongs to no show yet")
        captions = await self._transcriptions.captions(vod_id)
        await self._channel.put(vod_id, Airing(vod.show, vod.title, captions))
        async with self._vods.changing(vod_id) as opened:
            opened.move("published")
        return opened.vod

    async def withdraw(self, vod_id: str) -> Vod:
        """Have the channel forget the video."""
        vod = await self._vods.load(vod_id)
        if vod.status != "published":
            raise Conflict("only a video that is published can be withdrawn")
        await self._channel.remove(vod_id)
        async with self._vods.changing(vod_id) as opened:
            opened.move("completed")
        return opened.vod


def matching(title: str, shows: list[Show]) -> Show:
    """The show whose name stands in the title, the longest name where there are several; or NotFound."""
    found = [show for show in shows if show.name.casefold() in title.casefold()]
    if not found:
        raise NotFound(f"no show of the channel has its name in {title!r}")
    return max(found, key=lambda show: len(show.name))


def _numbered(show_id: int, shows: list[Show]) -> Show:
    for show in shows:
        if show.id == show_id:
            return show
    raise NotFound(f"the channel has no show {show_id}")

"""3.1: the cable channel, a server of its own that can be told to err, to hang and to lose answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest
from archive_recordings import recording
from archive_support import Archive, Caller, Refusal, budget_of_the_service, until
from vodshelf import scc
from vodshelf.channel.records import Show
from vodshelf.channel_client import ChannelClient
from vodshelf.errors import ChannelError, ChannelRefused, NotFound, StartError
from vodshelf.publishing import matching
from vodshelf.records import Vod
from vodshelf.settings import ChannelSettings

if TYPE_CHECKING:
    from vodshelf.channel.records import Trouble

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


async def ready(caller: Caller, title: str = "City Council of May") -> Vod:
    """A video with captions that belongs to a show."""
    vod = await caller.spoken(recording("WELCOME"), title)
    return msgspec.convert(await caller.ask("POST", f"/api/vod/{vod.id}/link", {}), Vod)


async def publish(caller: Caller, vod: Vod) -> Vod:
    return msgspec.convert(await caller.ask("POST", f"/api/vod/{vod.id}/publish"), Vod)


class TestConnection:
    @pytest.mark.requirement("3.1.1")
    async def test_shows_are_those_of_the_channel(self, archive: Archive, viewer: Caller) -> None:
        await archive.channel.reset("Weather", "Harbour News")
        shows = (await viewer.ask("GET", "/api/shows"))["shows"]
        assert shows == [{"id": 1, "name": "Weather"}, {"id": 2, "name": "Harbour News"}]
        assert (await archive.channel.kept()).calls == ["GET /shows"]

    @pytest.mark.requirement("3.1.1")
    async def test_channel_wants_its_key(self, archive: Archive) -> None:
        settings = msgspec.convert(archive.stack.settings["channel"], ChannelSettings)
        client = ChannelClient(msgspec.structs.replace(settings, key="a guess"))
        try:
            with pytest.raises(ChannelRefused, match=r"the channel refuses with 401: .*who are you"):
                await client.shows()
        finally:
            await client.close()
        assert await archive.channel.calls("GET /shows") == 1  # a refusal is not tried again

    @pytest.mark.requirement("3.1.1", "4.1.4")
    async def test_channel_that_was_killed_is_used_again(self, frail: Archive, frail_editor: Caller) -> None:
        frail.stack.channel.kill()
        verdict = await frail.until_failing("channel")
        assert verdict.failing["channel"].startswith("ChannelError: the channel cannot be reached")
        with pytest.raises(Refusal, match="503 ChannelError: the channel cannot be reached"):
            await frail_editor.ask("GET", "/api/shows")
        await frail_editor.create()  # what does not need it goes on
        await asyncio.to_thread(frail.stack.channel.start)
        await frail.until_healthy()
        await frail.channel.reset("Weather")
        assert len((await frail_editor.ask("GET", "/api/shows"))["shows"]) == 1

    @pytest.mark.requirement("3.1.1", "ARCHIVE-INPUT-1")
    async def test_address_of_no_known_kind_is_refused(self) -> None:
        with pytest.raises(StartError, match="no channel at 'ftp://x': it must begin with http://"):
            ChannelClient(ChannelSettings(url="ftp://x", key="key"))


class TestShowMapping:
    @pytest.mark.requirement("3.1.2")
    async def test_title_names_the_show(self, archive: Archive, editor: Caller) -> None:
        vod = await editor.create("CITY COUNCIL SPECIAL of June")
        linked = msgspec.convert(await editor.ask("POST", f"/api/vod/{vod.id}/link", {}), Vod)
        assert linked.show == 2  # the longest name, though City Council is in the title as well
        assert await archive.anyone.vod(vod.id) == linked

    @pytest.mark.requirement("3.1.2")
    async def test_show_can_be_named_by_its_number(self, editor: Caller) -> None:
        vod = await editor.create("Something else")
        assert (await editor.ask("POST", f"/api/vod/{vod.id}/link", {"show": 3}))["show"] == 3
        assert (await editor.ask("POST", f"/api/vod/{vod.id}/link", {"show": 1}))["show"] == 1

    @pytest.mark.requirement("3.1.2")
    async def test_show_that_is_not_there_is_told(self, editor: Caller) -> None:
        vod = await editor.create("Something else")
        with pytest.raises(Refusal, match="404 NotFound: no show of the channel has its name in 'Something"):
            await editor.ask("POST", f"/api/vod/{vod.id}/link", {})
        with pytest.raises(Refusal, match="404 NotFound: the channel has no show 99"):
            await editor.ask("POST", f"/api/vod/{vod.id}/link", {"show": 99})
        assert (await editor.vod(vod.id)).version == 1

    @pytest.mark.requirement("3.1.2")
    async def test_longest_name_is_taken(self) -> None:
        shows = [Show(1, "News"), Show(2, "Harbour News"), Show(3, "Weather")]
        assert matching("harbour news, Monday", shows).id == 2
        assert matching("The News", shows).id == 1
        with pytest.raises(NotFound):
            matching("Sports", shows)


class TestPublishing:
    @pytest.mark.requirement("3.1.3")
    async def test_published_video_is_shown_with_its_captions(self, archive: Archive, editor: Caller) -> None:
        vod = await ready(editor)
        published = await publish(editor, vod)
        assert (published.status, published.show) == ("published", 1)
        airing = (await archive.channel.kept()).airings[vod.id]
        assert (airing.show, airing.title) == (1, "City Council of May")
        assert scc.read(airing.captions)[0].text == "WELCOME"

    @pytest.mark.requirement("3.1.3")
    async def test_withdrawn_video_is_forgotten_and_can_be_published_again(
        self, archive: Archive, editor: Caller
    ) -> None:
        vod = await publish(editor, await ready(editor))
        with pytest.raises(Refusal, match="409 Conflict: a video that is published cannot be removed"):
            await editor.delete(vod.id)
        assert (await editor.ask("POST", f"/api/vod/{vod.id}/withdraw"))["status"] == "completed"
        assert vod.id not in (await archive.channel.kept()).airings
        with pytest.raises(Refusal, match="409 Conflict: only a video that is published can be withdrawn"):
            await editor.ask("POST", f"/api/vod/{vod.id}/withdraw")
        assert (await publish(editor, vod)).status == "published"

    @pytest.mark.requirement("3.1.3")
    async def test_only_what_is_complete_and_linked_is_published(
        self, archive: Archive, editor: Caller
    ) -> None:
        vod = await editor.create()
        with pytest.raises(Refusal, match="409 Conflict: a video that is pending cannot become published"):
            await publish(editor, vod)
        vod = await editor.spoken(recording("ALONE"))
        with pytest.raises(Refusal, match="409 Conflict: the video belongs to no show yet"):
            await publish(editor, vod)
        assert await archive.channel.calls("PUT /vods") == 0

    @pytest.mark.requirement("3.1.3", "3.1.4")
    async def test_lost_answer_makes_no_second_airing(self, frail: Archive, frail_editor: Caller) -> None:
        vod = await ready(frail_editor)
        await frail.channel.tell("lose")
        assert (await publish(frail_editor, vod)).status == "published"
        assert await frail.channel.calls("PUT /vods") == 2
        assert list((await frail.channel.kept()).airings) == [vod.id]


class TestChannelErrors:
    @pytest.mark.requirement("3.1.4")
    @budget_of_the_service("channel.call", "count == 3", "errors == 0")
    async def test_passing_trouble_is_overcome(self, archive: Archive, viewer: Caller) -> None:
        await archive.channel.tell("error", "busy")
        assert len((await viewer.ask("GET", "/api/shows"))["shows"]) == 3
        assert await archive.channel.calls("GET /shows") == 3

    @pytest.mark.requirement("3.1.4")
    @pytest.mark.parametrize(
        ("trouble", "answer", "calls"),
        [
            ("error", "503 ChannelError: the channel answers with 500", 3),
            ("busy", "503 ChannelError: the channel answers with 429", 3),
            ("refuse", "502 ChannelRefused: the channel refuses with 422: .*not on our channel", 1),
            ("garbage", "503 ChannelError: the channel's answer makes no sense", 1),
        ],
    )
    async def test_trouble_that_stays_leaves_the_video_as_it_was(
        self, archive: Archive, editor: Caller, trouble: Trouble, answer: str, calls: int
    ) -> None:
        vod = await ready(editor)
        await archive.channel.tell(always=trouble)
        with pytest.raises(Refusal, match=answer):
            await publish(editor, vod)
        assert await archive.channel.calls("PUT /vods") == calls
        assert await editor.vod(vod.id) == vod
        await archive.channel.tell()
        assert (await publish(editor, vod)).status == "published"

    @pytest.mark.requirement("3.1.4")
    async def test_channel_that_hangs_costs_no_more_than_its_timeouts(
        self, frail: Archive, frail_editor: Caller
    ) -> None:
        await frail.channel.tell(always="hang")
        with pytest.raises(Refusal, match=r"503 ChannelError: the channel did not answer within 0\.6 s"):
            await frail_editor.ask("GET", "/api/shows")
        assert await frail.channel.calls("GET /shows") == 2
        await frail.channel.tell()

    @pytest.mark.requirement("3.1.4", "4.1.4")
    async def test_frozen_channel_is_noticed_and_comes_back(
        self, frail: Archive, frail_editor: Caller
    ) -> None:
        with frail.stack.channel.frozen():
            verdict = await frail.until_failing("channel")
            assert verdict.failing["channel"] == "ChannelError: the channel did not answer within 0.6 s"
            assert (await frail_editor.create()).version == 1
        await frail.until_healthy()

    @pytest.mark.requirement("3.1.4")
    async def test_client_tells_nonsense_from_silence(self, frail: Archive) -> None:
        client = ChannelClient(msgspec.convert(frail.stack.settings["channel"], ChannelSettings))
        try:
            await frail.channel.tell("garbage")
            with pytest.raises(ChannelError, match="makes no sense"):
                await client.shows()
            await frail.channel.tell(latency=0.05)
            assert await until(client.shows, bool)
        finally:
            await client.close()

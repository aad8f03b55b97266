"""What the channel keeps, how it is told to behave, and what it says about the calls that reached it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Trouble = Literal["error", "busy", "refuse", "garbage", "hang", "lose"]
"""`lose` does what was asked and never says so."""


class Show(msgspec.Struct, frozen=True):
    """A series of broadcasts."""

    id: int
    name: str


class Airing(msgspec.Struct, frozen=True):
    """A video as the channel shows it."""

    show: int
    title: str
    captions: str


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to calls from now on."""

    troubles: list[Trouble] = []
    """One for each of the next calls, in this order."""
    always: Trouble | None = None
    """The trouble of every call after those."""
    latency: Annotated[float, Meta(ge=0, le=60)] = 0.0
    """Seconds that each answer takes."""


class Kept(msgspec.Struct):
    """What the channel has, and the calls since the last reset."""

    shows: list[Show] = []
    airings: dict[str, Airing] = {}
    calls: list[str] = []

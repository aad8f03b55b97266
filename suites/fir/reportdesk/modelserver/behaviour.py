"""How the stand-in is told to behave, and what it says about the calls that reached it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Trouble = Literal["error", "busy", "refuse", "garbage", "empty", "hang"]


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to calls from now on."""

    latency: Annotated[float, Meta(ge=0, le=60)] = 0.0
    """Seconds that each answer takes."""
    troubles: list[Trouble] = []
    """One for each of the next calls, in this order."""
    always: Trouble | None = None
    """The trouble of every call after those."""
    gate: bool = False
    """Whether calls are held until another behaviour is told."""


class Counts(msgspec.Struct):
    """The calls since the last reset, as seen from the other side of the network."""

    received: int = 0
    answered: int = 0
    held: int = 0

"""What happens, as types; what comes from outside is checked here, field by field."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import msgspec
from msgspec import Meta

from .errors import Rejected

Name = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,63}\Z")]
Symbol = Annotated[str, Meta(pattern=r"\A[A-Z0-9][A-Z0-9.-]{0,11}\Z")]
Percent = Annotated[float, Meta(ge=0, le=100)]
Confidence = Annotated[float, Meta(ge=0, le=1)]
Text = Annotated[str, Meta(max_length=500)]
Status = Literal["healthy", "degraded", "down"]
Channel = Literal["patterns", "backtests", "health"]

CHANNELS: tuple[Channel, ...] = ("patterns", "backtests", "health")


class MarketEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What every event from outside tells: who published it, as which one, and when."""

    channel: ClassVar[Channel]

    source: Name
    sequence: Annotated[int, Meta(ge=1)]
    published: Annotated[int, Meta(ge=0)]
    """Nanoseconds on the monotonic clock of the machine."""


class PatternAlert(MarketEvent, frozen=True, kw_only=True, tag="pattern"):
    """A pattern was seen in the prices of a symbol."""

    channel: ClassVar[Channel] = "patterns"

    pattern: Name
    symbol: Symbol
    confidence: Confidence
    note: Annotated[str, Meta(max_length=20_000)] = ""


class BacktestProgress(MarketEvent, frozen=True, kw_only=True, tag="progress"):
    """A backtest has come so far."""

    channel: ClassVar[Channel] = "backtests"

    job: Name
    percent: Percent


class BacktestResult(MarketEvent, frozen=True, kw_only=True, tag="result"):
    """A backtest is over."""

    channel: ClassVar[Channel] = "backtests"

    job: Name
    trades: Annotated[int, Meta(ge=0)]
    profit: float


class ServiceHealth(MarketEvent, frozen=True, kw_only=True, tag="health"):
    """A service of the market tells how it is."""

    channel: ClassVar[Channel] = "health"

    service: Name
    status: Status
    text: Text = ""


class PartHealth(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="part"):
    """A part of this service tells how it is; it cannot come from outside."""

    part: str
    status: Status
    text: str = ""


Event: TypeAlias = PatternAlert | BacktestProgress | BacktestResult | ServiceHealth | PartHealth
FromOutside: TypeAlias = PatternAlert | BacktestProgress | BacktestResult | ServiceHealth


class _Head(msgspec.Struct):
    type: str


_TYPES: dict[str, type[FromOutside]] = {
    "pattern": PatternAlert,
    "progress": BacktestProgress,
    "result": BacktestResult,
    "health": ServiceHealth,
}
_HEAD = msgspec.json.Decoder(_Head)
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(kind) for name, kind in _TYPES.items()
}


def decode(channel: str, content: bytes, limit: int) -> FromOutside:
    """The event in this message of a channel, or Rejected."""
    if len(content) > limit:
        raise Rejected("too_large", f"an event may have {limit} bytes, this one has {len(content)}")
    try:
        name = _HEAD.decode(content).type
    except msgspec.ValidationError as error:
        raise Rejected("invalid", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected("malformed", f"no JSON: {error}") from error
    kind = _TYPES.get(name)
    if kind is None:
        raise Rejected("unknown_type", f"no event is called {name[:64]!r}")
    if kind.channel != channel:
        raise Rejected("misrouted", f"{name!r} belongs to {kind.channel!r} and came on {channel!r}")
    try:
        event: FromOutside = _DECODERS[name].decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected("invalid", f"{name}: {error}") from error
    return event


def encode(event: Event) -> bytes:
    return msgspec.json.encode(event)

"""An event as one line of JSON, and back; what cannot be read is counted, never fatal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from itdash.events.model import AnyEvent, Event

if TYPE_CHECKING:
    from collections.abc import Iterable

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def plain(value: Any) -> Any:
    """The same value with every text valid UTF-8 and every number, key and object one that JSON has."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (float, msgspec.Raw)):
        return value
    if isinstance(value, int) and -(1 << 63) <= value < 1 << 64:
        return value
    if isinstance(value, msgspec.Struct):
        fields = ((name, getattr(value, name)) for name in type(value).__struct_fields__)
        return type(value)(**{name: _same_kind(field) for name, field in fields})
    return plain(str(value))


def _same_kind(value: Any) -> Any:
    return tuple(plain(value)) if isinstance(value, tuple) else plain(value)


def encode_value(value: Any) -> bytes:
    """Any value as JSON, mended where it is not plain."""
    try:
        return _encoder.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return _encoder.encode(plain(value))


def encode(event: Event) -> bytes:
    """One line, with its newline."""
    return encode_value(event) + b"\n"


def decode(lines: bytes) -> tuple[list[AnyEvent], int]:
    """The events in whole lines, and how many lines could not be read."""
    try:
        return _decoder.decode_lines(lines), 0
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_each(lines.splitlines())


def _decode_each(lines: Iterable[bytes]) -> tuple[list[AnyEvent], int]:
    events: list[AnyEvent] = []
    unread = 0
    for line in lines:
        try:
            events.append(_decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            unread += bool(line.strip())
    return events, unread

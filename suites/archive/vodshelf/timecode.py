"""Times as captions have them: 29.97 frames a second, numbered so that the numbers keep up with the clock."""

from __future__ import annotations

import re

_FORM = re.compile(r"(\d\d):([0-5]\d):([0-5]\d);([0-2]\d)")
_MINUTE = 1_798
"""Frames of a minute that leaves out the numbers 0 and 1."""
_TEN_MINUTES = 17_982


def frame_at(seconds: float) -> int:
    return round(seconds * 30_000 / 1_001)


def seconds_at(frame: int) -> float:
    return frame * 1_001 / 30_000


def written(frame: int) -> str:
    """Hours, minutes, seconds and frames. Each minute but every tenth leaves out its first two numbers."""
    tens, rest = divmod(frame, _TEN_MINUTES)
    number = frame + 18 * tens + (2 * ((rest - 2) // _MINUTE) if rest >= 2 else 0)
    seconds, frames = divmod(number, 30)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02};{frames:02}"


def read(text: str) -> int:
    """The frame of a timecode, or ValueError."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no timecode")
    hours, minutes, seconds, frames = map(int, match.groups())
    if seconds == 0 and frames < 2 and minutes % 10:
        raise ValueError(f"{text!r} is a number that is left out")
    minutes += hours * 60
    return (minutes * 60 + seconds) * 30 + frames - 2 * (minutes - minutes // 10)

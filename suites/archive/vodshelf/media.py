"""From sound to phrases: spoken signs are pairs of tones, and what was said is read out of the samples.

A sign lasts 20 ms and is the sum of one of eight low and one of eight high tones, which makes 64 signs.
Phrases are parted by silence. Everything is found in the samples: where a phrase begins, where it ends, and
what it says.
"""

from __future__ import annotations

import array
import io
import math
import operator
import sys
import wave

import msgspec

from .errors import BadMedia

RATE = 8_000
SIGN = 160
"""Samples of one sign. Each tone has whole periods in it, so that none is heard in the place of another."""
LOW = tuple(range(400, 1_200, 100))
HIGH = tuple(range(1_500, 3_100, 200))
SIGNS = "".join(
    "á’éíó"["*'\\^_".index(c)] if (c := chr(code)) in "*'\\^_" else c for code in range(0x20, 0x60)
)
"""What can be said: the signs of captions from 20 to 5F, five of which are not those of ASCII."""

UNCLEAR = "?"
_BLOCK = 40
_PAUSE = 10
"""Silent blocks, 50 ms, after which a phrase is over."""
_QUIET = 0.05
"""The share of the loudest sample below which there is silence."""
_FAINT = 256
"""A recording that nowhere is louder than this has only noise in it."""
_CLEAR = 4.0
"""How much stronger than the second a tone must be."""


class Phrase(msgspec.Struct, frozen=True):
    """Something said without a pause."""

    start: float
    end: float
    text: str
    unclear: int = 0
    """Signs that could not be told."""


def phrases(content: bytes) -> list[Phrase]:
    """What is said in a recording, or BadMedia."""
    samples = _samples(content)
    return [_heard(samples, begin, end) for begin, end in _spoken(samples)]


def _samples(content: bytes) -> array.array[int]:
    try:
        with wave.open(io.BytesIO(content)) as recording:
            form = recording.getnchannels(), recording.getsampwidth(), recording.getframerate()
            promised = recording.getnframes()
            raw = recording.readframes(promised)
    except (wave.Error, EOFError) as error:
        raise BadMedia(f"the media are no recording: {error or 'they end too soon'}") from None
    if form != (1, 2, RATE):
        raise BadMedia(f"a recording has one channel, 2 bytes a sample and {RATE} samples/s, not {form}")
    if len(raw) != 2 * promised:
        raise BadMedia(f"the recording is cut: {len(raw) // 2} of {promised} samples are there")
    samples = array.array("h", raw)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def _spoken(samples: array.array[int]) -> list[tuple[int, int]]:
    """Where phrases begin and end."""
    loudest = max(max(samples, default=0), -min(samples, default=0))
    if loudest < _FAINT:
        return []
    quiet = loudest * _QUIET
    found: list[tuple[int, int]] = []
    for at in range(0, len(samples), _BLOCK):
        block = samples[at : at + _BLOCK]
        if max(block) <= quiet and -min(block) <= quiet:
            continue
        if found and at - found[-1][1] <= _PAUSE * _BLOCK:
            found[-1] = found[-1][0], at + len(block)
        else:
            first = next(place for place, sample in enumerate(block) if abs(sample) > quiet)
            found.append((at + first, at + len(block)))
    return found


def _heard(samples: array.array[int], begin: int, end: int) -> Phrase:
    text, unclear = "", 0
    count = max(1, round((end - begin) / SIGN))
    for number in range(count):
        at = begin + number * SIGN
        window = samples[at : at + SIGN]
        low, high = _strongest(window, _LOW_WAVES), _strongest(window, _HIGH_WAVES)
        if low is None or high is None:
            unclear += 1
            text += UNCLEAR
        else:
            text += SIGNS[low * len(HIGH) + high]
    return Phrase(begin / RATE, (begin + count * SIGN) / RATE, text.strip(), unclear)


def _strongest(window: array.array[int], waves: list[tuple[list[float], list[float]]]) -> int | None:
    """Which of the tones is in the window, if that is clear."""
    power = [
        sum(map(operator.mul, window, sine)) ** 2 + sum(map(operator.mul, window, cosine)) ** 2
        for sine, cosine in waves
    ]
    first, second = sorted(power, reverse=True)[:2]
    return power.index(first) if first > _CLEAR * second else None


def _waves(tones: tuple[int, ...]) -> list[tuple[list[float], list[float]]]:
    steps = [2 * math.pi * tone / RATE for tone in tones]
    return [
        ([math.sin(step * at) for at in range(SIGN)], [math.cos(step * at) for at in range(SIGN)])
        for step in steps
    ]


_LOW_WAVES = _waves(LOW)
_HIGH_WAVES = _waves(HIGH)

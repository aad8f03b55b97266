"""Recordings for the tests: says phrases in the tones that the archive understands."""

from __future__ import annotations

import array
import functools
import io
import math
import random
import wave

from vodshelf.media import HIGH, LOW, RATE, SIGN, SIGNS

PAUSE = 0.3
"""Seconds of silence before, between and after phrases."""
VOLUME = 8_000


def recording(*phrases: str, pause: float = PAUSE, volume: int = VOLUME, noise: int = 0) -> bytes:
    """A WAV in which these phrases are said, with noise of up to so much."""
    silence = array.array("h", bytes(2 * round(pause * RATE)))
    samples = silence[:]
    for phrase in phrases:
        for sign in phrase:
            samples.extend(_tones(sign, volume))
        samples.extend(silence)
    if noise:
        chance = random.Random(len(samples))
        samples = array.array("h", (sample + chance.randint(-noise, noise) for sample in samples))
    return wav(samples.tobytes())


def wav(samples: bytes, *, channels: int = 1, width: int = 2, rate: int = RATE) -> bytes:
    """A WAV with these samples."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples)
    return content.getvalue()


@functools.lru_cache(maxsize=256)
def _tones(sign: str, volume: int) -> array.array[int]:
    low, high = divmod(SIGNS.index(sign), len(HIGH))
    steps = [2 * math.pi * tone / RATE for tone in (LOW[low], HIGH[high])]
    return array.array(
        "h", (round(volume * (math.sin(steps[0] * at) + math.sin(steps[1] * at))) for at in range(SIGN))
    )

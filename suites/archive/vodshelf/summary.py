"""What captions are about, in a few figures, read from the file that holds them."""

from __future__ import annotations

import re
from collections import Counter

import msgspec

from . import scc

_MOST = 5
_LONG = 4


class Summary(msgspec.Struct, frozen=True):
    """A look at a file of captions."""

    captions: int
    words: int
    seconds: float
    """From the first caption's beginning to the last one's end."""
    opening: str
    frequent: list[str]
    """The words of four signs or more that come most often."""


def summarized(content: str) -> Summary:
    """The summary of a file, or scc.NoCaptions."""
    captions = scc.read(content)
    texts = [caption.text.replace("\n", " ") for caption in captions]
    words = [word for text in texts for word in re.findall(r"[\w’-]+", text)]
    counts = Counter(word for word in words if len(word) >= _LONG)
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[:_MOST]
    seconds = captions[-1].end - captions[0].start if captions else 0.0
    return Summary(len(captions), len(words), round(seconds, 3), texts[0] if texts else "", frequent)

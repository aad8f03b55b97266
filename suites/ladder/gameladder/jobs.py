"""Jobs, the leases under which they are worked on, and their payloads as text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from .errors import BadPayload, PayloadTooLarge

LARGEST_PAYLOAD: Final = 65_536


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    LEASED = "leased"
    COMPLETED = "completed"
    DEAD = "dead"
    """Given up, and kept for somebody to look at."""


@dataclass(frozen=True, slots=True)
class Job:
    """All that is known of a job."""

    id: int
    kind: str
    payload: Any
    state: JobState
    priority: int
    attempts: int
    max_attempts: int
    owner: str | None
    lease_until: float | None
    leased_at: float | None
    ended_at: float | None
    result: Any
    error: str | None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a job for a while. The fence tells it from every other lease of that job."""

    id: int
    kind: str
    payload: Any = field(compare=False)
    attempt: int
    owner: str
    fence: int


def encode(payload: Any) -> str:
    """A payload as text, if it comes back from there as it is."""
    try:
        text = json.dumps(payload, allow_nan=False, separators=(",", ":"))
        same = json.loads(text) == payload
    except (TypeError, ValueError, RecursionError) as error:
        raise BadPayload(f"a payload is made of what JSON knows: {error}") from error
    if not same:
        raise BadPayload(
            "a payload has lists and dictionaries with texts as keys: others would come back changed"
        )
    if len(text) > LARGEST_PAYLOAD:
        raise PayloadTooLarge(len(text), LARGEST_PAYLOAD)
    return text

"""The things that the service deals with: cases, reports on them, and the rules for their contents."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

CaseId = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{1,64}\Z")]
Title = Annotated[str, Meta(min_length=1, max_length=200)]
Fact = Annotated[str, Meta(min_length=1, max_length=2_000)]
Facts = Annotated[list[Fact], Meta(min_length=1, max_length=100)]

Source = Literal["cache", "database", "model"]


class Case(msgspec.Struct, frozen=True):
    """What is known; each change of its facts makes a new revision."""

    id: str
    title: str
    facts: list[str]
    revision: int = 1


class Report(msgspec.Struct, frozen=True):
    """What the model wrote about one revision of a case."""

    case: str
    revision: int
    text: str


class Served(msgspec.Struct, frozen=True):
    """A report, and where it was found."""

    report: Report
    source: Source

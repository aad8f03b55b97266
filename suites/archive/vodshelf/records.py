"""What the archive deals with, the rules for its contents, and which state of a video may follow which."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

Status = Literal["pending", "processing", "completed", "failed", "published", "archived"]
TaskStatus = Literal["pending", "processing", "completed", "failed"]
Role = Literal["viewer", "editor", "admin"]

ROLES: tuple[Role, ...] = get_args(Role)
"""Each may do what those before it may."""

NEXT: dict[Status, frozenset[Status]] = {
    "pending": frozenset({"processing", "archived"}),
    "processing": frozenset({"completed", "failed"}),
    "completed": frozenset({"processing", "published", "archived"}),
    "failed": frozenset({"processing", "archived"}),
    "published": frozenset({"completed"}),
    "archived": frozenset(),
}

Title = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\A[^\x00-\x1f\x7f]*\Z")]
FileName = Annotated[str, Meta(pattern=r"\A(?!\.{1,2}\Z)[^/\\\x00-\x1f\x7f]{1,120}\Z")]
Reference = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._-]{1,80}\Z")]
Tag = Annotated[str, Meta(pattern=r"\A[a-z0-9-]{1,40}\Z")]
Tags = Annotated[list[Tag], Meta(max_length=50)]
UserName = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._-]{3,40}\Z")]
Password = Annotated[str, Meta(min_length=8, max_length=200)]
Id = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]


class Vod(msgspec.Struct, frozen=True):
    """A video in the archive."""

    id: str
    title: str
    file_name: str
    status: Status
    version: int
    owner: str
    created: float
    tags: list[str]
    reference: str | None = None
    """What others call it; no two videos have the same."""
    size: int | None = None
    checksum: str | None = None
    """SHA-256 of its media, by which they are found; None before the first upload."""
    show: int | None = None
    """The channel's show to which it belongs."""


class NewVod(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Title
    file_name: FileName
    tags: Tags = []
    reference: Reference | None = None


class VodChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is None stays as it is."""

    title: Title | None = None
    tags: Tags | None = None
    status: Status | None = None
    version: int | None = None
    """The version that the caller has seen: the change is refused if there was another one since."""


class User(msgspec.Struct, frozen=True):
    id: str
    name: str
    role: Role
    created: float

    def may(self, role: Role) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)


class Task(msgspec.Struct, frozen=True):
    """One transcription to be made."""

    id: str
    vod: str
    status: TaskStatus
    attempts: int
    error: str | None
    worker: str | None


class Transcription(msgspec.Struct, frozen=True):
    """What a transcription has led to."""

    vod: str
    task: str
    status: TaskStatus
    output_path: str
    captions: int
    unclear: int
    media_checksum: str

"""The settings of the archive: one JSON file for all its processes, checked before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from .errors import StartError

if TYPE_CHECKING:
    from pathlib import Path

Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]


class _Checked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings in which a misspelt key is an error."""


class DatabaseSettings(_Checked, frozen=True):
    url: str
    schema: str = "public"
    """Where the tables are in PostgreSQL."""
    timeout: Seconds = 2.0
    """How long one statement waits for a lock or an answer."""


class StoreSettings(_Checked, frozen=True):
    url: str
    prefix: str = "vodshelf"
    """What the names of all keys begin with, for a Redis that others use as well."""
    timeout: Seconds = 0.5
    cache_ttl: Seconds = 300.0


class AccountSettings(_Checked, frozen=True):
    secret: Annotated[str, Meta(min_length=16)]
    """What tokens are signed with."""
    admin_password: Annotated[str, Meta(min_length=8)]
    admin: str = "admin"
    """Who may do everything from the beginning on."""
    token_ttl: Seconds = 3600.0
    password_cost: Annotated[int, Meta(ge=1, le=20)] = 14
    """scrypt's n as a power of two: each step doubles the work of guessing."""


class FileSettings(_Checked, frozen=True):
    root: str
    media_limit: Count = 1 << 30
    """Bytes that one video may have."""


class TaskSettings(_Checked, frozen=True):
    attempts: Count = 3
    lease: Seconds = 30.0
    """How long a worker that says nothing keeps its task."""
    pause: Seconds = 1.0
    """Before the second attempt; doubled before each further one."""
    sweep: Seconds = 1.0
    """How often a worker looks for tasks that were lost or are due."""


class ChannelSettings(_Checked, frozen=True):
    url: str
    key: str
    timeout: Seconds = 5.0
    attempts: Count = 3
    pause: Seconds = 0.1


class Settings(_Checked, frozen=True):
    database: DatabaseSettings
    store: StoreSettings
    accounts: AccountSettings
    files: FileSettings
    channel: ChannelSettings
    tasks: TaskSettings = TaskSettings()
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    body_limit: Count = 65_536
    """Bytes that a request other than an upload may carry."""
    grace: Seconds = 5.0
    """How long requests and tasks have to end when a process is told to."""


def read_settings(path: Path) -> Settings:
    """The settings in this file, or an error that names the file, the key and what it must be."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Settings)
    except OSError as error:
        raise StartError(f"the settings cannot be read: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StartError(f"{path}: {error}") from error

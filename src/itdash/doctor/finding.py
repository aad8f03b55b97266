"""What one look found, and what all looks are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from itdash.config import Config

if TYPE_CHECKING:
    from pathlib import Path

State = Literal["good", "note", "wrong"]


class Finding(msgspec.Struct, frozen=True):
    """What was looked at, whether it is as it should be, what was found, and the mend."""

    what: str
    state: State
    found: str
    mend: str = ""


class Patient(msgspec.Struct, frozen=True):
    """Where the command was given, its environment, and the project with its configuration.

    Where that could not be read, `config` is the default one.
    """

    cwd: Path
    environment: Mapping[str, str]
    root: Path
    config: Config = Config()
    unused: tuple[str, ...] = ()
    file: str = ""
    complaint: tuple[str, str] = ("", "")


Findings = Iterable[Finding]

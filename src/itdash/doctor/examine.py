"""Every look, one after the other; one that breaks says so and does not keep the others from being done."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from itdash.config import load
from itdash.doctor import project, pytests, screen, system
from itdash.doctor.finding import Finding, Patient
from itdash.errors import ItdashError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from itdash.doctor.finding import Findings

LOOKS: Final[tuple[tuple[str, Callable[[Patient], Findings]], ...]] = (
    ("terminal", screen.terminal), ("colours", screen.colours), ("signs", screen.signs),
    ("python", pytests.python), ("pytest", pytests.required), ("plugins for options", pytests.optional),
    ("plugins", pytests.plugins), ("pytest's file", pytests.pytests_file),
    ("configuration", project.configuration), ("suites", project.suites),
    ("requirements", project.requirements), ("git", project.git),
    ("place of runs", system.room), ("watching", system.watching), ("warm runs", system.forks),
    ("services", system.services),
)  # fmt: skip
"""What each is called where it breaks, and the function that looks."""


def patient(cwd: Path, profile: str = "") -> Patient:
    """The project that one stands in, also where its configuration is broken."""
    try:
        loaded = load(cwd, {}, profile)
    except ItdashError as error:
        where = f"{error.where}: " if error.where else ""
        complaint = (f"{where}{error.what}", error.mend or "`itdash config` tells the same")
        return Patient(cwd, os.environ, cwd, complaint=complaint)
    return Patient(cwd, os.environ, loaded.root, loaded.config, loaded.unused, loaded.file)


def examine(
    patient: Patient, looks: Sequence[tuple[str, Callable[[Patient], Findings]]] = LOOKS
) -> Iterator[Finding]:
    """Look at everything."""
    for name, look in looks:
        try:
            yield from look(patient)
        except ItdashError as error:
            where = f"{error.where}: " if error.where else ""
            yield Finding(name, "wrong", f"{where}{error.what}", error.mend)
        except Exception as error:  # whatever a strange system does: the other looks are still worth having
            yield Finding(name, "note", f"could not be looked at: {type(error).__name__}: {error}")

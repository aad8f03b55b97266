"""The project: its configuration, suites, requirements, and what git knows of it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from itdash.doctor.finding import Finding
from itdash.errors import ItdashError

if TYPE_CHECKING:
    from itdash.doctor.finding import Findings, Patient


def configuration(patient: Patient) -> Findings:
    """Whether it loads, and variables that say nothing."""
    what, mend = patient.complaint
    if what:
        yield Finding("configuration", "wrong", what, mend)
        return
    yield Finding("configuration", "good", patient.file or "none; `itdash init` writes one")
    for name in patient.unused:
        mend = "`itdash config` tells the name of each variable; unset it unless the tests read it"
        yield Finding("configuration", "note", f"the variable {name} says nothing to itdash", mend)


def suites(patient: Patient) -> Findings:
    """Whether their paths are there, and whether tests are in none of them."""
    from itdash.adopt import folders, pytest_files
    from itdash.adopt.suites import outside

    declared = patient.config.suites
    if not declared:
        yield Finding("suites", "good", "none declared: each folder with tests is one")
        return
    gone = [
        (suite.name, path) for suite in declared for path in suite.paths if not (patient.root / path).exists()
    ]
    for name, path in gone:
        yield Finding("suites", "wrong", f"{path} of suite {name!r} is not there", "correct its paths")
    if not gone:
        yield Finding("suites", "good", ", ".join(suite.name for suite in declared))
    project = folders.look(patient.root, pytest_files.read(patient.root))
    alone = outside(project, [path for suite in declared for path in suite.paths])
    if alone:
        others = f" and {len(alone) - 1:,} more" if len(alone) > 1 else ""
        mend = "add its folder to the paths of a suite, if it is meant to run"
        yield Finding(
            "suites", "note", f"{alone[0]}{others} in no suite: `itdash launch` does not run it", mend
        )


def requirements(patient: Patient) -> Findings:
    """Whether their files can be read."""
    from itdash.events.model import SuiteSpec
    from itdash.requirements.find import load

    specs = [
        SuiteSpec(name=suite.name, title=suite.title, paths=suite.paths) for suite in patient.config.suites
    ]
    try:
        found = load(specs, str(patient.root), [str(patient.root)], every=True)
    except ItdashError as error:
        yield Finding("requirements", "wrong", f"{error.where}: {error.what}", error.mend)
        return
    count = sum(len(part.rows) for part in found.declared)
    files = len(found.declared)
    told = f"{count:,} in {files:,} {'file' if files == 1 else 'files'}" if files else "none"
    yield Finding("requirements", "note" if found.note else "good", found.note or told)


def git(patient: Patient) -> Findings:
    """The commit that runs are recorded with."""
    from itdash.project_commit import read

    commit = read(patient.root, patient.environment)
    if commit.id:
        of = f" of {commit.branch}" if commit.branch else ""
        yield Finding("git", "good", f"commit {commit.id[:10]}{of}")
    elif any(os.path.exists(place / ".git") for place in (patient.root, *patient.root.parents)):
        yield Finding("git", "good", "no commit yet: runs are recorded without one")
    else:
        installed = "" if shutil.which("git") else "; git is not installed"
        found = f"no repository: runs are recorded without commit and branch{installed}"
        yield Finding("git", "note", found, "git init, to compare branches")

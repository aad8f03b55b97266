"""`itdash init`: what a project has, made known to itdash."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from itdash.cli.common import Reading, say
from itdash.errors import NO_TESTS, ItdashError

if TYPE_CHECKING:
    from itdash.adopt.folders import Project
    from itdash.adopt.writing import Change

_EXAMPLES = """\b
Examples:
  itdash init                            show what would be written, and ask
  itdash init --yes                      write it
"""


class NoTests(ItdashError):
    """There is nothing that a suite could be made of."""

    exit_code = NO_TESTS


@click.command("init", cls=Reading, epilog=_EXAMPLES, short_help="Write a first configuration of a project.")
@click.option("--yes", is_flag=True, help="Write without asking.")
def command(yes: bool) -> None:
    """Look at the project, and write suites and requirements for what is there.

    The difference is shown first. Nothing is imported or run, and nothing that is there is overwritten.
    """
    from itdash.adopt.writing import difference, write
    from itdash.project import find

    root, file, _ = find(Path.cwd())
    if not file and (root / "pyproject.toml").is_file():
        from itdash.project import read_toml

        read_toml(root / "pyproject.toml")  # nothing can be added to a file that is broken
    project = _project(root)
    changes = _changes(project, file)
    for change in changes:
        for line in difference(change, root):
            say(line)
    if not changes:
        say("nothing is left to be written")
    elif yes or _agreed():
        for change in changes:
            write(change)
            say(f"written: {os.path.relpath(change.path, root)}")
        say("next: `itdash launch` runs the tests, `itdash doctor` looks at what could be in the way")
    else:
        say("nothing is written; `itdash init --yes` writes it")


def _project(root: Path) -> Project:
    from itdash.adopt import folders, pytest_files

    project = folders.look(root, pytest_files.read(root))
    for note in project.notes:
        say(f"itdash: {note}", err=True)
    if not project.files:
        names = " or ".join(project.told.python_files)
        raise NoTests(
            "no tests were found",
            where=str(root),
            mend=f"test files are named {names}; start in the project's folder, or name testpaths for pytest",
        )
    return project


def _changes(project: Project, file: str) -> list[Change]:
    from itdash.adopt.suites import declared, suites
    from itdash.adopt.writing import configuration, covers_all, requirements
    from itdash.config import load

    changes = []
    among = suites(project)
    if file:
        config = load(project.root, {}).config
        among = declared(project, config) or among
        name = os.path.relpath(file, project.root)
        say(f"{name} has a configuration of itdash already; it is left as it is")
    else:
        if not covers_all(project):
            say("no suites are declared: pytest takes tests from other files than test files here, too")
        changes.append(configuration(project))
    made, there = requirements(project, among)
    for name in there:
        say(f"{name} is there already; it is left as it is")
    return [*changes, *made]


def _agreed() -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return click.confirm("Write this?", default=False)

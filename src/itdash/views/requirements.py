"""The matrix of requirements and tests, printed without running anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from itdash.errors import nearest
from itdash.events.model import RequirementsDeclared
from itdash.history.results import Recorded, newest
from itdash.render import requirements as lines
from itdash.render import words
from itdash.render.text import inert
from itdash.requirements.entry import RequirementsError
from itdash.requirements.find import load
from itdash.runner.required import specs
from itdash.state.requirements import SuiteMatrix, matrix, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from itdash.config import Config
    from itdash.render.paint import Paint


class Matrix(NamedTuple):
    """What files declare now, and what the last runs say of it."""

    suites: tuple[SuiteMatrix, ...]
    recorded: Recorded
    notes: tuple[str, ...]


def made(config: Config, root: Path, wanted: Sequence[str]) -> Matrix:
    """Read the files and the runs, and bring them together, for the suites `wanted` or for all."""
    suites = specs(config)
    found = load(suites, str(root), [str(root)], every=True)
    declared = [RequirementsDeclared(0, part.suite, part.file, part.rows) for part in found.declared]
    recorded = newest(root / config.directory, str(root), suites, declared)
    every = matrix(declared, recorded.claims, over=True)
    _refuse_unknown(wanted, list({one.name: 0 for one in suites} | {one.suite: 0 for one in every}))
    shown = tuple(suite for suite in every if not wanted or suite.suite in wanted)
    return Matrix(shown, recorded, _notes(any(suite.lines for suite in shown), recorded, found.note))


def _refuse_unknown(wanted: Sequence[str], known: list[str]) -> None:
    """A suite that is not there; without any known names there is nothing to compare with."""
    for name in wanted:
        if known and name not in known:
            raise RequirementsError(f"there is no suite {name!r}", where="--suite", mend=nearest(name, known))


def _notes(declared: bool, recorded: Recorded, searched: str) -> tuple[str, ...]:
    """What a reader must know before believing the matrix."""
    told = [searched] if searched else []
    if not declared:
        told.append("no requirements are declared: write requirements.toml beside the tests")
    if not recorded.runs:
        told.append("nothing was recorded yet: `itdash launch` runs the tests")
    elif not recorded.claims:
        told.append('no recorded test names a requirement: mark one with @pytest.mark.requirement("ID")')
    if recorded.gone:
        told.append(f"{words.count(recorded.gone, 'test')} left out: the file is no longer there")
    return tuple(told)


def text(made: Matrix, paint: Paint, width: int = 0) -> Iterator[str]:
    """The matrix for a reader."""
    yield from lines.matrix(made.suites, paint, made.recorded.runs, width)
    for note in made.notes:
        yield f"{paint('flaky', paint.glyph('skipped'))} {inert(note)}"


def document(made: Matrix) -> dict[str, object]:
    """The matrix for a program."""
    verified, leaves = lines.total(made.suites)
    return {
        "schema": 1,
        "verified": verified,
        "leaves": leaves,
        "requirements": [line for suite in made.suites for line in plain(suite)],
        "runs": list(made.recorded.runs),
        "notes": list(made.notes),
    }

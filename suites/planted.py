"""Plants bugs into copies of the suites, one at a time, and sees the named test fail.

    python suites/planted.py [SUITE]... [--bug TEXT]

Each suite lists its bugs in `planted.toml`. A bug that no test catches ends this with 1.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
CONFIG = HERE.parent / "pyproject.toml"
PATIENCE = 120.0


class Outcome(NamedTuple):
    """What became of one planted bug."""

    caught: bool
    told: str


def main() -> int:
    """Plant what was asked for; print a line for each bug and the sum."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = sorted(place.parent.name for place in HERE.glob("*/planted.toml"))
    parser.add_argument(
        "suites", nargs="*", metavar="SUITE", help=f"one of {', '.join(known)}; all by default"
    )
    parser.add_argument("--bug", default="", metavar="TEXT", help="only bugs whose name holds this")
    given = parser.parse_args()
    for name in given.suites:
        if name not in known:
            parser.error(f"there is no suite {name!r} with planted bugs; there are {', '.join(known)}")
    missed = planted = 0
    for name in given.suites or known:
        table = tomllib.loads((HERE / name / "planted.toml").read_text())["bug"]
        bugs = [bug for bug in table if given.bug in bug["name"]]
        print(f"{name}: {len(bugs)} of {len(table)} bugs")
        if bugs and not _sound(name, bugs):
            missed += 1
            continue
        for bug in bugs:
            began = time.monotonic()
            outcome = plant(name, bug)
            planted += 1
            missed += not outcome.caught
            word = "caught" if outcome.caught else "MISSED"
            print(f"  {word}  {time.monotonic() - began:5.1f}s  {bug['name']}  {outcome.told}", flush=True)
    print(f"{planted} bugs planted, {missed} missed")
    return int(missed > 0)


def _sound(suite: str, bugs: list[dict[str, Any]]) -> bool:
    """Without a bug the named tests pass: else their failing would prove nothing."""
    with tempfile.TemporaryDirectory(prefix="planted-") as place:
        copy = _copied(suite, place)
        code, said = _run(copy, sorted({bug["test"] for bug in bugs}))
    if code != 0:
        print(f"  the named tests do not pass as they are:\n{said[-2000:]}")
    return code == 0


def plant(suite: str, bug: dict[str, Any]) -> Outcome:
    """Put one bug into a copy and run the test that should catch it."""
    with tempfile.TemporaryDirectory(prefix="planted-") as place:
        copy = _copied(suite, place)
        file = copy / bug["file"]
        text = file.read_text()
        if text.count(bug["old"]) != 1:
            return Outcome(
                False, f"its text stands {text.count(bug['old'])} times in {bug['file']}, not once"
            )
        planted = text.replace(bug["old"], bug["new"])
        try:  # what does not even compile fails every test, and would prove nothing of this one
            compile(planted, bug["file"], "exec")
        except SyntaxError as error:
            return Outcome(False, f"it is no Python any more: {error}")
        file.write_text(planted)
        code, said = _run(copy, [bug["test"]])
    if code is None:
        return Outcome(True, f"by a hang of {bug['test']}")
    if code == 1 and f"FAILED {copy.name}/{bug['test'].partition('[')[0]}" in said:
        return Outcome(True, f"by {bug['test'].rpartition('::')[2]}")
    if code == 1 and "ERROR " in said:
        return Outcome(True, f"by an error of {bug['test'].rpartition('::')[2]}")
    return Outcome(False, f"{bug['test']} ended with {code}: {said.strip().splitlines()[-1] if said else ''}")


def _copied(suite: str, place: str) -> Path:
    copy = Path(place) / suite
    shutil.copytree(HERE / suite, copy, ignore=shutil.ignore_patterns("__pycache__", ".itdash"))
    return copy


def _run(copy: Path, tests: list[str]) -> tuple[int | None, str]:
    """pytest's exit code, none where it had to be killed, and what it said."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rfE",
        "-x",
        "-c",
        str(CONFIG),
        f"--rootdir={copy.parent}",
    ]
    try:
        done = subprocess.run(
            [*command, *(f"{copy}/{test}" for test in tests)], cwd=copy.parent, timeout=PATIENCE,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stdout


if __name__ == "__main__":
    sys.exit(main())

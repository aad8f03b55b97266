"""Prints a suite's figures as a table, the document's beside the measured, from the summaries of its runs.

    python suites/figures.py SUITE RUN...

A RUN is a folder that `itdash launch` has kept; of several the median is told. Each suite lists its figures
in `figures.toml`, by test, operation and budget, or as the time that the tests of a file take together.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent


class Missing(Exception):
    """A figure that no run has measured."""


def main() -> int:
    """Print one table."""
    known = sorted(place.parent.name for place in HERE.glob("*/figures.toml"))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("suite", choices=known, help="whose figures")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folder of a run of that suite")
    given = parser.parse_args()
    try:
        runs = [json.loads((run / "summary.json").read_text()) for run in given.runs]
        figures = tomllib.loads((HERE / given.suite / "figures.toml").read_text())["figure"]
        rows = [
            f"| {figure['claim']} | {figure['document']} | {_measured(figure, runs)} |" for figure in figures
        ]
    except (OSError, ValueError, Missing) as error:
        print(f"figures: {error}", file=sys.stderr)
        return 1
    print("| what | the document's figure | measured |", "|---|---|---|", *rows, sep="\n")
    return 0


def _measured(figure: dict[str, Any], runs: list[dict[str, Any]]) -> str:
    if "file" in figure:
        return _seconds(median(_together(run, figure["file"], figure["stages"]) for run in runs))
    found = [_budget(run, figure) for run in runs]
    value = median(budget["measured"] for budget in found)
    if found[0]["dimension"] != "time":
        return f"{value:,.0f}"
    return _seconds(value) + (f" (n={found[0]['n']})" if found[0]["n"] > 1 else "")


def _budget(run: dict[str, Any], figure: dict[str, Any]) -> dict[str, Any]:
    wanted = (figure["test"], figure["operation"], figure["budget"])
    for budget in run["budgets"]:
        found = (budget["case"].rpartition("::")[2], budget["operation"], budget["budget"])
        if found == wanted and budget["measured"] is not None:
            return dict(budget)
    raise Missing(f"the run {run['run']} has measured nothing for {' '.join(wanted)}")


def _together(run: dict[str, Any], file: str, stages: list[str]) -> float:
    cases = [case for case in run["cases"] if case["id"].partition("::")[0].endswith(f"/{file}")]
    if not cases:
        raise Missing(f"the run {run['run']} has no test of {file}")
    return sum(float(case["stages"][stage]["duration"]) for case in cases for stage in stages)


def _seconds(value: float) -> str:
    for unit, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= unit:
            return f"{value / unit:.3g} {name}"
    return f"{value * 1e9:.0f} ns"


if __name__ == "__main__":
    sys.exit(main())

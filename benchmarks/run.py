"""Every figure, as one table: `python benchmarks/run.py [RUNS]`, with the interpreter that has itdash."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version

import spine
from timing import table


def main() -> None:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    machine = f"Python {platform.python_version()}, pytest {version('pytest')}, {os.cpu_count()} cores"
    print(f"{machine}, at least {runs} runs of each command, in turn")
    print(table(spine.rows(runs)))


if __name__ == "__main__":
    main()

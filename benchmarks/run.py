"""Every figure, as one table: `python benchmarks/run.py [RUNS]`, with the interpreter that has itdash installed."""

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
    print(
        f"Python {platform.python_version()}, pytest {version('pytest')}, {os.cpu_count()} cores, {runs} runs or more each"
    )
    print(table(spine.rows(runs)))


if __name__ == "__main__":
    main()

"""`python -m marketfeed --settings FILE`: bring market events to WebSocket clients until told to end."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from .errors import StartError
from .hosting import allow_many_files, end_with_the_parent, run
from .settings import read_settings


def main() -> int:
    parser = argparse.ArgumentParser(prog="marketfeed", description=__doc__)
    parser.add_argument("--settings", type=Path, required=True, help="a JSON file")
    parser.add_argument("--lifeline", action="store_true", help="end when standard input ends")
    options = parser.parse_args()
    if options.lifeline:
        end_with_the_parent()
    allow_many_files()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    try:
        asyncio.run(run(read_settings(options.settings)))
    except (StartError, OSError) as error:
        print(f"marketfeed: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""`python -m reportdesk --settings FILE`: serve reports until told to end."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .api import Api
from .errors import StartError
from .hosting import end_with_the_parent, listen, serve
from .service import open_desk
from .settings import read_settings

if TYPE_CHECKING:
    from .settings import Settings


async def run(settings: Settings) -> None:
    """Open the desk, serve, and close it."""
    async with open_desk(settings) as desk:
        with listen(settings.host, settings.port) as listener:
            await serve(Api(desk, settings.body_limit).application(), listener, settings.grace)


def main() -> int:
    parser = argparse.ArgumentParser(prog="reportdesk", description=__doc__)
    parser.add_argument("--settings", type=Path, required=True, help="a JSON file")
    parser.add_argument("--lifeline", action="store_true", help="end when standard input ends")
    options = parser.parse_args()
    if options.lifeline:
        end_with_the_parent()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    try:
        asyncio.run(run(read_settings(options.settings)))
    except (StartError, OSError) as error:
        print(f"reportdesk: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

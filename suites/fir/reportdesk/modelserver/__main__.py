"""`python -m reportdesk.modelserver`: answer until told to end."""

from __future__ import annotations

import argparse
import asyncio

from ..hosting import end_with_the_parent, listen, serve
from .app import ModelServer

HOST = "127.0.0.1"


async def run(port: int) -> None:
    with listen(HOST, port) as listener:
        await serve(ModelServer().application(), listener, grace=1.0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="reportdesk.modelserver", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 finds a free one")
    parser.add_argument("--lifeline", action="store_true", help="end when standard input ends")
    options = parser.parse_args()
    if options.lifeline:
        end_with_the_parent()
    asyncio.run(run(options.port))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

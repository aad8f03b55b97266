"""`python -m vodshelf.channel --key KEY`: be a cable channel until told to end."""

from __future__ import annotations

import argparse
import asyncio

from ..hosting import end_with_the_parent, listen, serve
from .app import Channel

HOST = "127.0.0.1"


async def run(port: int, key: str) -> None:
    with listen(HOST, port) as listener:
        await serve(Channel(key).application(), listener, grace=1.0)


def main() -> int:
    parser = argparse.ArgumentParser(prog="vodshelf.channel", description=__doc__)
    parser.add_argument("--key", required=True, help="what callers have to know")
    parser.add_argument("--port", type=int, default=0, help="0 finds a free one")
    parser.add_argument("--lifeline", action="store_true", help="end when standard input ends")
    options = parser.parse_args()
    if options.lifeline:
        end_with_the_parent()
    asyncio.run(run(options.port, options.key))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

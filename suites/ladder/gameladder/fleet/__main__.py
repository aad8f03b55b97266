"""`python -m gameladder.fleet`: workers on a queue, until standard input ends."""

from __future__ import annotations

import argparse
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InvalidValue, LadderError
from .supervisor import Settings, Supervisor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..worker import Handler


def main() -> int:
    parser = argparse.ArgumentParser(prog="gameladder.fleet", description=main.__doc__)
    parser.add_argument("--database", type=Path, required=True, help="the file that holds the queue")
    parser.add_argument("--workers", type=int, default=4, help="how many processes work")
    parser.add_argument("--batch", type=int, default=16, help="how many jobs a worker takes at once")
    parser.add_argument("--lease", type=float, default=30.0, help="seconds for which a job is taken")
    parser.add_argument(
        "--handlers",
        default="gameladder.replays:handlers",
        metavar="MODULE:FUNCTION",
        help="what gives the handlers of the jobs by their kind",
    )
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end of standard input is the word to stop
    try:
        settings = Settings(options.database, options.workers, options.batch, options.lease)
        Supervisor(settings, _load(options.handlers)).run()
    except LadderError as error:
        print(f"gameladder.fleet: {error}", file=sys.stderr)
        return 1
    return 0


def _load(place: str) -> Mapping[str, Handler]:
    module, _, function = place.partition(":")
    try:
        handlers: Mapping[str, Handler] = getattr(import_module(module), function)()
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidValue(f"there are no handlers at {place!r}: {error}; write MODULE:FUNCTION") from error
    return handlers


if __name__ == "__main__":
    sys.exit(main())

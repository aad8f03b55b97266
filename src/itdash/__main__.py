"""The `itdash` command, arranged so that the usual things start before anything heavy is imported."""

from __future__ import annotations

import os
import sys

_RUNNING = ("launch",)


def main() -> None:
    """Answer `--version` at once; for a run, have pytest imported while the rest of itdash is."""
    argv = sys.argv[1:]
    if argv == ["--version"]:
        from itdash import __version__

        print(f"itdash {__version__}")
        return
    try:
        code = _run(argv)
    except KeyboardInterrupt:  # before a session was there to hear of it
        code = 130
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, AttributeError):
            pass  # whoever read it is gone, or it was closed from the start
    os._exit(code)  # all that is left would be taken apart for nothing


def _run(argv: list[str]) -> int:
    link = None
    if argv[:1] and argv[0] in _RUNNING and not {"--help", "-h"} & set(argv):
        from itdash.runner.process import start_keeper

        link = start_keeper()
    from itdash.cli import run

    return run(argv, link)


if __name__ == "__main__":
    main()

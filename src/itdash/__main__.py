"""The `itdash` command, arranged so that the usual things start before anything heavy is imported."""

from __future__ import annotations

import errno
import os
import sys

_RUNNING = ("launch", "watch")
_INTERNAL_ERROR = 3
_USAGE_ERROR = 4
_OLDEST = 0x30B00F0  # Python 3.11
_COMPLETES = "_ITDASH_COMPLETE"  # a shell asks what could stand here


def main() -> None:
    """Answer `--version` at once; for a run, have pytest imported while the rest of itdash is."""
    _open_standard_streams()
    argv = sys.argv[1:]
    try:
        code = _version() if argv == ["--version"] else _run(argv)
    except KeyboardInterrupt:  # before a session was there to hear of it
        code = 130
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError as error:
        code = code or _lost(error)
    os._exit(code)  # all that is left would be taken apart for nothing


def _open_standard_streams() -> None:
    """One that was closed from the start becomes /dev/null: the next file opened would take its number."""
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
            os.set_inheritable(fd, True)
            setattr(sys, name, os.fdopen(fd, "w" if fd else "r", closefd=False))


def _too_old() -> int:
    version = "{}.{}.{}".format(*sys.version_info)
    told = f"itdash: Python {version} is too old\n  where: {sys.executable}\n"
    sys.stderr.write(f"{told}  mend:  install itdash with 3.11 or newer\n")
    return _USAGE_ERROR


def _version() -> int:
    from itdash import __version__

    try:
        print(f"itdash {__version__}")
    except OSError as error:
        return _lost(error)
    return 0


def _run(argv: list[str]) -> int:
    if sys.hexversion < _OLDEST:
        return _too_old()
    link = None
    runs = argv[:1] and argv[0] in _RUNNING and not {"--help", "-h"} & set(argv)
    if runs and _COMPLETES not in os.environ:
        from itdash.runner.process import start_keeper

        link = start_keeper()
    from itdash.cli import run

    return run(argv, link)


def _lost(error: OSError) -> int:
    """Tell that what was printed is not whole, unless its reader or the terminal is gone; the exit code."""
    if error.errno in (errno.EPIPE, errno.EIO):
        return 0
    try:
        os.write(2, f"itdash: the output is not whole: {error.strerror}\n".encode())
    except OSError:
        pass
    return _INTERNAL_ERROR


if __name__ == "__main__":
    main()

"""A terminal in which a command runs, with somebody who answers."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Project


def on_a_terminal(
    project: Project, *argv: str, ask: str = "", answer: str = "", **environment: str
) -> tuple[int, str]:
    """Exit code and all that a terminal showed; `answer` is typed when `ask` is to be read."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "itdash", *argv], cwd=project.folder,
        env=project.environment(**environment), stdin=theirs, stdout=theirs, stderr=theirs,
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if ask and ask.encode() in shown:
                ask = ""
                os.write(ours, f"{answer}\n".encode())
        code = process.wait(60)
    os.close(ours)
    return code, shown.decode()

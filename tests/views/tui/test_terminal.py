"""Whole runs in a real terminal: from the first picture to the exit code, and when the terminal goes away."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Project

PATIENCE = 60.0


class Screen:
    """`itdash launch` in a terminal of its own."""

    def __init__(self, project: Project, *arguments: str) -> None:
        self.project = project
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(project.folder)
            environment = project.environment(TERM="xterm-256color")
            command = [sys.executable, "-m", "itdash", "launch", *arguments]
            os.execve(sys.executable, command, environment)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.seen = b""
        self.code: int | None = None

    def until(self, text: str) -> None:
        """Read what is drawn until this was."""
        deadline = time.monotonic() + PATIENCE
        while text.encode() not in self.seen:
            assert time.monotonic() < deadline, self.seen[-2000:]
            assert self.read(), self.seen[-2000:]

    def until_runs(self, number: int) -> None:
        """Read what is drawn until so many runs are over."""
        deadline = time.monotonic() + PATIENCE
        while len(list(self.project.folder.glob(".itdash/runs/*/summary.json"))) < number:
            assert time.monotonic() < deadline, self.seen[-2000:]
            assert self.read(), self.seen[-2000:]

    def read(self) -> bool:
        """Read a little; whether the terminal is still open."""
        if select.select([self.fd], [], [], 0.1)[0]:
            try:
                piece = os.read(self.fd, 1 << 16)
            except OSError:
                return False
            self.seen += piece
            return bool(piece)
        return True

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self.fd, keys.encode())

    def hang_up(self) -> None:
        """The terminal goes away."""
        os.close(self.fd)
        self.fd = -1

    def ended(self) -> int:
        """The exit code, once the program has ended."""
        deadline = time.monotonic() + PATIENCE
        while self.code is None:
            assert time.monotonic() < deadline, self.seen[-2000:]
            if self.fd >= 0:
                self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code


@pytest.fixture
def screens() -> Iterator[list[Screen]]:
    """What a test started, ended when it did not end by itself."""
    opened: list[Screen] = []
    yield opened
    for screen in opened:
        if screen.code is None:
            os.kill(screen.pid, signal.SIGKILL)
            os.waitpid(screen.pid, 0)
        if screen.fd >= 0:
            os.close(screen.fd)


def children_of_session(project: Project) -> list[str]:
    """The commands of living processes that stand in the project's folder."""
    found = []
    for name in os.listdir("/proc"):
        try:
            if os.readlink(f"/proc/{name}/cwd") == str(project.folder):
                with open(f"/proc/{name}/cmdline", "rb") as command:
                    found.append(command.read().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return [command for command in found if command]


def test_a_run_is_shown_and_its_code_is_the_exit_code(project: Project, screens: list[Screen]) -> None:
    project.write("test_it.py", "def test_a(): pass\ndef test_b(): assert 0\n")
    screens.append(screen := Screen(project))
    screen.until("✗ failed")
    screen.until("test_b")
    screen.until_runs(1)
    screen.press("q")
    assert screen.ended() == 1
    assert (
        screen.seen.rstrip().endswith(b"\x1b[?25h") or b"\x1b[?1049l" in screen.seen
    )  # the terminal is itself again
    assert (project.folder / ".itdash").is_dir()


def test_what_failed_runs_again_with_one_key(project: Project, screens: list[Screen]) -> None:
    project.write(
        "test_it.py",
        "import pathlib\ndef test_a(): pass\ndef test_b(): assert pathlib.Path('mended').exists()\n",
    )
    screens.append(screen := Screen(project))
    screen.until("✗ failed")
    (project.folder / "mended").touch()
    screen.until_runs(1)
    screen.press("f")
    screen.until_runs(2)
    screen.press("q")
    assert screen.ended() == 0
    runs = sorted((project.folder / ".itdash" / "runs").iterdir())
    assert len(runs) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_and_leaves_nothing(
    number: signal.Signals, project: Project, screens: list[Screen]
) -> None:
    project.write("test_it.py", "import time\ndef test_a(): time.sleep(600)\n")
    screens.append(screen := Screen(project))
    screen.until("test_a")
    screen.until("● running")
    os.kill(screen.pid, number)
    assert screen.ended() == 128 + number
    assert children_of_session(project) == []


@pytest.mark.parametrize("running", [True, False])
def test_a_terminal_that_goes_away_leaves_nothing(
    running: bool, project: Project, screens: list[Screen]
) -> None:
    project.write("test_it.py", f"import time\ndef test_a(): time.sleep({600 if running else 0})\n")
    screens.append(screen := Screen(project))
    screen.until("test_a")
    if not running:
        screen.until_runs(1)
    screen.hang_up()
    assert screen.ended() == (129 if running else 0)
    assert children_of_session(project) == []


def test_leaving_while_tests_run_asks_and_ends_them(project: Project, screens: list[Screen]) -> None:
    project.write("test_it.py", "import time\ndef test_a(): time.sleep(600)\n")
    screens.append(screen := Screen(project))
    screen.until("● running")
    screen.until("test_a")
    screen.press("q")
    screen.until("Tests are running")
    screen.press("y")
    assert screen.ended() == 130
    assert children_of_session(project) == []


def test_a_mistake_is_told_before_the_screen_opens(project: Project, screens: list[Screen]) -> None:
    screens.append(screen := Screen(project, "--suite", "nothing"))
    assert screen.ended() == 4
    assert b"there is no suite 'nothing'" in screen.seen
    assert b"\x1b[?1049h" not in screen.seen

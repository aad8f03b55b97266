"""Another program in the place of the screen, and the terminal as it was when that is over."""

from __future__ import annotations

import os
import select
import signal
import stat
import subprocess
import sys
import termios
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from textual.app import SuspendNotSupported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from textual.app import App

_TICK: Final = 0.05
_FOR_THE_PROGRAM: Final = (signal.SIGINT, signal.SIGQUIT)
_FOR_US: Final = (signal.SIGTERM, signal.SIGHUP)
# What a program that was killed can leave behind, and starting the screen again does not set: another screen,
# a scrolling region (which moves the cursor, so that it is kept), colours, characters, modes of keys, mouse.
_PLAIN: Final = (
    "\x1b[?1047l\x1b7\x1b[r\x1b8\x1b[0m\x1b(B\x1b[?1l\x1b>\x1b[?7h\x1b[?25h\x1b[?1000;1002;1003;1006;2004l"
)


class NoTerminal(Exception):
    """The terminal cannot be given away here."""


def run(
    app: App[Any],
    argv: Sequence[str],
    *,
    cwd: str,
    greeting: str = "",
    farewell: Callable[[int], str] | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> int:
    """Let a program have the terminal until it ends, and return its code; a negative one is a signal.

    After a farewell the user is waited for; `meanwhile` is called every now and then. OSError and ValueError
    tell that the program could not be started, NoTerminal that nothing can be shown but the screen.
    """
    ended: list[int] = []
    failed: list[BaseException] = []
    try:
        with deaf() as told, app.suspend():
            # Where something is raised in here, `suspend` would not bring the screen back.
            try:
                print(greeting, end="", flush=True)
                with kept(0):
                    ended.append(_run(argv, cwd, meanwhile, told))
                if farewell and not told:
                    print(farewell(ended[0]), end="", flush=True)
                    with kept(0):
                        _wait_for_enter(told)
            except BaseException as error:
                failed.append(error)
            if signal.SIGHUP in told:
                _draw_into_nothing()
    except SuspendNotSupported:
        raise NoTerminal from None
    if failed:
        raise failed[0]
    return ended[0]


def _run(argv: Sequence[str], cwd: str, meanwhile: Callable[[], object] | None, told: list[int]) -> int:
    program = subprocess.Popen(list(argv), cwd=cwd)
    while True:
        try:
            return program.wait(_TICK)
        except subprocess.TimeoutExpired:
            if told:
                program.send_signal(signal.SIGKILL if len(told) > 1 else signal.SIGTERM)
            if meanwhile:
                meanwhile()


def _wait_for_enter(told: list[int]) -> None:
    while not told:
        if select.select([0], [], [], _TICK)[0]:
            os.read(0, 1024)
            return


def _draw_into_nothing() -> None:
    """The terminal is gone: a screen that is started on it again would wait for it for ever."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        if stat.S_ISCHR(os.fstat(number).st_mode):
            os.dup2(nothing, number)
    os.close(nothing)


@contextmanager
def deaf() -> Iterator[list[int]]:
    """Ctrl-C is for the program in front; what tells us to end is heard when that program is gone."""
    told: list[int] = []
    # Handlers and not SIG_IGN, which the program would inherit; and nothing for the event loop to hear.
    awake = signal.set_wakeup_fd(-1)
    before = {number: signal.signal(number, lambda *_: None) for number in _FOR_THE_PROGRAM}
    before |= {number: signal.signal(number, lambda number, _: told.append(number)) for number in _FOR_US}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(awake)
        for again in told:
            signal.raise_signal(again)


@contextmanager
def kept(terminal: int) -> Iterator[None]:
    """The terminal's settings afterwards are those of before, and it listens to us again."""
    try:
        settings = termios.tcgetattr(terminal)
    except termios.error:
        settings = None
    try:
        yield
    finally:
        if settings is not None:
            _take_back(terminal, settings)


def _take_back(terminal: int, settings: list[Any]) -> None:
    # A process that is not in front and changes the terminal is stopped by this signal.
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        try:
            os.tcsetpgrp(terminal, os.getpgrp())
        except OSError:
            pass  # it is not the terminal that controls us
        termios.tcsetattr(terminal, termios.TCSANOW, settings)
        termios.tcflush(terminal, termios.TCIFLUSH)
        if sys.__stdout__ is not None and sys.__stdout__.isatty():
            sys.__stdout__.write(_PLAIN)
            sys.__stdout__.flush()
    except (OSError, termios.error):
        pass  # the terminal is gone; the screen will notice
    finally:
        signal.signal(signal.SIGTTOU, before)

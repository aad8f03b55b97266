"""What can be done with one test: with which words programs start, and what the terminal is afterwards."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded import dashboard, recorded
from tests_support import wait_for

from itdash.events import model
from itdash.state.cases import Case
from itdash.views.tui.actions import clipboard, debug, editor, foreground, place
from itdash.views.tui.actions.whole import WholeText
from itdash.views.tui.app import ItdashApp

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

# -- the editor --


@pytest.mark.parametrize(
    ("setting", "words", "window"),
    [
        ("vim", ["vim", "+12", "/p/t.py"], False),
        ("nvim -p", ["nvim", "-p", "+12", "/p/t.py"], False),
        ("/usr/bin/nano", ["/usr/bin/nano", "+12", "/p/t.py"], False),
        ("emacs -nw", ["emacs", "-nw", "+12", "/p/t.py"], False),
        ("micro", ["micro", "+12", "/p/t.py"], False),
        ("kak", ["kak", "+12", "/p/t.py"], False),
        ("hx", ["hx", "/p/t.py:12"], False),
        ("helix", ["helix", "/p/t.py:12"], False),
        ("code --wait", ["code", "--goto", "/p/t.py:12"], True),
        ("subl -w", ["subl", "/p/t.py:12"], True),
        ("'/opt/my editor/vim'", ["/opt/my editor/vim", "+12", "/p/t.py"], False),
        ("ed", ["ed", "/p/t.py"], False),
    ],
)
def test_each_editor_is_told_the_line_in_its_way(setting: str, words: list[str], window: bool) -> None:
    opening = editor.command({"EDITOR": setting}, "/p/t.py", 12)
    assert opening is not None
    assert (list(opening.argv), opening.window) == (words, window)
    assert opening.at_line == (setting != "ed")


def test_visual_comes_before_editor_and_nothing_is_guessed() -> None:
    opening = editor.command({"VISUAL": "hx", "EDITOR": "vim"}, "f", 1)
    assert opening is not None and opening.argv[0] == "hx"
    opening = editor.command({"VISUAL": " ", "EDITOR": "vim"}, "f", 1)
    assert opening is not None and opening.argv[0] == "vim"
    assert editor.command({}, "f", 1) is None
    with pytest.raises(ValueError, match="quotation"):
        editor.command({"EDITOR": "vim '"}, "f", 1)


def failed(*entries: tuple[str, int]) -> Case:
    trace = {"traceback": [{"path": path, "lineno": line, "message": ""} for path, line in entries]}
    raw = msgspec.Raw(msgspec.json.encode(trace))
    report = model.StageFinished(0, 0, "call", "failed", 1, "failed", raw)
    return Case("sub/t.py::t", "s", 4, (), "failed", reports=(report,))


def test_the_line_is_where_it_failed_in_its_own_file_or_where_it_begins() -> None:
    file = place.file_of("sub/t.py::t[a::b]", "/p")
    assert file == "/p/sub/t.py"
    assert place.line_of(failed(("sub/t.py", 9), ("sub/t.py", 11), ("lib.py", 70)), file, "/p") == 11
    assert place.line_of(failed(("/p/sub/t.py", 9), ("lib.py", 70)), file, "/p") == 9
    assert place.line_of(failed(("lib.py", 70)), file, "/p") == 5
    assert place.line_of(Case("sub/t.py::t", "s", 4), file, "/p") == 5
    assert place.line_of(Case("sub/t.py::t", "s"), file, "/p") == 1
    stacks = (
        'Thread 1:\n  File "/p/sub/t.py", line 3 in a\n\nCurrent thread 2:\n  File "/p/sub/t.py", line 8 in t'
    )
    assert place.line_of(Case("sub/t.py::t", "s", 4, (), "crashed", stacks=stacks), file, "/p") == 8


# -- pdb --


def test_exactly_this_test_is_run_with_the_options_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "other.py").touch()
    (tmp_path / "my.ini").touch()
    extra = ("-x", "tests/other.py", "tests/other.py::t", "-c", "my.ini", "--tb=short", "-k", "tests")
    argv = debug.command(
        "tests/t.py::C::t[a b::c]", str(tmp_path), str(tmp_path), ("-s",), extra, distributed=False
    )
    assert argv[:4] == [sys.executable, "-m", "pytest", "tests/t.py::C::t[a b::c]"]
    assert argv[4:] == [
        "-s",
        "-x",
        "-c",
        "my.ini",
        "--tb=short",
        "-k",
        "tests",
        f"--rootdir={tmp_path}",
        "--pdb",
    ]


def test_workers_are_switched_off_and_the_id_starts_where_one_stands(tmp_path: Path) -> None:
    argv = debug.command("@tests/t.py::t", str(tmp_path), str(tmp_path), (), (), distributed=True)
    assert argv[3] == "./@tests/t.py::t"
    assert "-n0" in argv
    argv = debug.command("tests/t.py::t", str(tmp_path), str(tmp_path / "tests"), (), (), distributed=False)
    assert argv[3] == "t.py::t"


def test_pytest_finds_the_test_by_these_words(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    mark = "@pytest.mark.parametrize('x', ['a b', '[::]', '-k'])"
    (tmp_path / "test_x.py").write_text(f"import pytest\n{mark}\ndef test_x(x): assert x == 'a b'\n")
    for part, code in (("a b", 0), ("[::]", 1)):
        argv = debug.command(
            f"test_x.py::test_x[{part}]", str(tmp_path), str(tmp_path), (), (), distributed=False
        )
        done = subprocess.run(
            argv,
            check=False,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "collected 1 item" in done.stdout
        assert (done.returncode == 0) == (code == 0)
        assert ("entering PDB" in done.stdout) == (code == 1)


# -- the terminal --


def test_the_terminal_is_what_it_was_whatever_a_program_did_to_it() -> None:
    outer, terminal = os.openpty()
    try:
        before = termios.tcgetattr(terminal)
        with pytest.raises(RuntimeError), foreground.kept(terminal):
            subprocess.run(["stty", "raw", "-echo"], stdin=terminal, check=True)
            assert termios.tcgetattr(terminal) != before
            raise RuntimeError
        assert termios.tcgetattr(terminal) == before
    finally:
        os.close(outer)
        os.close(terminal)


def test_what_is_no_terminal_is_left_alone() -> None:
    with open(os.devnull) as nothing, foreground.kept(nothing.fileno()):
        pass


def test_ctrl_c_is_not_for_us_and_the_end_is_heard_later() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        handler = signal.getsignal(signal.SIGINT)
        with foreground.deaf() as told:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            assert told == [signal.SIGTERM]
            assert heard == []
        assert heard == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGTERM, before)


GIVES_THE_TERMINAL_AWAY = """
import asyncio, signal, sys
from textual.app import App
from itdash.views.tui.actions import foreground

class Small(App):
    def on_mount(self):
        for number in (signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.exit, number)
        self.call_later(self.give)

    def give(self):
        program = [sys.executable, "-c", sys.argv[1]]
        self.exit(foreground.run(self, program, cwd=".", farewell=lambda code: f"<code {code}>"))

sys.exit(Small().run() or 0)
"""


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, program: str) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.execv(sys.executable, [sys.executable, "-c", GIVES_THE_TERMINAL_AWAY, program])
        self.shown = b""

    def until(self, words: bytes) -> None:
        """Read until the words were shown."""
        deadline = time.monotonic() + 30
        while words not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if select.select([self._fd], [], [], 0.1)[0]:
                self.shown += os.read(self._fd, 65_536)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._fd, keys)

    def hang_up(self) -> None:
        """The terminal goes."""
        os.close(self._fd)

    def code(self) -> int:
        """What it ended with; it must end."""
        found: list[int] = []

        def ended() -> bool:
            try:
                while select.select([self._fd], [], [], 0)[0] and os.read(self._fd, 65_536):
                    pass
            except (OSError, ValueError):
                pass  # nobody writes to it any more
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            found.extend([status] if pid else [])
            return bool(pid)

        try:
            wait_for(ended)
        finally:
            if not found:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(found[0])


def test_a_program_has_the_terminal_and_ctrl_c_and_the_screen_comes_back() -> None:
    wait = "print('<here>', flush=True); time.sleep(60)"
    terminal = Terminal(f"import time\ntry: {wait}\nexcept KeyboardInterrupt: raise SystemExit(7)")
    terminal.until(b"<here>")
    terminal.type(b"\x03")
    terminal.until(b"<code 7>")
    screens = terminal.shown.count(b"\x1b[?1049h")
    terminal.type(b"\x03\n")
    assert terminal.code() == 7
    assert screens == 1
    terminal.hang_up()


def test_a_terminal_that_goes_ends_the_program_and_us() -> None:
    terminal = Terminal("import time; print('<here>', flush=True); time.sleep(60)")
    terminal.until(b"<here>")
    terminal.hang_up()
    assert terminal.code() == signal.SIGHUP


# -- a text on the disk --


def lines_of(path: Path, width: int) -> list[str]:
    whole = WholeText(path, width)
    while whole.go_on():
        pass
    found = [whole.line(place) for place in range(whole.found)]
    assert found == [whole.line(place) for place in reversed(range(whole.found))][::-1]
    whole.close()
    return found


@given(text=st.text(st.sampled_from("ab\né漢"), min_size=1, max_size=3_000), width=st.integers(1, 50))
def test_every_character_of_a_file_is_on_one_of_its_lines(
    tmp_path_factory: pytest.TempPathFactory, text: str, width: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "whole.txt"
    path.write_text(text, encoding="utf-8")
    found = lines_of(path, width)
    assert "".join(found) == text.replace("\n", "")
    assert all(len(line.encode()) <= width + 3 for line in found)
    if max(len(line.encode()) for line in text.split("\n")) <= width:
        assert found == text.removesuffix("\n").split("\n")


def test_a_large_file_is_read_in_steps(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_text("".join(f"line {number}\n" for number in range(300_000)))
    whole = WholeText(path, 80)
    assert whole.go_on()
    assert 0 < whole.share < 1
    assert whole.line(whole.found - 1) == f"line {whole.found - 1}"
    while whole.go_on():
        pass
    assert whole.found == 300_000
    assert (whole.line(299_999), whole.line(0), whole.line(512)) == ("line 299999", "line 0", "line 512")
    whole.close()


# -- in the app --


def app_of(pilot: Pilot[int]) -> ItdashApp:
    assert isinstance(pilot.app, ItdashApp)
    return pilot.app


async def said(pilot: Pilot[int]) -> str:
    """The last word."""
    await pilot.pause()
    return [notification.message for notification in pilot.app._notifications][-1]


@pytest.mark.asyncio
async def test_copies_are_inert(tmp_path: Path) -> None:
    async with dashboard(recorded("mixed"), tmp_path) as (pilot, session):
        app = app_of(pilot)
        tests = session.board.outline.tests
        odd = next(node for node in tests.values() if "31mred" in node.id)
        clipboard.copy_id(app, odd)
        assert "\x1b" not in app.clipboard and "31mred" in app.clipboard
        clipboard.copy_failure(app, odd)
        assert await said(pilot) == "there is no failure to copy"
        (failing,) = (node for node in tests.values() if node.name == "test_fails")
        clipboard.copy_failure(app, failing)
        assert app.clipboard.startswith(failing.id) and "they differ" in app.clipboard


@pytest.mark.asyncio
async def test_what_cannot_be_done_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with dashboard(recorded("mixed"), tmp_path) as (pilot, session):
        app = app_of(pilot)
        (node,) = (node for node in session.board.outline.tests.values() if node.name == "test_fails")
        session.board.state.names.rootdir = str(tmp_path)
        editor.edit(app, node)
        assert await said(pilot) == "tests/unit/test_mixed.py is not there"
        file = tmp_path / "tests" / "unit" / "test_mixed.py"
        file.parent.mkdir(parents=True)
        file.touch()
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.delenv("EDITOR", raising=False)
        editor.edit(app, node)
        assert (await said(pilot)).startswith("no editor is set: export EDITOR=")
        monkeypatch.setenv("EDITOR", "vi")
        editor.edit(app, node)
        assert await said(pilot) == "this terminal cannot be given to another program"
        monkeypatch.setenv("EDITOR", str(tmp_path / "nothing" / "code"))
        editor.edit(app, node)
        assert "cannot be started" in await said(pilot)
        debug.debug(app, node)
        assert await said(pilot) == "this terminal cannot be given to pdb"
        assert node.parent is not None
        debug.debug(app, node.parent)
        assert (await said(pilot)).startswith("choose a single test")


@pytest.mark.asyncio
async def test_no_test_is_debugged_beside_a_run(tmp_path: Path) -> None:
    async with dashboard(recorded("mixed"), tmp_path) as (pilot, session):
        session.execution = object()  # type: ignore[assignment]
        debug.debug(app_of(pilot), next(iter(session.board.outline.tests.values())))
        assert (await said(pilot)).startswith("a run goes on")
        session.execution = None

"""`itdash watch` and `itdash launch --affected`: real processes, real saves."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import threading
from typing import TYPE_CHECKING

import pytest
from tests_support import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Project

LIMIT = 60


class Watching:
    """An `itdash watch` that goes on."""

    def __init__(self, project: Project, *arguments: str, terminal: bool = False) -> None:
        self.project, self.text = project, ""
        ours, theirs = pty.openpty() if terminal else os.pipe()
        self.theirs = theirs if terminal else -1
        self._ours = ours
        self.process = subprocess.Popen(
            [sys.executable, "-m", "itdash", "watch", "--headless", *arguments], cwd=project.folder,
            env=project.environment(TERM="xterm"), stdin=theirs if terminal else subprocess.DEVNULL,
            stdout=theirs, stderr=theirs, start_new_session=terminal,
            preexec_fn=_own_terminal if terminal else None,  # noqa: PLW1509
        )  # fmt: skip
        if not terminal:
            os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._ours, 65536)
            except OSError:
                return
            if not data:
                return
            self.text += data.decode()

    def rounds(self) -> list[str]:
        """The blocks that were printed, without the times in their heads."""
        return re.split(r"\n[^\n]*──[^\n]*\n", self.text)[1:]

    def verdicts(self) -> int:
        """How many rounds have their verdict."""
        return len(re.findall(r"^(?:\x1b\[[\d;]*m)?(?:PASSED|FAILED|CRASHED)", self.text, re.M))

    def wait(self, text: str) -> str:
        """Wait until the last block has this text and a verdict or an answer; the block."""
        wait_for(
            lambda: (self.rounds() and text in self.rounds()[-1]) or self.process.poll() is not None, LIMIT
        )
        assert self.rounds(), self.text
        assert text in self.rounds()[-1], self.text
        return self.rounds()[-1]

    def save(self, name: str, text: str, until: str) -> str:
        """Save a file, and wait for what the round says of it."""
        before = len(self.rounds())
        self.project.write(name, text)
        wait_for(lambda: len(self.rounds()) > before, LIMIT)
        return self.wait(until)

    def press(self, key: str) -> None:
        """Press a key."""
        os.write(self._ours, key.encode())

    def end(self, number: int = signal.SIGINT) -> int:
        """End it; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(LIMIT)
        self._reader.join(5 if self.theirs < 0 else 0)
        return code

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for fd in (self._ours, self.theirs):
            if fd >= 0:
                os.close(fd)


def _own_terminal() -> None:
    import fcntl

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def shop(project: Project) -> Project:
    """A project of two modules, each with its test."""
    project.write("pytest.ini", "[pytest]\npythonpath = .\n")
    project.write("shop/__init__.py", "")
    project.write("shop/cart.py", "VALUE = 1\n")
    project.write("shop/tax.py", "TAX = 1\n")
    project.write(
        "tests/test_cart.py", "from shop import cart\ndef test_cart():\n    assert cart.VALUE == 1\n"
    )
    project.write("tests/test_tax.py", "from shop import tax\ndef test_tax():\n    assert tax.TAX == 1\n")
    return project


@pytest.fixture
def started() -> Iterator[list[Watching]]:
    """Those that were started, ended at last."""
    made: list[Watching] = []
    yield made
    for one in made:
        one.close()


def watching(started: list[Watching], shop: Project, *arguments: str, terminal: bool = False) -> Watching:
    """Start one, and wait for its first round."""
    one = Watching(shop, *arguments, terminal=terminal)
    started.append(one)
    wait_for(lambda: one.verdicts() >= 1 or one.process.poll() is not None, LIMIT)
    assert one.verdicts() == 1, one.text
    return one


def test_a_save_runs_what_it_concerns_first_and_then_the_rest(started: list[Watching], shop: Project) -> None:
    one = watching(started, shop)
    told = one.save("shop/cart.py", "VALUE = 2\n", "FAILED  2 tests, 1 failing")
    assert "shop/cart.py is imported: 1 file of tests" in told
    assert told.index("1 test first, 1 failing") < told.index(
        "newly failing 1  tests/test_cart.py::test_cart"
    )
    assert "after the save" in told
    told = one.save("shop/tax.py", "TAX = 2\n", "FAILED  2 tests, 2 failing")
    assert "newly failing 1  tests/test_tax.py::test_tax" in told
    assert "still failing 1  tests/test_cart.py::test_cart" in told
    told = one.save("shop/cart.py", "VALUE = 1\n", "FAILED  2 tests, 1 failing")
    assert "newly passing 1  tests/test_cart.py::test_cart" in told
    assert one.end() == 1


def test_with_affected_the_rest_is_left_out_and_told(started: list[Watching], shop: Project) -> None:
    one = watching(started, shop, "--affected")
    told = one.save("shop/cart.py", "VALUE = 2\n", "left out")
    assert "FAILED  1 test, 1 failing" in told
    assert "left out: 1 test\n" in told
    told = one.save("README.md", "hello\n", "no test is concerned")
    assert "README.md is a document" in told
    told = one.save("shop/cart.py", "VALUE = 1\n", "left out")
    assert "PASSED  1 test, 0 failing" in told
    assert one.end() == 0


def test_a_source_that_is_none_is_told_at_once_and_runs_nothing(
    started: list[Watching], shop: Project
) -> None:
    one = watching(started, shop)
    told = one.save("shop/cart.py", "VALUE = (\n", "nothing runs until that is mended")
    assert "shop/cart.py, line 1: '(' was never closed" in told
    told = one.save("shop/cart.py", "VALUE = 1  # mended\n", "PASSED")
    assert "newly" not in told
    assert one.verdicts() == 2


def test_tests_that_come_and_go(started: list[Watching], shop: Project) -> None:
    one = watching(started, shop)
    told = one.save("tests/test_new.py", "def test_a(): pass\ndef test_b(): assert 0\n", "FAILED  4 tests")
    assert "tests/test_new.py is a new file of tests: 1 file of tests" in told
    told = one.save("tests/test_new.py", "def test_a(): pass\ndef test_c(): pass\n", "PASSED  4 tests")
    assert "gone 1  tests/test_new.py::test_b" in told
    before = one.verdicts()
    (shop.folder / "tests" / "test_new.py").unlink()
    wait_for(lambda: "tests/test_new.py is gone" in one.rounds()[-1], LIMIT)
    told = one.save("shop/tax.py", "TAX = 1  # again\n", "PASSED  2 tests")
    assert one.verdicts() > before
    assert "test_new" not in told


def test_a_file_that_cannot_be_imported_keeps_the_results_of_the_others(
    started: list[Watching], shop: Project
) -> None:
    one = watching(started, shop)
    told = one.save("tests/test_cart.py", "import nothing_of_that_name\n", "FAILED")
    assert "cannot collect tests/test_cart.py" in told
    assert "gone" not in told
    told = one.save("tests/test_cart.py", "def test_cart(): pass\n", "PASSED")
    assert "gone" not in told


def test_a_conftest_concerns_what_is_below_it_and_pytests_own_file_everything(
    started: list[Watching], shop: Project
) -> None:
    shop.write("tests/deep/test_deep.py", "def test_deep(): pass\n")
    shop.write("tests/deep/conftest.py", "")
    one = watching(started, shop, "--affected")
    one.save("tests/deep/conftest.py", "X = 1\n", "left out: 2 tests")
    told = one.save("pytest.ini", "[pytest]\npythonpath = .\n# more\n", "PASSED  3 tests")
    assert "pytest.ini steers pytest: all tests" in told


SLOW = """
import pathlib, time, shop.cart
def test_slow():
    value = shop.cart.VALUE
    pathlib.Path("started").write_text("x")
    while not pathlib.Path("go").exists():
        time.sleep(0.01)
    assert value == 3
"""


@pytest.mark.parametrize("how", ["restart", "queue"])
def test_a_save_while_tests_run_is_never_dropped(started: list[Watching], shop: Project, how: str) -> None:
    shop.write("itdash.toml", f'[watch]\non_save = "{how}"\nignore = ["/go", "/started"]\n')
    shop.write("tests/test_slow.py", SLOW)
    (shop.folder / "go").touch()
    one = watching(started, shop, "--affected")
    (shop.folder / "go").unlink()
    (shop.folder / "started").unlink()
    shop.write("shop/cart.py", "VALUE = 2\n")
    wait_for((shop.folder / "started").exists, LIMIT)
    shop.write("shop/cart.py", "VALUE = 3\n")
    if how == "restart":
        wait_for(lambda: "a file was saved" in one.text, LIMIT)
    (shop.folder / "go").touch()
    wait_for(lambda: one.verdicts() == (2 if how == "restart" else 3), LIMIT)
    last = one.wait("left out" if how == "queue" else "newly passing")
    assert "test_slow" in last
    assert "FAILED tests/test_slow" not in last


def test_saves_of_one_size_never_show_an_old_verdict(started: list[Watching], shop: Project) -> None:
    one = watching(started, shop, "--affected")
    for number in (2, 1, 3, 1, 4, 1):
        told = one.save("shop/cart.py", f"VALUE = {number}\n", "1 test, ")
        wait_for(lambda: "left out" in one.rounds()[-1], LIMIT)
        told = one.rounds()[-1]
        assert ("PASSED  1 test" if number == 1 else "FAILED  1 test") in told


def test_a_requirement_that_is_edited_runs_the_tests_that_name_it(
    started: list[Watching], shop: Project
) -> None:
    rows = '[[requirement]]\nid = "A1"\ntitle = "{}"\n[[requirement]]\nid = "A2"\ntitle = "other"\n'
    shop.write("tests/requirements.toml", rows.format("one"))
    shop.write(
        "tests/test_named.py",
        "import pytest\n@pytest.mark.requirement('A1')\ndef test_one(): pass\n"
        "@pytest.mark.requirement('A2')\ndef test_two(): pass\n",
    )
    one = watching(started, shop)
    told = one.save("tests/requirements.toml", rows.format("another"), "PASSED  1 test,")
    assert "tests/requirements.toml changes A1: 1 file of tests" in told
    told = one.save("tests/requirements.toml", "[[requirement\n", "nothing runs until that is mended")
    assert "requirements.toml" in told
    one.save("tests/requirements.toml", rows.format("a third"), "PASSED  1 test,")


def test_tests_that_write_into_the_project_run_no_more_than_they_must(
    started: list[Watching], shop: Project
) -> None:
    shop.write(
        "tests/test_writes.py",
        "import os, pathlib, time\n"
        "def test_writes():\n    pathlib.Path('out.json').write_text(str(time.time_ns()))\n",
    )
    one = watching(started, shop)
    wait_for(lambda: "only a change between two runs counts from now on" in one.text, LIMIT)
    wait_for(lambda: one.verdicts() == len([r for r in one.rounds() if "a file was saved" not in r]), LIMIT)
    assert len(one.rounds()) <= 5


def test_keys_on_a_terminal_which_is_left_as_it_was(started: list[Watching], shop: Project) -> None:
    one = Watching(shop, terminal=True)
    started.append(one)
    before = termios.tcgetattr(one.theirs)
    wait_for(lambda: one.verdicts() == 1, LIMIT)
    wait_for(lambda: not termios.tcgetattr(one.theirs)[3] & termios.ICANON, LIMIT)
    one.press("?")
    wait_for(lambda: "all tests" in one.text, LIMIT)
    one.press("a")
    wait_for(lambda: one.verdicts() == 2, LIMIT)
    one.press("\r")
    wait_for(lambda: one.verdicts() == 3, LIMIT)
    one.press("f")
    wait_for(lambda: "nothing has failed" in one.text, LIMIT)
    shop.write("shop/cart.py", "VALUE = 2\n")
    wait_for(lambda: one.verdicts() == 4, LIMIT)
    one.press("f")
    wait_for(lambda: one.verdicts() == 5, LIMIT)
    assert "1 test, 1 failing" in one.rounds()[-1]
    one.press("q")
    assert one.process.wait(LIMIT) == 1
    assert termios.tcgetattr(one.theirs)[3] == before[3]


def test_the_bell_rings_when_the_verdict_turns(started: list[Watching], shop: Project) -> None:
    shop.write("itdash.toml", '[watch]\nnotify = "bell"\n')
    one = watching(started, shop, terminal=True)
    shop.write("shop/cart.py", "VALUE = 1 # the same\n")
    wait_for(lambda: one.verdicts() == 2, LIMIT)
    assert "\a" not in one.text
    shop.write("shop/cart.py", "VALUE = 2\n")
    wait_for(lambda: "\a" in one.text, LIMIT)


def test_it_ends_when_nobody_reads_any_more(shop: Project) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "itdash", "watch"], cwd=shop.folder, env=shop.environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], LIMIT)[0]
        process.stdout.close()
        process.wait(LIMIT)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_the_code_of_the_last_round(
    started: list[Watching], shop: Project, number: int
) -> None:
    shop.write("tests/test_cart.py", "def test_cart(): assert 0\n")
    assert watching(started, shop).end(number) == 1


# -- once, without watching --


def test_affected_runs_once_what_changed_since_the_last_such_run(shop: Project) -> None:
    ran = shop.launch("--affected")
    assert "no earlier run has recorded what imports what: all tests run" in ran.out
    assert set(ran.outcomes()) == {"test_cart", "test_tax"}
    count = len(list((shop.folder / ".itdash" / "runs").iterdir()))
    ran = shop.launch("--affected")
    assert "no test is concerned" in ran.out or "nothing is different" in ran.out
    assert ran.code == 0
    assert len(list((shop.folder / ".itdash" / "runs").iterdir())) == count
    shop.write("shop/cart.py", "VALUE = 2\n")
    ran = shop.launch("--affected")
    assert ran.code == 1
    assert set(ran.outcomes()) == {"test_cart"}
    assert "left out: 1 test\n" in ran.out
    ran = shop.launch("--affected")  # what failed runs again, although nothing changed
    assert set(ran.outcomes()) == {"test_cart"}
    assert ran.code == 1


def test_what_ran_only_in_part_counts_as_changed_still(shop: Project) -> None:
    shop.launch("--affected")
    shop.write("shop/cart.py", "VALUE = 1  # the same\n")
    shop.write("shop/tax.py", "TAX = 1  # the same\n")
    ran = shop.launch("--affected", "tests/test_tax.py")
    assert set(ran.outcomes()) == {"test_tax"}
    ran = shop.launch("--affected")
    assert set(ran.outcomes()) == {"test_cart", "test_tax"}


def test_a_narrowed_request_stays_narrowed(started: list[Watching], shop: Project) -> None:
    shop.write(
        "tests/test_cart.py",
        "from shop import cart\ndef test_a(): pass\ndef test_b(): assert cart.VALUE == 1\n",
    )
    one = watching(started, shop, "tests/test_cart.py::test_b")
    assert "PASSED  1 test," in one.rounds()[-1]
    one.save("shop/cart.py", "VALUE = 2\n", "FAILED  1 test,")
    told = one.save("shop/cart.py", "VALUE = 1\n", "PASSED  1 test,")
    assert "newly passing 1  tests/test_cart.py::test_b" in told


def test_a_save_that_is_taken_back_while_the_rest_runs_is_judged_again(
    started: list[Watching], shop: Project
) -> None:
    shop.write("itdash.toml", '[watch]\nignore = ["/go", "/started"]\n')
    shop.write("tests/test_slow.py", SLOW.replace("shop.cart", "shop.tax").replace("VALUE", "TAX"))
    shop.write("shop/tax.py", "TAX = 3\n")
    shop.write("tests/test_tax.py", "")
    (shop.folder / "go").touch()
    one = watching(started, shop)
    (shop.folder / "go").unlink()
    (shop.folder / "started").unlink()
    shop.write("shop/cart.py", "VALUE = 2\n")
    wait_for((shop.folder / "started").exists, LIMIT)  # test_cart has failed, and the rest runs
    shop.write("shop/cart.py", "VALUE = 1\n")
    wait_for(lambda: "a file was saved" in one.text, LIMIT)
    (shop.folder / "go").touch()
    told = one.wait("PASSED  2 tests")
    assert "newly passing 1  tests/test_cart.py::test_cart" in told


def test_a_source_that_is_none_is_told_while_tests_still_run(started: list[Watching], shop: Project) -> None:
    shop.write("itdash.toml", '[watch]\non_save = "queue"\nignore = ["/go", "/started"]\n')
    shop.write("tests/test_slow.py", SLOW.replace("assert value == 3", "assert value"))
    (shop.folder / "go").touch()
    one = watching(started, shop, "--affected")
    (shop.folder / "go").unlink()
    (shop.folder / "started").unlink()
    shop.write("shop/cart.py", "VALUE = 2\n")
    wait_for((shop.folder / "started").exists, LIMIT)
    shop.write("shop/tax.py", "TAX = (\n")
    wait_for(lambda: "shop/tax.py, line 1" in one.text, LIMIT)
    assert one.verdicts() == 1  # the test still waits
    (shop.folder / "go").touch()
    one.wait("nothing runs until that is mended")

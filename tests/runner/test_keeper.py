"""The process between itdash and pytest, spoken to directly."""

from __future__ import annotations

import os
import select
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests_support import wait_for

from itdash.orders import Assignment, Order
from itdash.runner.process import Link, start_keeper

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def link() -> Iterator[Link]:
    """A keeper with pytest waiting below it."""
    with_keeper = start_keeper()
    yield with_keeper
    with_keeper.close()


def hear(link: Link, kind: str) -> tuple[Any, ...]:
    """Wait for a message of one kind."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and link.inbox.open:
        if select.select([link.inbox.fd], [], [], 1)[0]:
            heard.extend(link.inbox.receive())
        for message in heard:
            if message[0] == kind:
                heard.remove(message)
                return message
    raise AssertionError(f"never heard {kind!r}")


heard: list[tuple[Any, ...]] = []


@pytest.fixture(autouse=True)
def nothing_heard() -> None:
    """Each test listens anew."""
    heard.clear()


def order(folder: Path, code: str) -> tuple[str, str]:
    """An order to run one test file, and the log's place."""
    (folder / "segments").mkdir(exist_ok=True)
    (folder / "pytest.ini").write_text("[pytest]\n")  # else the folder of node ids depends on where we are
    (folder / "test_it.py").write_text(code)
    told = Order(
        (str(folder / "test_it.py"), "-p", "no:cacheprovider"),
        Assignment(str(folder), time.perf_counter_ns(), 1),
    )
    (folder / "order.json").write_bytes(msgspec.json.encode(told))
    return str(folder / "order.json"), str(folder / "pytest.log")


def test_it_tells_the_start_and_the_end_and_keeps_the_log(link: Link, tmp_path: Path) -> None:
    link.run(*order(tmp_path, "def test_it(): pass\n"))
    _, pid, *_ = hear(link, "started")
    assert hear(link, "exited") == ("exited", pid, 0)
    hear(link, "settled")
    assert "1 passed" in (tmp_path / "pytest.log").read_text()


def test_one_keeper_serves_many_runs(link: Link, tmp_path: Path) -> None:
    for code, expected in (
        ("def test_it(): pass\n", 0),
        ("def test_it(): assert 0\n", 1),
        ("import os; os._exit(7)", 7),
    ):
        link.run(*order(tmp_path, code))
        assert hear(link, "exited")[2] == expected
        hear(link, "settled")


def test_much_output_is_kept_whole_and_nothing_waits(link: Link, tmp_path: Path) -> None:
    code = "import os\ndef test_it(capfd):\n    with capfd.disabled():\n"
    code += "        for _ in range(400): os.write(1, b'x' * 65536)\n"
    link.run(*order(tmp_path, code))
    assert hear(link, "exited")[2] == 0
    assert (tmp_path / "pytest.log").read_bytes().count(b"x" * 1000) == 400 * 65536 // 1000


def test_a_process_that_holds_the_output_open_does_not_hold_up_the_end(link: Link, tmp_path: Path) -> None:
    code = "import subprocess\ndef test_it(): subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
    link.run(*order(tmp_path, code))
    assert hear(link, "exited")[2] == 0
    _, pid, command, node, _ = hear(link, "orphan")
    assert (command, node) == ("sleep 600", f"{(tmp_path / 'test_it.py').name}::test_it")
    hear(link, "settled")
    assert not os.path.exists(f"/proc/{pid}")


def test_a_signal_goes_to_the_whole_group(link: Link, tmp_path: Path) -> None:
    code = """
import os, pathlib, subprocess, time
def test_it():
    child = subprocess.Popen(["sleep", "600"])
    pathlib.Path(__file__).with_name("child").write_text(str(child.pid))
    child.wait()
    time.sleep(600)
"""
    link.run(*order(tmp_path, code))
    child = tmp_path / "child"
    wait_for(lambda: child.exists() and child.read_text())
    link.signal(signal.SIGKILL)
    assert hear(link, "exited")[2] == -signal.SIGKILL
    hear(link, "settled")


def test_a_host_that_dies_while_it_waits_is_told_like_any_other(tmp_path: Path) -> None:
    link = start_keeper()
    try:
        children = Path(f"/proc/{link.keeper}/task/{link.keeper}/children")
        wait_for(children.read_text)
        os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
        link.run(*order(tmp_path, "def test_it(): pass\n"))
        assert hear(link, "exited")[2] in (0, -signal.SIGKILL)
    finally:
        link.close()


def test_closing_the_link_ends_keeper_and_host() -> None:
    link = start_keeper()
    link.close()
    with pytest.raises(ProcessLookupError):
        os.kill(link.keeper, 0)


def test_killing_the_keeper_kills_pytest(tmp_path: Path) -> None:
    link = start_keeper()
    link.run(*order(tmp_path, "import time\ndef test_it(): time.sleep(600)\n"))
    _, pid, *_ = hear(link, "started")
    os.kill(link.keeper, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while link.inbox.open:
        assert time.monotonic() < deadline
        select.select([link.inbox.fd], [], [], 1)
        link.inbox.receive()
    wait_for(lambda: is_gone(pid))
    link.close()


def is_gone(pid: int) -> bool:
    """Whether a process has ended, whoever may still have to collect it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True

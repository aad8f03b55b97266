"""A test leaves a daemon that has neither a session in common nor an environment."""

import os
import time
from pathlib import Path


def daemon(environment):
    """Fork twice, leave the session, and stay."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    Path("daemon.pid").write_text(str(os.getpid()))
    os.execve("/bin/sleep", ["sleep", "600"], environment)


def started():
    path = Path("daemon.pid")
    return path.exists() and path.read_text() != "" and b"sleep" in Path(f"/proc/{path.read_text()}/cmdline").read_bytes()


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    daemon({})
    while not started():
        time.sleep(0.01)


def test_c_after():
    assert 2 + 2 == 4

"""A test kills the process that started it."""

import os
import signal
import time
from pathlib import Path


def test_a_before():
    assert 1 + 1 == 2


def test_b_fault():
    # Run by hand, the parent might be a shell: only a process of the same run is fair game.
    marker = f"HOSTILE_MARKER={os.environ['HOSTILE_MARKER']}".encode()
    parent = os.getppid()
    assert marker in Path(f"/proc/{parent}/environ").read_bytes().split(b"\0")
    os.kill(parent, signal.SIGKILL)
    while os.getppid() == parent:
        time.sleep(0.01)


def test_c_after():
    assert 2 + 2 == 4

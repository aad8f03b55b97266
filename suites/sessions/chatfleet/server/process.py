"""The server as a child process: started, killed, started again, and never left behind."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import sys
from pathlib import Path
from typing import Self

from ..client import Address

HOST = "127.0.0.1"
_START_TIMEOUT = 30.0
_STOP_TIMEOUT = 5.0
_ROOM = Path(__file__).parents[2]  # where `python -m chatfleet.server` finds the package


class ServerProcess:
    """Holds the server's lifeline: when this process ends, however it ends, the server ends too."""

    chat: Address
    control: Address

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it listens; a second start takes the same port and the same journal."""
        options = ["--journal", str(self._journal), "--port", str(self._port), "--lifeline"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "chatfleet.server", *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOM,
        )
        try:
            ports = json.loads(self._first_line(self._process))
        except BaseException:
            self.kill()
            raise
        self._port = ports["chat"]
        self.chat = Address(HOST, self._port)
        self.control = Address(HOST, ports["control"])

    def stop(self) -> None:
        """Let the lifeline go; kill what does not end by that."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_TIMEOUT)
        self.kill()

    def kill(self) -> None:
        """SIGKILL: no goodbye, no last write."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    @staticmethod
    def _first_line(process: subprocess.Popen[bytes]) -> bytes:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], _START_TIMEOUT)
        line = process.stdout.readline() if ready else b""
        if not line:
            raise RuntimeError(f"the server did not come up; its exit code: {process.poll()}")
        return line

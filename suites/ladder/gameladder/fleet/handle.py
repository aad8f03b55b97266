"""A fleet held from outside: started, listened to, killed, and never left behind."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from itdash import probe

if TYPE_CHECKING:
    from collections.abc import Callable

_ROOM: Final = Path(__file__).parents[2]  # where `python -m gameladder.fleet` finds the package
_STOP_TIMEOUT: Final = 10.0


class WorkerKilled(Exception):
    """Marks the life of a worker that did not end by itself as an error."""


class Fleet:
    """Holds the supervisor's lifeline: when this process ends, however it ends, the fleet ends too."""

    def __init__(
        self,
        database: Path,
        *,
        workers: int = 4,
        batch: int = 16,
        lease_seconds: float = 30.0,
        handlers: str = "gameladder.replays:handlers",
    ) -> None:
        self._options = [
            *("--database", str(database), "--workers", str(workers), "--batch", str(batch)),
            *("--lease", str(lease_seconds), "--handlers", handlers),
        ]
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = b""
        self._lives: dict[int, probe.operation] = {}
        self.killed = self.reclaimed = self.recovered = 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gameladder.fleet", *self._options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOM,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pids(self) -> list[int]:
        """The workers that live, as far as was told."""
        return list(self._lives)

    @property
    def supervisor(self) -> int:
        assert self._process is not None
        return self._process.pid

    def listen(self, seconds: float = 0.0) -> bool:
        """Take in what the supervisor tells, waiting so long for a first word; False when it is gone."""
        assert self._process is not None
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            return True
        data = os.read(self._process.stdout.fileno(), 1 << 16)
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            self._take_in(json.loads(line))
        return bool(data)

    def until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Listen until the condition holds; an error if it does not within so long."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"the fleet did not get there within {seconds:g} s; it has {len(self.pids)} workers"
                )
            if not self.listen(0.002):
                raise RuntimeError("the supervisor ended")

    def stop(self) -> None:
        """Let the workers end their jobs and go; nothing is lost or left over."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        deadline = time.monotonic() + _STOP_TIMEOUT
        while self.listen(0.1) and time.monotonic() < deadline:
            pass
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the supervisor, and with it, by the kernel, to all of its workers."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        for pid in self.pids:
            self._end(pid, -signal.SIGKILL)

    def _take_in(self, told: dict[str, Any]) -> None:
        match told["event"]:
            case "recovered":
                self.recovered += told["jobs"]
            case "started":
                self._lives[told["pid"]] = probe.operation("worker.life").__enter__()
            case "ended":
                self.reclaimed += told["reclaimed"]
                self._end(told["pid"], told["code"])

    def _end(self, pid: int, code: int) -> None:
        life = self._lives.pop(pid)
        if code == 0:
            life.__exit__(None, None, None)
        else:
            self.killed += code == -signal.SIGKILL
            life.__exit__(WorkerKilled, WorkerKilled(code), None)

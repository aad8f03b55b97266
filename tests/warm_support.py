"""An environment with packages of its own, and sessions in it that run a project several times."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import textwrap
import uuid
from pathlib import Path
from typing import Any

from tests_support import ROOT

DRIVER = Path(__file__).parent / "warm_session.py"

QUICK = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


class Environment:
    """A virtual environment that also sees the packages of the one that runs the tests."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        self.python = folder / "bin" / "python"
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        self.packages = folder / "lib" / version / "site-packages"
        (self.packages / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT / 'src'}\n")

    def install(self, **modules: str) -> None:
        """Put modules there, each with a line that counts how often it is imported."""
        for name, code in modules.items():
            file = self.packages / f"{name}.py"
            count = "with open(__file__ + '.count', 'a') as _count: _count.write('1')\ndel _count\n"
            file.write_text(textwrap.dedent(code) + count)

    def imports(self, name: str) -> int:
        """How often a module was imported, in whatever process."""
        file = self.packages / f"{name}.py.count"
        return len(file.read_text()) if file.exists() else 0


class Warming:
    """A session in a process of its own."""

    def __init__(self, python: Path, project: Path, **environment: str) -> None:
        self.marker = uuid.uuid4().hex
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
        self._process = subprocess.Popen(
            [str(python), str(DRIVER)], cwd=project, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**kept, **QUICK, "WARM_TEST_MARKER": self.marker, **environment}, start_new_session=True,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        """The process that itdash would be."""
        return self._process.pid

    def tell(self, **told: Any) -> None:
        """Have it do something."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """What became of it."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, f"the session ended: {self._process.wait()}"
        heard: dict[str, Any] = json.loads(line)
        return heard

    def run(self, *paths: str, **told: Any) -> dict[str, Any]:
        """One run to its end."""
        self.tell(do="run", paths=paths, **told)
        return self.hear()

    def prepare(self, cold: bool = False) -> dict[str, Any]:
        """Another run may follow; wait until a warm process waits, unless there will be none."""
        self.tell(do="prepare", cold=cold)
        return self.hear()

    def end(self) -> None:
        """Close the session."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(30)
        finally:
            self._process.kill()
            self._process.stdout.close()

    def kill(self) -> None:
        """End it as the system would, without a word."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def alive(self) -> list[int]:
        """All processes that came from this session."""
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                if self.marker.encode() in (place / "environ").read_bytes():
                    found.append(int(place.name))
            except OSError:
                continue
        return found

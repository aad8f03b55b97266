"""Records the journals that other tests replay: `python tests/journals/record.py [NAME]...`.

Each is a real run of a small project, with the paths and process ids of the machine taken out.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent

MIXED = """
import sys, warnings
import pytest

def test_passes(): pass
def test_prints(): print("to stdout"); print("to stderr", file=sys.stderr)
def test_fails(): assert {"a": 1} == {"a": 2}, "they differ"
@pytest.mark.skip(reason="not today")
def test_skipped(): pass
@pytest.mark.xfail(reason="known")
def test_xfails(): assert 0
@pytest.mark.xfail
def test_xpasses(): pass
@pytest.fixture
def broken(): raise ValueError("setup broke")
def test_error_in_setup(broken): pass
@pytest.fixture
def leaky():
    yield
    raise ValueError("teardown broke")
def test_error_in_teardown(leaky): pass
def test_fails_twice(leaky): assert 0
def test_warns(): warnings.warn("careful")
@pytest.mark.parametrize("value", ["a b", "x::y", "\\x1b[31mred", "ünï✓"])
def test_odd_ids(value): pass
class TestClass:
    def test_method(self): pass
    def test_subtests(self, subtests):
        for number in range(3):
            with subtests.test(number=number):
                assert number != 1
"""

CRASHES = """
import ctypes, os, time

def test_before(): pass
def test_segfault(): ctypes.string_at(0)
def test_between(): pass
def test_exits(): os._exit(0)
def test_hangs(): time.sleep(600)
def test_after(): pass
"""

UNCOLLECTED = """
import not_there
"""

MEASURED = """
import threading, time
import pytest
from itdash import probe

def scrape(seconds):
    with probe.operation("scrape"):
        time.sleep(seconds)

@pytest.mark.requirement("4.1")
@pytest.mark.budget("scrape", "peak == 5", "errors == 0")
def test_five_at_once():
    def one():
        with probe.operation("scrape"):
            probe.together("scrape", 5).wait()
    threads = [threading.Thread(target=one) for _ in range(5)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()

@pytest.mark.requirement("4.2")
@pytest.mark.budget("scrape", "max < 1ms")
def test_too_slow():
    scrape(0.02)

@pytest.mark.requirement("4.9")
def test_unknown_requirement(): pass

@pytest.mark.parametrize("n", range(30))
def test_deliver(n):
    with probe.operation("deliver", kind=["mail", "post"][n % 2]):
        pass
"""

REQUIREMENTS = """
[[requirement]]
id = "4.1"
title = "Five scrapes run at once"
[[requirement]]
id = "4.2"
title = "A scrape is quick"
[[requirement]]
id = "4.3"
title = "Nothing is lost"
"""

PROJECTS: dict[str, tuple[dict[str, str], list[str]]] = {
    "mixed": ({"tests/unit/test_mixed.py": MIXED, "tests/slow/test_more.py": "def test_one(): pass\n"}, []),
    "crashes": ({"tests/test_crashes.py": CRASHES}, ["--timeout", "1"]),
    "workers": (
        {"tests/test_mixed.py": MIXED, "tests/test_crashes.py": CRASHES},
        ["-n", "2", "--timeout", "1"],
    ),
    "uncollected": ({"test_broken.py": UNCOLLECTED, "test_fine.py": "def test_fine(): pass\n"}, []),
    "measured": ({"tests/test_measured.py": MEASURED, "tests/requirements.toml": REQUIREMENTS}, []),
    "nothing": ({"README": "no tests here\n"}, []),
}


def record(name: str, files: dict[str, str], arguments: list[str]) -> None:
    """Run one project and keep its segments."""
    with tempfile.TemporaryDirectory() as place:
        project = Path(place) / "project"
        for path, text in {
            "pytest.ini": "[pytest]\nasyncio_default_fixture_loop_scope = function\n",
            **files,
        }.items():
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            (project / path).write_text(text)
        command = [sys.executable, "-m", "itdash", "launch", "--headless", *arguments]
        subprocess.run(command, cwd=project, check=False, stdin=subprocess.DEVNULL)
        (run,) = (project / ".itdash" / "runs").iterdir()
        kept = HERE / name / "segments"
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        for segment in sorted((run / "segments").iterdir()):
            if segment.suffix == ".jsonl":
                (kept / segment.name).write_text(neutral(segment.read_text(), place, run.name))
            else:
                (kept / segment.name).write_bytes(segment.read_bytes())


def neutral(text: str, place: str, run: str) -> str:
    """The lines without what is this machine's own."""
    text = text.replace(f"{place}/project", "/project").replace(run, "20260101-120000-cafe")
    text = text.replace(sys.prefix, "/venv").replace(sys.base_prefix, "/python")
    text = re.sub(r'"pid":\d+', '"pid":4242', text)
    text = re.sub(r"hread 0x[0-9a-f]+", "hread 0x00007f0000000000", text)
    text = re.sub(r'"/[^"]*/src/itdash/', '"/venv/itdash/', text)
    text = re.sub(r'\\"/[^"\\]*/src/itdash/', r'\\"/venv/itdash/', text)
    text = re.sub(r',"machine":"[^"]*"', "", text)
    return re.sub(r'"started":[\d.]+', '"started":1767268800.0', text)


if __name__ == "__main__":
    for title, (sources, options) in PROJECTS.items():
        if title in sys.argv[1:] or len(sys.argv) == 1:
            record(title, sources, options)

"""Mistakes of all kinds: each gets a clear word and the right exit code, and no traceback."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import pytest
from terminal_support import on_a_terminal

from itdash import cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Project

Files = Mapping[str, str | bytes]


class Mistake(NamedTuple):
    """A command, its exit code and a piece of its words, in this project and with these variables."""

    argv: str
    code: int
    told: str
    files: Files = MappingProxyType({})
    environment: Mapping[str, str] = MappingProxyType({})


def config(text: str, told: str, argv: str = "config") -> Mistake:
    """A mistake in `[tool.itdash]`."""
    return Mistake(argv, 4, told, {"itdash.toml": text})


def requirements(name: str, text: str | bytes, told: str) -> Mistake:
    """A mistake in a file of requirements."""
    return Mistake("requirements", 4, told, {f"tests/{name}": text, "tests/test_it.py": ""})


TEST: Files = {"tests/test_it.py": "def test_it(): pass\n"}
SUITE: Files = {**TEST, "itdash.toml": '[suites.api]\npaths = "tests"\ngroups = { smoke = "k:it" }\n'}

SAID_AT_ONCE = {
    # arguments
    "nothing": Mistake("", 4, "Usage: itdash"),
    "command": Mistake("lunch", 4, "did you mean 'launch'?"),
    "test": Mistake("test", 4, "did you mean 'launch'?"),
    "run": Mistake("run", 4, "did you mean 'launch'?"),
    "rerun": Mistake("rerun", 4, "did you mean 'launch --last-failed'?"),
    "diff": Mistake("diff", 4, "did you mean 'compare'?"),
    "path for command": Mistake("tests/test_it.py", 4, "did you mean 'launch tests/test_it.py'?", TEST),
    "option of itdash": Mistake("--verson", 4, "--version"),
    "misspelt --suite": Mistake("launch --sute api", 4, "'--suite'"),
    "misspelt --max-fail": Mistake("launch --max-fial 3", 4, "'--max-fail'"),
    "pytest's option": Mistake("launch -v", 4, "options of pytest go behind --: itdash launch -- -v"),
    "pytest's option in watch": Mistake("watch --tb=short", 4, "itdash watch -- --tb"),
    "pytest's other name": Mistake("launch --lf", 4, "did you mean --last-failed?"),
    "another tool's name": Mistake("launch --fail-fast", 4, "did you mean -x?"),
    "no number": Mistake("launch --timeout soon", 4, "'soon' is not a valid float"),
    "negative": Mistake("launch --timeout -1", 4, "timeout must be at least 0, not -1"),
    "workers": Mistake("launch -n many", 4, "workers must be a number or auto, not 'many'"),
    "no value": Mistake("launch --max-fail", 4, "requires an argument"),
    "path nearly right": Mistake("launch tets/test_it.py", 4, "did you mean 'tests/test_it.py'?", TEST),
    "path without .py": Mistake("launch tests/test_it", 4, "did you mean 'tests/test_it.py'?", TEST),
    "node id in a wrong file": Mistake("launch tests/test_i.py::x", 4, "'tests/test_it.py::x'?", TEST),
    "theme": Mistake("launch --theme itdash-drak", 4, "did you mean 'itdash-dark'?", TEST),
    "theme without a screen": Mistake("launch --headless --theme nope", 4, "there is no theme 'nope'", TEST),
    "profile": Mistake("launch --profile cii", 4, "did you mean 'ci'?", {"itdash.toml": "[profiles.ci]\n"}),
    "shard 0/0": Mistake("launch --shard 0/0", 4, "0/0"),
    "shard 3/2": Mistake("launch --shard 3/2", 4, "3/2"),
    "shard 1": Mistake("launch --shard 1", 4, "2/5"),
    "times without shard": Mistake("launch --times a.times.json", 4, "--shard"),
    "no times": Mistake("launch --shard 1/2 --times a.times.json", 4, "a.times.json"),
    "two selections": Mistake("launch --last-failed --rerun latest", 4, "one of them is enough"),
    "rerun of nothing": Mistake("launch --rerun latest", 4, "no run is recorded"),
    "suffix of a report": Mistake("launch --report run.docx", 4, ".docx"),
    "coverage": Mistake("launch --require-coverage most", 4, "most"),
    "-- where no test runs": Mistake("config -- -q", 4, "What follows -- goes to pytest"),
    "too much": Mistake("config all", 4, "unexpected extra argument"),
    "shell": Mistake("completion powershell", 4, "'powershell' is not one of 'bash', 'zsh', 'fish'"),
    # configuration
    "no TOML": config("a = = 1", "line 1"),
    "no UTF-8": Mistake("config", 4, "cannot be read", {"itdash.toml": b"a = '\xff'"}),
    "no table": Mistake("config", 4, "must be a table", {"pyproject.toml": "tool.itdash = 1"}),
    "heading in itdash.toml": config("[tool.itdash]", "without [tool.itdash]"),
    "unknown key": config("timout = 3", "did you mean 'timeout'?"),
    "wrong type": config("timeout = 'soon'", "timeout must be a number"),
    "out of bounds": config("keep_runs = 0", "keep_runs must be at least 1"),
    "word": config("leaks = 'maybe'", "leaks must be warn, fail, off"),
    "watch": config("[watch]\ndebonce = 1", "did you mean 'debounce'?"),
    "suite without paths": config("[suites.a]\ntitle = 'A'", "suite 'a' has no paths"),
    "suite with a node id": config("[suites.a]\npaths = 'a.py::b'", "'a.py::b'"),
    "two suites of a name": config("suites = [{name='a', paths='a'}, {name='a', paths='b'}]", "two suites"),
    "group": config("[suites.a]\npaths = 'a'\ngroups = { g = 'smoke' }", "mark:EXPRESSION"),
    "budget": config("[suites.a]\npaths = 'a'\nbudgets = { get = 'p95 quick' }", "p95 quick", "launch"),
    "directory": config("directory = '.'", "a folder of its own"),
    "broken profile": config("[profiles.ci]\nretries = 'x'", "profile ci"),
    "misspelt variable": Mistake("config", 4, "did you mean ITDASH_TIMEOUT?", {}, {"ITDASH_TIMOUT": "3"}),
    "quotes": Mistake("config", 4, "ITDASH_PYTEST_ARGS", {}, {"ITDASH_PYTEST_ARGS": "-k 'a"}),
    "suites in a variable": Mistake("config", 4, "declare them in the file", {}, {"ITDASH_SUITES": "a"}),
    "profile in a variable": Mistake("config", 4, "ITDASH_PROFILE", {}, {"ITDASH_PROFILE": "ci"}),
    # runs
    "replay of nothing": Mistake("replay", 4, "no run is recorded"),
    "export of nothing": Mistake("export", 4, "no run is recorded"),
    "compare of nothing": Mistake("compare", 4, "no run is recorded"),
    "merge of nothing": Mistake("merge", 4, "RUN"),
    "merge of no file": Mistake("merge a.tar.gz", 4, "there is no such file"),
    "no archive": Mistake("replay a.tar.gz", 3, "a.tar.gz", {"a.tar.gz": "text"}),
    "suffix of a document": Mistake("export -o run.docx", 4, ".docx"),
    "section": Mistake("export --sections overvew", 4, "overview"),
    "template": Mistake("export --template mail.j2 --title T", 4, "no --title"),
    "age": Mistake("runs prune --older soon", 4, "30d"),
    "test that no run knows": Mistake("runs --test a.py::b", 4, "no run knows the test 'a.py::b'"),
    "run of the past": Mistake("runs path -5", 4, "no run is recorded"),
    # requirements
    "requirements of no UTF-8": requirements("requirements.md", b"\xff", "not UTF-8"),
    "requirements of no TOML": requirements("requirements.toml", "[[requirement]\n", "requirements.toml:1"),
    "requirement twice": requirements("requirements.csv", "id,title\n1,a\n1,b\n", "is there twice"),
    "requirement without parent": requirements(
        "requirements.toml", '[[requirement]]\nid = "1"\nparent = "0"\n', "which does not exist"
    ),
    "suite without requirements": Mistake("requirements --suite ap", 4, "did you mean 'api'?", SUITE),
    # init and doctor
    "init of nothing": Mistake("init", 5, "no tests were found"),
    "init of no TOML": Mistake("init --yes", 4, "line 1", {**TEST, "pyproject.toml": "a = = 1"}),
    "init of no INI": Mistake("init", 4, "pytest.ini", {**TEST, "pytest.ini": "testpaths = a"}),
    "doctor of a broken file": Mistake("doctor", 1, "line 1", {"itdash.toml": "a = = 1"}),
    "doctor of a suite that is gone": Mistake("doctor", 1, "gone of suite 'a' is not there", {
        "itdash.toml": "[suites.a]\npaths = 'gone'",
    }),
    "doctor of a file where runs belong": Mistake("doctor", 1, "a file where a folder", {".itdash": ""}),
}  # fmt: skip


def lay(folder: Path, files: Files) -> None:
    """Put the files there."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty project in which one stands, and an environment that says nothing."""
    for name in os.environ:
        if name.startswith("ITDASH_"):
            monkeypatch.delenv(name)
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    gc.enable()


@pytest.mark.parametrize("mistake", SAID_AT_ONCE.values(), ids=SAID_AT_ONCE.keys())
def test_a_mistake_is_said_at_once(
    mistake: Mistake, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(place, mistake.files)
    for name, value in mistake.environment.items():
        monkeypatch.setenv(name, value)
    code = cli.run(mistake.argv.split(), None)
    out, err = capsys.readouterr()
    assert mistake.told in out + err
    assert code == mistake.code
    assert "Traceback" not in out + err
    assert "mistake of itdash itself" not in err


def without(module: str) -> Files:
    """A project whose Python does not find this module."""
    hides = f"""
        from importlib.machinery import PathFinder
        find = PathFinder.find_spec
        PathFinder.find_spec = lambda name, *more: None if name == "{module}" else find(name, *more)
    """
    return {**TEST, "first/sitecustomize.py": textwrap.dedent(hides)}


FIRST = {"PYTHONPATH": "first"}
METADATA = "Metadata-Version: 2.1\nName: pytest\nVersion: 7.4.0\n"
OLD: Files = {**TEST, "first/pytest-7.4.0.dist-info/METADATA": METADATA}
LAUNCH = "launch --headless"
ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # other plugins take their time

SAID_BY_A_PROCESS = {
    "no tests": Mistake(LAUNCH, 5, "no tests", {"tests/readme.txt": ""}),
    "path": Mistake("launch --headless qqq", 4, "file or directory not found: qqq", TEST),
    "path like a module's name": Mistake(LAUNCH + " json", 4, "not found: json", {**TEST, "jsons/a.py": ""}),
    "expression": Mistake("launch --headless -k not", 4, "Wrong expression passed to '-k'", TEST),
    "option behind --": Mistake(f"{LAUNCH} -- --no-such", 4, "unrecognized arguments: --no-such", TEST),
    "suite": Mistake("launch --headless --suite ap", 4, "did you mean 'api'?", SUITE),
    "group": Mistake("launch --headless --group smok", 4, "did you mean 'smoke'?", SUITE),
    "path of a suite": Mistake(LAUNCH, 4, "has a path that is not there", {
        **TEST, "itdash.toml": "[suites.a]\npaths = 'gone'",
    }),
    "conftest": Mistake(LAUNCH, 4, "conftest.py", {**TEST, "conftest.py": "import nothing_like_it\n"}),
    "pytest's own file": Mistake(LAUNCH, 4, "pytest.ini", {**TEST, "pytest.ini": "[pytest\n"}),
    "requirements": Mistake(LAUNCH, 4, "requirements.toml:1", {
        **TEST, "tests/requirements.toml": "[[requirement]\n",
    }),
    "a file where runs belong": Mistake(LAUNCH, 0, "runs cannot be kept in", {**TEST, ".itdash": ""}),
    "no xdist": Mistake("launch --headless -n 2", 4, "-n needs pytest-xdist", without("xdist"), FIRST),
    "no pytest": Mistake(LAUNCH, 4, "pytest is not installed", without("pytest"), FIRST),
    "old pytest, doctor": Mistake("doctor", 1, "7.4.0 is older than 8.2", OLD, FIRST),
    "a stranger, doctor": Mistake("doctor", 1, "which is not pytest", {**TEST, "first/pytest.py": ""}, FIRST),
    "a stranger": Mistake(LAUNCH, 1, "which is not pytest", {**TEST, "first/pytest.py": ""}, FIRST),
    "old pytest": Mistake(LAUNCH, 1, "mend:", {**OLD, "first/pytest.py": "__version__ = '7'"}, FIRST),
    "report in a file": Mistake(f"{LAUNCH} --report tests/test_it.py/a.md", 3, "must be a folder", TEST),
    "damaged run": Mistake("replay", 0, "does not tell how the run began", {
        ".itdash/runs/20260101-000000-0000000/segments/pytest-1.jsonl": b"\xff\x00not json\n" * 3,
    }),
    "empty run": Mistake("export", 0, "", {".itdash/runs/20260101-000000-0000000/segments/a.jsonl": ""}),
    "completion of nothing": Mistake("", 3, "", {}, {"_ITDASH_COMPLETE": "bash_complete"}),
}  # fmt: skip


@pytest.mark.parametrize("mistake", SAID_BY_A_PROCESS.values(), ids=SAID_BY_A_PROCESS.keys())
def test_a_mistake_is_said_by_a_process(mistake: Mistake, project: Project) -> None:
    (project.folder / "pytest.ini").unlink()
    lay(project.folder, {".git/HEAD": "", **mistake.files})
    ran = project.itdash(*mistake.argv.split(), **ALONE, **mistake.environment)
    assert mistake.told in ran.out + ran.err
    assert ran.code == mistake.code
    assert "Traceback" not in ran.err
    assert "mistake of itdash itself" not in ran.err


@pytest.mark.parametrize("term", [{}, {"TERM": "dumb"}], ids=["no TERM", "dumb"])
def test_a_terminal_that_can_do_nothing_gets_lines(term: dict[str, str], project: Project) -> None:
    lay(project.folder, TEST)
    code, shown = on_a_terminal(project, "launch", **ALONE, **term)
    assert code == 0
    assert "1 passed" in shown
    assert "\x1b[?1049h" not in shown


def test_a_python_that_is_too_old(project: Project) -> None:
    code = "import sys; sys.hexversion = 0x30A0DF0\nfrom itdash.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "launch"], cwd=project.folder, env=project.environment(),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 4
    assert "is too old\n" in done.stderr
    assert "mend:  install itdash with 3.11 or newer\n" in done.stderr

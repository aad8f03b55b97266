"""`itdash doctor`: what each look finds, the mend, the exit code; one that breaks breaks no other."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest
from terminal_support import on_a_terminal

from itdash.config import Config, SuiteConfig, WatchConfig
from itdash.doctor import project as projects
from itdash.doctor import pytests, screen, system
from itdash.doctor.examine import LOOKS, examine, patient
from itdash.doctor.finding import Finding, Patient
from itdash.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Project

    from itdash.doctor.finding import Findings


def sick(folder: Path, config: Config = Config(), **environment: str) -> Patient:  # noqa: B008  # it is frozen
    """What the looks are given."""
    return Patient(folder, environment, folder, config)


def only(found: Findings) -> Finding:
    """The one finding that there is."""
    (finding,) = found
    return finding


# -- the command --


def test_a_project_that_is_well_ends_with_0(project: Project) -> None:
    project.write("test_it.py", "def test_it(): pass\n")
    ran = project.itdash("doctor", "--ascii")
    assert (ran.code, ran.err) == (0, "")
    assert "+ configuration        none; `itdash init` writes one\n" in ran.out
    assert "+ terminal             none here: runs are printed as lines, as in CI\n" in ran.out
    assert not (project.folder / ".itdash").exists()


def test_what_is_wrong_is_told_with_its_mend_and_ends_with_1(project: Project) -> None:
    project.write("itdash.toml", "timout = 3\n")
    ran = project.itdash("doctor", "--ascii")
    assert (ran.code, ran.err) == (1, "")
    lines = ran.out.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith("x configuration"))
    assert lines[place].endswith("itdash.toml: unknown key 'timout'")
    assert lines[place + 1].split() == ["mend:", "did", "you", "mean", "'timeout'?"]


def test_a_program_gets_the_same_as_json(project: Project) -> None:
    project.write("itdash.toml", "[suites.a]\npaths = 'gone'\n")
    ran = project.itdash("doctor", "--json", ITDASH_STRANGE="1")
    assert (ran.code, ran.err) == (1, "")
    told = json.loads(ran.out)
    assert (told["schema"], told["wrong"]) == (1, 1)
    findings = {(finding["what"], finding["state"]): finding for finding in told["findings"]}
    assert findings["suites", "wrong"] == {
        "what": "suites", "state": "wrong", "found": "gone of suite 'a' is not there",
        "mend": "correct its paths",
    }  # fmt: skip
    assert findings["configuration", "note"]["found"] == "the variable ITDASH_STRANGE says nothing to itdash"


def test_a_look_that_breaks_does_not_break_the_others(tmp_path: Path) -> None:
    def breaks(patient: Patient) -> Findings:
        raise ZeroDivisionError(patient.cwd.name)

    def refuses(patient: Patient) -> Iterator[Finding]:
        yield Finding("two", "good", patient.cwd.name)
        raise ConfigError("oh", where="here", mend="so")

    found = list(examine(sick(tmp_path), [("one", breaks), ("two", refuses), ("three", screen.colours)]))
    assert [(finding.what, finding.state) for finding in found] == [
        ("one", "note"), ("two", "good"), ("two", "wrong"), ("colours", "good"),
    ]  # fmt: skip
    assert found[0].found == f"could not be looked at: ZeroDivisionError: {tmp_path.name}"
    assert (found[2].found, found[2].mend) == ("here: oh", "so")


@pytest.mark.parametrize("look", [look for _, look in LOOKS], ids=[name for name, _ in LOOKS])
def test_each_look_finds_something_even_in_an_empty_folder(
    look: Callable[[Patient], Findings], tmp_path: Path
) -> None:
    found = list(look(sick(tmp_path)))
    assert found
    assert all(finding.mend or finding.state == "good" for finding in found)


# -- the terminal --


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"TERM": "xterm", "COLUMNS": "120", "LINES": "40"}, "+ terminal             xterm, 120 columns"),
        ({"TERM": "xterm", "COLUMNS": "30", "LINES": "40"}, "~ terminal             xterm, 30 columns"),
        ({"TERM": "dumb"}, "TERM is dumb: runs are printed as lines"),
        ({}, "TERM is not set: runs are printed as lines"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "colours              off for this output (NO_COLOR)"),
        ({"TERM": "xterm", "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}, "(locale: C)"),
    ],
    ids=["good", "narrow", "dumb", "none", "no colours", "no glyphs"],
)  # fmt: skip
def test_the_terminal(project: Project, environment: dict[str, str], told: str) -> None:
    code, shown = on_a_terminal(project, "doctor", "--ascii", **environment)
    assert code == 0
    plain = shown.replace("\x1b[32m", "").replace("\x1b[33m", "").replace("\x1b[0m", "")
    assert told in plain


# -- pytest and its plugins --


def installed(monkeypatch: pytest.MonkeyPatch, **versions: str) -> None:
    """Have these packages installed and no others."""
    known = {name.replace("_", "-"): version for name, version in versions.items()}
    monkeypatch.setattr(pytests, "_version", lambda package: known.get(package, ""))
    monkeypatch.setattr(pytests, "_plugins", lambda: sorted(known))


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("", "wrong"), ("7.4.4", "wrong"), ("8.1.9", "wrong"),
        ("8.2", "good"), ("8.2.1rc1", "good"), ("10.0", "good"),
    ],
)  # fmt: skip
def test_pytest_is_there_and_new_enough(
    version: str, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(monkeypatch, pytest=version, pytest_json_report="1.5.0")
    first, second = pytests.required(sick(tmp_path))
    assert (first.state, second.state) == (state, "good")
    assert ("pip install 'pytest>=8.2'" in first.mend) is (state == "wrong")


@pytest.mark.parametrize(
    ("version", "config", "state"),
    [
        ("", Config(), "good"), ("", Config(workers="2"), "wrong"), ("", Config(workers="0"), "good"),
        ("3.5", Config(), "note"), ("3.5", Config(workers="auto"), "wrong"), ("3.6", Config(), "good"),
    ],
)  # fmt: skip
def test_xdist_is_missed_only_where_it_is_needed(
    version: str, config: Config, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(monkeypatch, pytest_xdist=version)
    assert next(iter(pytests.optional(sick(tmp_path, config)))).state == state


def test_plugins_of_which_something_is_to_be_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, pytest="9", pytest_sugar="1", pytest_randomly="3", pytest_reportlog="1")
    plugins, randomly = pytests.plugins(sick(tmp_path))
    assert plugins.found == "pytest-randomly, pytest-reportlog, pytest-sugar"
    assert (randomly.what, randomly.state) == ("pytest-randomly", "note")
    assert "-p no:randomly" in randomly.mend
    alone = next(iter(pytests.plugins(sick(tmp_path, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"))))
    assert alone.state == "note"


CLASHES = {
    "timeout_method = thread": ("pytest-timeout", "note"),
    "addopts = --timeout-method=thread": ("pytest-timeout", "note"),
    "timeout_method = signal": None,
    "addopts = --forked": ("pytest-forked", "wrong"),
    "addopts = --json-report": ("pytest-json-report", "note"),
    "addopts = --json-report-omit=log": None,
    "addopts = -p no:terminal": ("pytest", "note"),
    "addopts = -p no:terminals": None,
}


@pytest.mark.parametrize(("line", "told"), CLASHES.items(), ids=CLASHES.keys())
def test_options_of_pytest_that_make_a_run_tell_less(
    line: str, told: tuple[str, str] | None, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"pytest": "9", "pytest_timeout": "2", "pytest_forked": "1", "pytest_json_report": "1"}
    installed(monkeypatch, **known)
    project.write("pytest.ini", f"[pytest]\n{line}\n")
    file, *found = pytests.pytests_file(sick(project.folder))
    assert file.found == "pytest.ini"
    assert [(finding.what, finding.state) for finding in found] == ([told] if told else [])
    installed(monkeypatch, pytest="")
    assert len(list(pytests.pytests_file(sick(project.folder)))) == 1


def test_an_environment_that_is_not_that_of_itdash(tmp_path: Path) -> None:
    assert len(list(pytests.python(sick(tmp_path, VIRTUAL_ENV=sys.prefix)))) == 1
    _, note = pytests.python(sick(tmp_path, VIRTUAL_ENV="/somewhere"))
    assert (note.state, note.mend) == (
        "note",
        "/somewhere/bin/python -m pip install itdash, and start that one",
    )


# -- the system --


def limits(folder: Path, monkeypatch: pytest.MonkeyPatch, watches: int, instances: int = 128) -> None:
    """Have the system allow so much."""
    (folder / "max_user_watches").write_text(f"{watches}\n")
    (folder / "max_user_instances").write_text(f"{instances}\n")
    monkeypatch.setattr(system, "_LIMITS", folder)


def test_folders_beyond_the_limit_of_watching(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c", ".venv/d", "node_modules/e"):
        project.write(f"{name}/it.py", "")
    limits(tmp_path, monkeypatch, 4)
    assert only(system.watching(sick(project.folder))) == Finding(
        "watching", "good", "4 folders of at most 4"
    )
    limits(tmp_path, monkeypatch, 3)
    found = only(system.watching(sick(project.folder)))
    assert (found.state, found.mend) == ("note", "sysctl fs.inotify.max_user_watches=8, or name watch.paths")
    few = Config(watch=WatchConfig(paths=("a",)))
    assert only(system.watching(sick(project.folder, few))).found == "1 folder of at most 3"
    polls = Config(watch=WatchConfig(poll=True))
    assert only(system.watching(sick(project.folder, polls))).state == "good"
    limits(tmp_path, monkeypatch, 1000, 1)
    assert "max_user_instances=128" in only(system.watching(sick(project.folder))).mend
    monkeypatch.setattr(system, "_LIMITS", tmp_path / "gone")
    assert only(system.watching(sick(project.folder))).found == "the system's limits are not known"


@pytest.mark.parametrize(
    ("free", "state"), [(1_000, "wrong"), (500_000_000, "note"), (5_000_000_000, "good")]
)
def test_room_for_runs(free: int, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def usage(path: str | os.PathLike[str]) -> Any:
        return shutil._ntuple_diskusage(free, 0, free) if os.path.isdir(path) else None

    monkeypatch.setattr(shutil, "disk_usage", usage)
    found = only(system.room(sick(tmp_path)))
    assert found.state == state
    assert bool(found.mend) is (state != "good")


def test_a_file_where_runs_belong(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    found = only(system.room(sick(tmp_path, Config(directory="kept/runs"))))
    assert (found.state, found.found) == ("wrong", f"{tmp_path}/kept is a file where a folder should be")


def test_services_are_found_by_their_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as there, socket.socket() as gone:
        there.bind(("127.0.0.1", 0))
        there.listen()
        gone.bind(("127.0.0.1", 0))
        ports = {"redis": there.getsockname()[1], "postgres": gone.getsockname()[1]}
        monkeypatch.setattr(system, "_SERVICES", ports)
        redis, postgres = system.services(sick(tmp_path))
    assert redis.found == f"listens on 127.0.0.1:{ports['redis']}"
    assert postgres.found.startswith(f"not found on 127.0.0.1:{ports['postgres']}")
    assert (redis.state, postgres.state) == ("good", "good")


# -- the project --


def test_tests_that_are_in_no_suite(project: Project) -> None:
    for name in ("tests/in/test_a.py", "tests/out/test_b.py", "other/test_c.py"):
        project.write(name, "")
    config = Config(suites=(SuiteConfig(name="in", paths=("tests/in",)),))
    good, note = projects.suites(sick(project.folder, config))
    assert (good.state, good.found) == ("good", "in")
    assert note.found == "other/test_c.py and 1 more in no suite: `itdash launch` does not run it"


def test_requirements_that_cannot_be_read(project: Project) -> None:
    project.write("tests/test_a.py", "")
    project.write("tests/requirements.csv", "id,title\n1,a\n2,b\n")
    assert only(projects.requirements(sick(project.folder))).found == "2 in 1 file"
    project.write("tests/requirements.csv", "id,title\n1,a\n1,b\n")
    found = only(projects.requirements(sick(project.folder)))
    assert found.state == "wrong"
    assert "tests/requirements.csv:3" in found.found


def test_what_git_knows(project: Project) -> None:
    assert only(projects.git(sick(project.folder))).state == "note"
    project.write(".git/HEAD", "ref: refs/heads/main\n")
    assert only(projects.git(sick(project.folder))).found.startswith("no commit yet")
    project.write(".git/refs/heads/main", f"{'a' * 40}\n")
    assert only(projects.git(sick(project.folder))).found == "commit aaaaaaaaaa of main"


def test_a_profile_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    found = only(projects.configuration(patient(tmp_path, "ci")))
    assert found.state == "wrong"
    assert "there is no profile 'ci'" in found.found

"""`itdash init`: what it finds in a project, what it writes, and what it leaves as it is."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from terminal_support import on_a_terminal

from itdash.adopt import folders, pytest_files
from itdash.adopt.ids import key, read
from itdash.adopt.suites import outside, suites
from itdash.adopt.writing import CannotWrite, configuration, difference, write
from itdash.config import load
from itdash.requirements.toml import read as read_requirements

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Project

PYPROJECT = """\
# ours
[project]
name = "shop"  # why

[tool.pytest.ini_options]
testpaths = ["tests"]
markers = ["slow: takes long", "unused: nobody has it"]"""

IDS = '''\
"""REQ-12: logins are refused.

R1.2 - pages are small; UTF-8 and SHA-256 are no requirements.
"""
import pytest

pytestmark = [pytest.mark.slow]


@pytest.mark.requirement("4.10", "4.9")
def test_limit():
    """Scraping keeps its limit."""


def test_req_12_bad_login():
    """Another word for it."""


def test_r1_3_good_page(): pass
'''


@pytest.fixture
def shop(project: Project) -> Project:
    """A project with tests in three places, and a word about them in pyproject.toml."""
    (project.folder / "pytest.ini").unlink()
    (project.folder / ".git").mkdir()
    project.write("pyproject.toml", PYPROJECT)
    project.write("tests/test_top.py", "def test_top(): pass\n")
    project.write("tests/unit/test_a.py", IDS)
    project.write("tests/integration/test_b.py", "def test_b(): pass\n")
    return project


def looked_at(folder: Path) -> folders.Project:
    """The project as `itdash init` sees it."""
    return folders.look(folder, pytest_files.read(folder))


def state(folder: Path) -> dict[str, bytes]:
    """Every file with what is in it."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# -- the command --


def test_without_a_terminal_the_difference_is_shown_and_nothing_written(shop: Project) -> None:
    before = state(shop.folder)
    ran = shop.itdash("init")
    assert (ran.code, ran.err) == (0, "")
    assert "--- a/pyproject.toml\n+++ b/pyproject.toml\n" in ran.out
    assert "+[tool.itdash.suites.integration]\n" in ran.out
    assert "--- /dev/null\n+++ b/tests/unit/requirements.toml\n" in ran.out
    assert "nothing is written; `itdash init --yes` writes it\n" in ran.out
    assert state(shop.folder) == before


def test_what_is_written_loads_and_runs_the_same_tests(shop: Project) -> None:
    plain = shop.pytest("-q", "-p", "no:cacheprovider")
    assert "5 passed" in plain.stdout
    ran = shop.itdash("init", "--yes")
    assert ran.code == 0, ran.err
    text = (shop.folder / "pyproject.toml").read_text()
    assert text.startswith(f"{PYPROJECT}\n\n[tool.itdash]\n")
    config = load(shop.folder, {}).config
    assert {suite.name: suite.paths for suite in config.suites} == {
        "integration": ("tests/integration",), "tests": ("tests",), "unit": ("tests/unit",),
    }  # fmt: skip
    assert {suite.name: suite.groups for suite in config.suites}["unit"] == {"slow": "mark:slow"}
    assert shop.itdash("config").code == 0
    launched = shop.launch()
    assert launched.code == 0, launched.out
    assert len(launched.summary["cases"]) == 5
    told = {case["suite"] for case in launched.summary["cases"]}
    assert told == {"integration", "tests", "unit"}
    assert "requirements of unit: 2 of 5 verified" in launched.out
    assert len(shop.launch("--suite", "unit", "--group", "slow").summary["cases"]) == 3


def test_what_is_there_is_told_and_left(shop: Project) -> None:
    shop.write("tests/unit/requirements.csv", "id,title\n1,a\n")
    shop.write("tests/integration/requirements.md", "| id | title |\n|---|---|\n| 1 | a |\n")
    assert shop.itdash("init", "--yes").code == 0
    before = state(shop.folder)
    again = shop.itdash("init", "--yes")
    assert again.code == 0
    assert "pyproject.toml has a configuration of itdash already; it is left as it is" in again.out
    assert "tests/unit/requirements.csv is there already; it is left as it is" in again.out
    assert "requirements.md" not in again.out
    assert "nothing is left to be written" in again.out
    assert state(shop.folder) == before


@pytest.mark.parametrize(("answer", "written"), [("y", True), ("n", False), ("", False)])
def test_on_a_terminal_it_asks(shop: Project, answer: str, written: bool) -> None:
    code, shown = on_a_terminal(shop, "init", ask="Write this?", answer=answer)
    assert code == 0
    assert ("written: pyproject.toml" in shown) is written
    assert ("[tool.itdash]" in (shop.folder / "pyproject.toml").read_text()) is written


def test_without_pyproject_it_is_a_file_of_its_own(project: Project) -> None:
    project.write("test_it.py", "def test_it(): pass\n")
    assert project.itdash("init", "--yes").code == 0
    assert tomllib.loads((project.folder / "itdash.toml").read_text()) == {
        "suites": {"project": {"paths": ["."]}}
    }
    assert project.launch(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1").code == 0


def test_nothing_is_imported(shop: Project) -> None:
    shop.write("tests/unit/test_bomb.py", "open('exploded', 'w').close()\n")
    shop.write("conftest.py", "open('exploded', 'w').close()\n")
    assert shop.itdash("init", "--yes").code == 0
    assert not (shop.folder / "exploded").exists()


def test_a_source_that_python_cannot_read_is_told_with_its_line(shop: Project) -> None:
    shop.write("tests/unit/test_broken.py", "\ndef test_(:\n")
    ran = shop.itdash("init", "--yes")
    assert ran.code == 0
    assert "tests/unit/test_broken.py was not looked into: line 2" in ran.err


def read_only(command: str, project: Project) -> subprocess.CompletedProcess[str]:
    """Run a command where the project cannot be written to, not even by root."""
    if not shutil.which("unshare"):
        pytest.skip("there is no unshare")
    mount = f'mount --bind "{project.folder}" "{project.folder}"'
    remount = f'mount -o remount,bind,ro "{project.folder}"'
    script = (
        f'{mount} && {remount} || exit 77; cd "{project.folder}"; exec "{sys.executable}" -m itdash {command}'
    )
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", script],
        env=project.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("this system lets nobody mount")
    return done


def test_a_folder_that_cannot_be_written_to(shop: Project) -> None:
    done = read_only("init --yes", shop)
    assert done.returncode == 3
    assert "this file cannot be written: Read-only file system" in done.stderr
    assert "pyproject.toml" in done.stderr
    assert "Traceback" not in done.stderr
    done = read_only("launch --headless", shop)
    assert done.returncode == 0
    assert "runs cannot be kept in" in done.stdout
    done = read_only("doctor", shop)
    assert done.returncode == 1
    assert "cannot be written to: runs go to the temporary folder" in done.stdout


# -- what is written --


def test_a_file_whose_tools_are_one_value_is_left_alone(shop: Project) -> None:
    shop.write("pyproject.toml", "tool = { other = { a = 1 } }\n")
    change = configuration(looked_at(shop.folder))
    assert (change.path.name, change.new) == ("itdash.toml", True)


def test_line_ends_stay_what_they_are(shop: Project) -> None:
    (shop.folder / "pyproject.toml").write_bytes(PYPROJECT.replace("\n", "\r\n").encode())
    change = configuration(looked_at(shop.folder))
    write(change)
    text = (shop.folder / "pyproject.toml").read_bytes()
    assert text.count(b"\n") == text.count(b"\r\n")
    assert load(shop.folder, {}).config.suites


def test_a_file_that_changed_meanwhile_is_left_alone(shop: Project) -> None:
    change = configuration(looked_at(shop.folder))
    (shop.folder / "pyproject.toml").write_text("[project]\n")
    with pytest.raises(CannotWrite, match="has changed meanwhile"):
        write(change)
    assert (shop.folder / "pyproject.toml").read_text() == "[project]\n"


def test_a_file_that_came_meanwhile_is_left_alone(project: Project) -> None:
    project.write("test_it.py", "def test_it(): pass\n")
    change = configuration(looked_at(project.folder))
    project.write("itdash.toml", "retries = 1\n")
    with pytest.raises(CannotWrite, match="File exists"):
        write(change)
    assert (project.folder / "itdash.toml").read_text() == "retries = 1\n"


def test_a_table_for_which_there_is_no_room_is_taken_back(shop: Project) -> None:
    change = configuration(looked_at(shop.folder))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(PYPROJECT) + 20, before[1]))
    try:
        with pytest.raises(CannotWrite, match="File too large"):
            write(change)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (shop.folder / "pyproject.toml").read_text() == PYPROJECT


def test_the_difference_can_be_applied(shop: Project) -> None:
    if not shutil.which("patch"):
        pytest.skip("there is no patch")
    shop.write("pyproject.toml", f"{PYPROJECT}\n")
    change = configuration(looked_at(shop.folder))
    text = "\n".join([*difference(change, shop.folder), ""])
    subprocess.run(["patch", "-p1"], cwd=shop.folder, input=text, text=True, check=True, capture_output=True)
    assert (shop.folder / "pyproject.toml").read_text() == change.before + change.added


@pytest.mark.parametrize("name", ["größe", 'a"b', "a b", "a.b", "back\\slash", "dél"])
def test_a_folder_of_any_name_can_be_declared(project: Project, name: str) -> None:
    project.write(f"tests/{name}/test_a.py", "def test_a(): pass\n")
    project.write("tests/other/test_b.py", "def test_b(): pass\n")
    change = configuration(looked_at(project.folder))
    write(change)
    paths = {path for suite in load(project.folder, {}).config.suites for path in suite.paths}
    assert paths == {f"tests/{name}", "tests/other"}


def test_a_folder_whose_name_cannot_be_written_down_is_told(project: Project) -> None:
    project.write("tests/a\x1bb/test_a.py", "def test_a(): pass\n")
    project.write("tests/other/test_b.py", "def test_b(): pass\n")
    seen = looked_at(project.folder)
    assert [file.path for file in seen.files] == ["tests/other/test_b.py"]
    assert seen.notes == (f"{project.folder}/tests/a\x1bb was not looked at: no configuration can name it",)


def test_requirements_are_those_that_the_tests_name(shop: Project) -> None:
    shop.itdash("init", "--yes")
    entries = read_requirements(str(shop.folder / "tests" / "unit" / "requirements.toml"))
    assert entries is not None
    assert [(entry.row.id, entry.row.title) for entry in entries] == [
        ("4.9", "Scraping keeps its limit"),
        ("4.10", "Scraping keeps its limit"),
        ("R1.2", "pages are small; UTF-8 and SHA-256 are no requirements"),
        ("R1.3", "good page"),
        ("REQ-12", "logins are refused"),
    ]
    assert not (shop.folder / "tests" / "integration" / "requirements.toml").exists()


# -- ids --


@pytest.mark.parametrize(
    ("source", "ids"),
    [
        ('@pytest.mark.requirement("4.1")\ndef test_a(): pass', ["4.1"]),
        ('@mark.req("A-1", "A-2")\ndef test_a(): pass', ["A-1", "A-2"]),
        ('@pytest.mark.requirement(IDS)\n@pytest.mark.other("4.1")\ndef test_a(): pass', []),
        ('params = [pytest.param(1, marks=pytest.mark.requirement("7"))]', ["7"]),
        ('class TestA:\n    """FR-3.1 is met."""', ["FR-3.1"]),
        ('def test_a():\n    """For REQ-1 and REQ-2."""', ["REQ-1", "REQ-2"]),
        ("def test_req_12(): pass\ndef test_REQ7_x(): pass", ["REQ-12", "REQ-7"]),
        ("def test_r1_2_3(): pass\ndef test_r2(): pass\ndef test_required(): pass", ["R1.2.3"]),
        ("def helper_req_12(): pass", []),
        ('def test_a():\n    """UTF-8, SHA-256, v1.2, IR1.2, R2 and xREQ-1."""', []),
    ],
)
def test_ids_in_a_source(source: str, ids: list[str]) -> None:
    assert [named.id for named in read(source.encode()).ids] == ids


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ('def test_bad_login():\n    """REQ-5."""', "bad login"),
        ('def test_a():\n    """Logins are refused (REQ-5)."""', "Logins are refused (REQ-5)"),
        ('def test_a():\n    """Logins.\n\n    REQ-5: are refused.\n    """', "are refused"),
        ('@pytest.mark.requirement("REQ-5")\ndef test_a(): pass', "a"),
        (
            'class A:\n    """Logins."""\n    @mark.requirement("REQ-5")\n    def helper(self): 0',
            "",
        ),
        ('"""REQ-5 logins are refused."""', "logins are refused"),
        ('def test_a():\n    """Logins.\n\n    As REQ-5 wants.\n    """', "As REQ-5 wants"),
        ('"""1. REQ-5 - logins are refused; as in REQ-x."""', "logins are refused; as in REQ-x"),
        ('"""Logins."""\npytestmark = pytest.mark.requirement("REQ-5")', "Logins"),
    ],
)
def test_what_is_said_of_an_id(source: str, title: str) -> None:
    (named,) = read(source.encode()).ids
    assert (named.id, named.title) == ("REQ-5", title)


def test_two_ids_on_one_line_have_what_follows_each() -> None:
    first, second = read(b'"""REQ-1: logins are refused; REQ-2: pages are small."""').ids
    assert (first.title, second.title) == ("logins are refused", "pages are small")


def test_a_mark_says_more_of_an_id_than_a_text(project: Project) -> None:
    mark = '@pytest.mark.requirement("REQ-1")\ndef test_b():\n    """By the mark."""\n'
    project.write("tests/test_a.py", f'"""req 0; REQ-1: by a text."""\n{mark}')
    assert project.itdash("init", "--yes").code == 0
    (entry,) = read_requirements(str(project.folder / "tests" / "requirements.toml")) or []
    assert (entry.row.id, entry.row.title) == ("REQ-1", "By the mark")


def test_two_ways_to_write_an_id_are_one() -> None:
    assert key("REQ-12") == key("req_12") == key("REQ 12") == key("REQ12")
    assert key("4.1") != key("4.10") != key("41")
    assert key("R1.2") == key("r1_2")


# -- where tests are --

LAYOUTS: dict[str, dict[str, Any]] = {
    "flat": {"files": ["test_a.py"], "paths": ["."]},
    "top and one letter": {"files": ["test_a.py", "a/test_b.py"], "paths": [".", "a"]},
    "one folder": {"files": ["tests/test_a.py"], "paths": ["tests"]},
    "only below": {"files": ["tests/unit/test_a.py"], "paths": ["tests/unit"]},
    "parts": {
        "files": ["tests/e2e/test_a.py", "tests/unit/deep/test_b.py"],
        "paths": ["tests/e2e", "tests/unit"],
    },
    "parts and top": {
        "files": ["tests/a_test.py", "tests/e2e/test_a.py", "tests/unit/test_b.py"],
        "paths": ["tests/e2e", "tests", "tests/unit"],
    },
    "beside sources": {
        "files": ["src/a/tests/test_a.py", "src/b/tests/test_b.py"],
        "paths": ["src/a", "src/b"],
    },
    "same names": {
        "files": ["a/unit/test_a.py", "a/e2e/test_a.py", "b/unit/test_b.py", "b/e2e/test_b.py"],
        "paths": ["a/e2e", "b/e2e", "a/unit", "b/unit"],
    },
    "not entered": {
        "files": ["tests/test_a.py", "venv/test_b.py", ".hidden/test_c.py", "node_modules/x/test_d.py"],
        "paths": ["tests"],
        "found": ["tests/test_a.py"],
    },
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_suites_have_every_test_file(layout: dict[str, Any], project: Project) -> None:
    for file in layout["files"]:
        project.write(file, "def test_it(): pass\n")
    seen = looked_at(project.folder)
    found = suites(seen)
    assert [suite.path for suite in found] == layout["paths"]
    assert len({suite.name for suite in found}) == len(found)
    assert sorted(file.path for file in seen.files) == sorted(layout.get("found", layout["files"]))
    assert outside(seen, [suite.path for suite in found]) == []


INI = """\
log_format = %(message)s
testpaths = checks
python_files = check_*.py
markers =
    slow: x
    db(name): y
"""
TOML = 'testpaths = ["checks"]\npython_files = "check_*.py"\nmarkers = ["slow: x", "db(name): y"]\n'
CONFIGURED = {
    "pytest.ini": f"[pytest]\n{INI}",
    "setup.cfg": f"[metadata]\nname = a\n[tool:pytest]\n{INI}",
    "tox.ini": f"[tox]\n[pytest]\n{INI}",
    "pyproject.toml": f"[tool.pytest.ini_options]\n{TOML}",
    "pytest.toml": f"[pytest]\n{TOML}",
}


@pytest.mark.parametrize(("name", "text"), CONFIGURED.items(), ids=CONFIGURED.keys())
def test_what_pytest_is_told_counts(name: str, text: str, project: Project) -> None:
    (project.folder / "pytest.ini").unlink()
    project.write(name, text)
    project.write("checks/check_a.py", "@pytest.mark.db\ndef test_a(): pass\n")
    project.write("checks/test_b.py", "")
    project.write("tests/check_c.py", "")
    seen = looked_at(project.folder)
    assert (seen.told.file, seen.told.markers) == (name, ("slow", "db"))
    assert [(suite.name, suite.path, suite.groups) for suite in suites(seen)] == [
        ("checks", "checks", ("db",))
    ]
    assert [file.path for file in seen.files] == ["checks/check_a.py"]


def test_a_file_that_does_not_speak_of_pytest_is_passed_over(project: Project) -> None:
    project.write("tox.ini", "[tox]\n")
    project.write("setup.cfg", "[tool:pytest]\ntestpaths = checks\n")
    assert pytest_files.read(project.folder).file == "pytest.ini"
    project.write("pytest.ini", "")
    assert pytest_files.read(project.folder) == pytest_files.Told("pytest.ini")
    (project.folder / "pytest.ini").unlink()
    assert pytest_files.read(project.folder).file == "setup.cfg"


def test_what_pytest_leaves_out_is_left_out(project: Project) -> None:
    project.write(
        "pytest.ini", "[pytest]\naddopts = -q --ignore=tests/slow --ignore tests/old\nnorecursedirs = data\n"
    )
    for name in ("good", "slow", "old", "data", "listed"):
        project.write(f"tests/{name}/test_it.py", "")
    project.write("tests/conftest.py", "collect_ignore = ['listed']\n")
    assert [file.path for file in looked_at(project.folder).files] == ["tests/good/test_it.py"]


def test_where_pytest_takes_tests_from_sources_no_suite_is_declared(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = --doctest-modules\n")
    project.write("tests/test_it.py", "def test_it(): pass\n")
    project.write("shop.py", '"""\n>>> 1\n1\n"""\n')
    ran = project.itdash("init", "--yes")
    assert "no suites are declared" in ran.out
    assert not load(project.folder, {}).config.suites
    assert len(project.launch(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1").summary["cases"]) == 2

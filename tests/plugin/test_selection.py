"""What runs when suites, groups, names and marks are asked for, in real runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from itdash.orders import Group, Selection

if TYPE_CHECKING:
    from conftest import Project, Ran

MARKED = """
    import pytest

    @pytest.mark.smoke
    def test_smoke_{0}(): pass

    @pytest.mark.smoke
    @pytest.mark.slow
    def test_slow_{0}(): pass

    def test_login_{0}(): pass
"""
BOX = """
    import pytest

    class TestBox:
        def test_in(self): pass
        @pytest.mark.parametrize("n", ["1", "a::b"])
        def test_each(self, n): pass

    class TestBoxes:
        def test_in(self): pass

    def test_in(): pass
    def test_in_vain(): pass
"""
SUITES = """
    [tool.itdash.suites.api]
    paths = ["./other/../tests/api/"]
    [tool.itdash.suites.api.groups]
    smoke = "mark:smoke"
    quick = "mark:smoke and not slow"
    login = "k: LOGIN or nothing"
    odd = "k:(("

    [tool.itdash.suites.box]
    paths = ["tests/box"]
    [tool.itdash.suites.box.groups]
    smoke = "mark:smoke"
    whole = "path:test_box.py"
    box = "path:test_box.py::TestBox"
    each = "path:test_box.py::TestBox::test_each"
    one = "path:test_box.py::TestBox::test_each[1]"
    in = "path:tests/box/test_box.py::test_in"
"""


ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # other plugins have no say here, and take their time


@pytest.fixture
def suites(project: Project) -> Project:
    """Two suites, and tests that belong to none."""
    project.write("pytest.ini", "[pytest]\nmarkers =\n    smoke: fine\n    slow: takes long\n")
    project.write("pyproject.toml", SUITES)
    project.write("tests/api/test_api.py", MARKED.format("api"))
    project.write("tests/api_too/test_too.py", MARKED.format("too"))
    project.write("tests/box/test_box.py", BOX)
    project.write("tests/box/test_smoke.py", MARKED.format("box"))
    return project


def ids(ran: Ran) -> list[str]:
    assert ran.code == 0, ran.out + ran.err
    return [case["id"].partition("/")[2] for case in ran.summary["cases"]]


API = [f"api/test_api.py::test_{name}_api" for name in ("smoke", "slow", "login")]
BOXED = [f"box/test_box.py::TestBox::{name}" for name in ("test_in", "test_each[1]", "test_each[a::b]")]
REST = [f"box/test_box.py::{name}" for name in ("TestBoxes::test_in", "test_in", "test_in_vain")]
SMOKE = [f"box/test_smoke.py::test_{name}_box" for name in ("smoke", "slow", "login")]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", [*API, *BOXED, *REST, *SMOKE]),
        ("--suite api", API),
        ("--suite box --suite api", [*BOXED, *REST, *SMOKE, *API]),
        ("--suite api tests", API),
        ("--group smoke", [*API[:2], *SMOKE[:2]]),
        ("--group smoke --suite box", SMOKE[:2]),
        ("--group smoke tests", [*API[:2], *SMOKE[:2]]),
        ("--group quick", API[:1]),
        ("--group login", API[2:]),
        ("--group whole", [*BOXED, *REST]),
        ("--group box", BOXED),
        ("--group each", BOXED[1:]),
        ("--group one", BOXED[1:2]),
        ("--group in", REST[1:2]),
        ("--group login --group one --group each", [*API[2:], *BOXED[1:]]),
        ("--group smoke -m slow", [API[1], SMOKE[1]]),
        ("--group smoke -k api", API[:2]),
        ("--group smoke -n 2", [*API[:2], *SMOKE[:2]]),
    ],
)
def test_what_runs(suites: Project, words: str, expected: list[str]) -> None:
    assert ids(suites.launch(*words.split(), **({} if "-n" in words else ALONE))) == expected


def test_what_is_left_out_counts_as_deselected(suites: Project) -> None:
    assert suites.launch("--group", "box", **ALONE).summary["outcomes"]["deselected"] == 6


def test_an_expression_that_is_none_is_told(suites: Project) -> None:
    ran = suites.launch("--group", "odd", **ALONE)
    assert ran.code == 4
    assert "wrong expression '(('" in ran.out
    assert "Traceback" not in ran.out
    assert ran.outcomes() == {}


def test_what_failed_last_time_is_looked_for_in_suites_outside_of_testpaths(suites: Project) -> None:
    suites.write(
        "pytest.ini", "[pytest]\ntestpaths = elsewhere\nmarkers =\n    smoke: fine\n    slow: takes long\n"
    )
    suites.write("elsewhere/test_else.py", "def test_else(): pass\n")
    suites.write("tests/api/test_api.py", "def test_good(): pass\ndef test_bad(): assert False\n")
    suites.write("tests/box/test_box.py", "def test_worse(): assert False\n")
    assert suites.launch(**ALONE).code == 1
    again = suites.launch("--last-failed", **ALONE)
    assert again.outcomes() == {"test_bad": "failed", "test_worse": "failed"}
    assert suites.launch("--last-failed", "--suite", "box", **ALONE).outcomes() == {"test_worse": "failed"}
    assert suites.launch("--last-failed", "tests/api", **ALONE).outcomes() == {"test_bad": "failed"}


PICKER = """
    import json
    import msgspec
    from itdash.orders import Selection
    from itdash.plugin.selection import apply

    def pytest_collection_modifyitems(items):
        told = []
        for selection in msgspec.json.decode(open("selections.json", "rb").read(), type=list[Selection]):
            kept = list(items)
            out = apply(selection, kept)
            told.append([[item.nodeid.rpartition("::")[2] for item in some] for some in (kept, out)])
        json.dump(told, open("picked.json", "w"))
"""


def picked(project: Project, *selections: Selection) -> list[list[list[str]]]:
    """For each selection the names of the tests that are kept, and of those that are left out."""
    project.write("conftest.py", PICKER)
    (project.folder / "selections.json").write_bytes(msgspec.json.encode(selections))
    done = project.pytest("--collect-only", "-q", "-p", "no:hypothesispytest")
    assert done.returncode == 0, done.stdout + done.stderr
    told: list[list[list[str]]] = json.loads((project.folder / "picked.json").read_text())
    return told


def test_what_is_done_already_is_not_called_deselected(project: Project) -> None:
    project.write("test_a.py", "def test_1(): pass\ndef test_2(): pass\ndef test_3(): pass\n")
    one, two, three = (f"test_a.py::test_{number}" for number in (1, 2, 3))
    assert picked(
        project,
        Selection(),
        Selection(done=frozenset({one, two})),
        Selection(only=frozenset({two, three})),
        Selection(only=frozenset({two, three}), done=frozenset({one, two})),
        Selection(only=frozenset()),
    ) == [
        [["test_1", "test_2", "test_3"], []],
        [["test_3"], []],
        [["test_2", "test_3"], ["test_1"]],
        [["test_3"], ["test_1"]],
        [[], ["test_1", "test_2", "test_3"]],
    ]


def test_groups_and_names_must_both_pick_a_test(project: Project) -> None:
    project.write("test_a.py", "def test_1(): pass\ndef test_2(): pass\n")
    project.write("test_b.py", "def test_1(): pass\n")
    root = str(project.folder)
    group, whole = Group("k", "test_1", (f"{root}/test_a.py",)), Group("path", root, (root,))
    only = frozenset({"test_a.py::test_2", "test_b.py::test_1"})
    assert picked(
        project,
        Selection(groups=(group,)),
        Selection(groups=(group,), only=only),
        Selection(groups=(group, whole), only=only),
    ) == [
        [["test_1"], ["test_2", "test_1"]],
        [[], ["test_1", "test_2", "test_1"]],
        [["test_2", "test_1"], ["test_1"]],
    ]


def test_a_group_does_not_reach_into_a_folder_with_a_longer_name(project: Project) -> None:
    for folder, name in (("api", "here"), ("api_too", "there"), ("api.d", "elsewhere")):
        project.write(f"{folder}/test_{name}.py", f"def test_{name}(): pass\n")
    place = str(project.folder / "api")
    groups = (Group("path", place, (place,)), Group("k", "test", (f"{place}/",)))
    told = picked(project, *(Selection(groups=(group,)) for group in groups))
    assert [kept for kept, _ in told] == [["test_here"], ["test_here"]]

"""Which files of tests a change concerns, and in which order they run."""

from __future__ import annotations

import pytest

from itdash.runner.affected import Affected, Known, affected, tiers
from itdash.runner.watch.contents import Change

TESTS = ("/p/tests/a/test_1.py", "/p/tests/a/test_2.py", "/p/tests/b/test_3.py", "/p/other/test_4.py")
IMPORTERS: dict[str, set[str]] = {
    "/p/src/low.py": {"/p/src/middle.py"},
    "/p/src/middle.py": {"/p/src/high.py", "/p/tests/a/test_2.py"},
    "/p/src/high.py": {"/p/tests/a/test_1.py"},
    "/p/src/circle.py": {"/p/src/circle2.py"},
    "/p/src/circle2.py": {"/p/src/circle.py", "/p/other/test_4.py"},
    "/p/src/fixed.py": {"/p/tests/b/conftest.py"},
    "/p/src/early.py": {""},
    "/p/src/unused.py": {"/p/src/also_unused.py"},
    "/p/tests/a/test_1.py": {""},
    "/p/tests/b/test_3.py": {"", "/p/other/test_4.py"},
    "/p/tests/conftest.py": {""},
    "/p/tests/__init__.py": {""},
    "/p/other/module.py": {"/p/tests/b/test_3.py"},
}
KNOWN = Known("/p", IMPORTERS, TESTS)


def of(*paths: str, known: Known = KNOWN, after: str = "2", before: str = "1") -> Affected:
    """What changes of these files concern."""
    return affected([Change(f"/p/{path}", before, after) for path in paths], known)


@pytest.mark.parametrize(
    ("path", "concerned"),
    [
        ("src/low.py", "21"),  # the nearer one first
        ("src/middle.py", "21"),
        ("src/high.py", "1"),
        ("src/circle.py", "4"),
        ("src/fixed.py", "3"),
        ("src/early.py", "*"),
        ("src/unused.py", ""),
        ("src/new.py", "*"),
        ("tests/a/test_1.py", "1"),
        ("tests/b/test_3.py", "34"),
        ("tests/a/test_new.py", "n"),
        ("tests/conftest.py", "123"),
        ("tests/a/conftest.py", "12"),
        ("tests/__init__.py", "123"),
        ("tests/b/__init__.py", "3"),
        ("pyproject.toml", "*"),
        ("pytest.ini", "*"),
        ("tests/a/data.json", "12"),
        ("tests/a/deep/er/data.json", "12"),
        ("other/data.csv", "34"),  # the test that imports a module there may read it too
        ("data.json", "*"),
        ("src/template.html", "*"),
        ("README.md", ""),
        ("src/picture.png", ""),
        ("tests/a/expected.md", "12"),
        ("tests/a/requirements.toml", ""),
    ],
)
def test_what_a_change_concerns(path: str, concerned: str) -> None:
    found = of(path)
    if concerned == "*":
        assert found.everything
        assert found.reasons[0].tests == -1
        return
    assert not found.everything
    assert "".join(file[-4] if "new" not in file else "n" for file in found.files) == concerned
    assert found.reasons[0].tests == len(concerned)


def test_what_is_gone_concerns_those_who_imported_it() -> None:
    assert of("src/high.py", after="").files == ("/p/tests/a/test_1.py",)
    assert of("src/never.py", after="") == Affected(reasons=of("src/never.py", after="").reasons)
    assert of("tests/b/test_3.py", after="").files == ("/p/other/test_4.py",)


def test_several_changes_are_one_answer() -> None:
    found = of("src/high.py", "tests/b/test_3.py", "README.md")
    assert found.changed == ("/p/tests/b/test_3.py",)
    assert found.reached == ("/p/tests/a/test_1.py", "/p/other/test_4.py")
    assert [reason.tests for reason in found.reasons] == [1, 2, 0]


def test_other_names_for_files_of_tests() -> None:
    known = KNOWN._replace(patterns=("check_*.py", "*/specs/*.py"))
    assert of("x/check_a.py", known=known).changed == ("/p/x/check_a.py",)
    assert of("x/specs/b.py", known=known).changed == ("/p/x/specs/b.py",)
    assert of("x/test_a.py", known=known).everything  # not known for a file of tests


def test_what_failed_comes_first_then_what_changed_then_what_is_reached() -> None:
    known = KNOWN._replace(failing=frozenset({TESTS[3], TESTS[0]}))
    found = of("src/low.py", "tests/b/test_3.py", known=known)
    assert tiers(found, known) == ((TESTS[0], TESTS[3]), (TESTS[2],), (TESTS[1],))

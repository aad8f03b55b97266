"""What is no save: git's own answer about every path, editors' files, caches, the configuration."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from itdash.runner.watch import gitignore
from itdash.runner.watch.ignore import Ignore

if TYPE_CHECKING:
    from pathlib import Path

PATTERNS = (
    "*.log\n!keep.log\n", "/build\n", "build/\n", "a/b\n", "a/**/b\n", "**/b\n", "a/**\n", "*.[oa]\n",
    "[!a]bc\n", "\\!x\n",
    "\\#x\n", "#x\n", "x \n", "x\\ \n", "a?c\n", "doc/*.txt\n", "!a\n", "*\n!*.py\n!*/\n",
    "**\n", "a//b\n", "[]-]x\n", "[[:digit:]]x\n",
    "foo**bar\n", "a/*/c\n", "/*\n!/a\n", "x/\n!x/\n", "[a-\n", "/\n", "é*\n", "*.py\n!/a/*.py\n",
)  # fmt: skip
PATHS = (
    "a.log", "keep.log", "a/keep.log", "build/x", "a/build/x", "a/b/c", "a/b", "b", "x/b",
    "a/x/b", "a/x/y/b", "a.o", "a.a",
    "xbc", "abc", "!x", "#x", "x", "x ", "doc/a.txt", "doc/x/a.txt", "a.py",
    "a/a.py", "a/c", "a/q/c", "a/q/r/c", "-x",
    "1x", "fooxbar", "foo/bar", "éa", "x/y", "[a-", "]x",
)  # fmt: skip


@pytest.mark.skipif(shutil.which("git") is None, reason="git says what is right")
@pytest.mark.parametrize("patterns", PATTERNS)
def test_every_path_is_left_out_exactly_where_git_leaves_it_out(tmp_path: Path, patterns: str) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text(patterns)
    said = subprocess.run(
        ["git", "-C", str(tmp_path), "check-ignore", "--stdin", "-z", "--no-index"],
        input="\0".join(PATHS).encode(), capture_output=True, check=False,
    ).stdout.decode()  # fmt: skip
    assert {path for path in PATHS if ignored(patterns, path)} == set(said.split("\0")) - {""}


def ignored(text: str, path: str) -> bool:
    """What a walk from the top finds: below a folder that is left out everything is."""
    patterns = gitignore.parse(text)
    parts = path.split("/")
    for depth in range(1, len(parts)):
        if gitignore.verdict(patterns, "/".join(parts[:depth]), True):
            return True
    return bool(gitignore.verdict(patterns, path, False))


@pytest.mark.parametrize(
    "name",
    ["4913", "5036", "a.py~", ".a.py.swp", ".#a.py", "#a.py#", "a.py___jb_tmp___", "a.py___jb_old___",
     "a.pyc",
     ".coverage", ".coverage.host.1", ".goutputstream-X1", "a.py.tmp.123", ".DS_Store", "a.orig"],
)  # fmt: skip
def test_files_that_editors_and_tools_leave_about_are_no_saves(tmp_path: Path, name: str) -> None:
    assert Ignore(str(tmp_path)).leaves_out_file(str(tmp_path / name))


@pytest.mark.parametrize(
    "name", ["a.py", "4914", "data", "a.json", ".env", "tmp.py", "swap.sw", ".gitignore", "~"]
)
def test_other_files_are(tmp_path: Path, name: str) -> None:
    ignore = Ignore(str(tmp_path))
    assert ignore.leaves_out_file(str(tmp_path / name)) == (name == "~")


def test_caches_environments_and_what_was_built_are_not_entered(tmp_path: Path) -> None:
    ignore = Ignore(str(tmp_path), places=[str(tmp_path / "runs")])
    for name in (".git", "__pycache__", ".mypy_cache", "node_modules", "x.egg-info", "runs", "build"):
        (tmp_path / name).mkdir()
        assert ignore.leaves_out_folder(str(tmp_path / name)), name
    (tmp_path / "python3" / "lib").mkdir(parents=True)
    (tmp_path / "python3" / "pyvenv.cfg").touch()
    assert ignore.leaves_out_folder(str(tmp_path / "python3"))
    (tmp_path / "build" / "__init__.py").touch()
    assert not ignore.leaves_out_folder(str(tmp_path / "build"))
    (tmp_path / "src").mkdir()
    assert not ignore.leaves_out_folder(str(tmp_path / "src"))


def test_a_nearer_gitignore_wins_and_is_read_anew(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".gitignore").write_text("*.json\n")
    (tmp_path / "sub" / ".gitignore").write_text("!keep.json\n")
    ignore = Ignore(str(tmp_path))
    assert ignore.leaves_out_file(str(tmp_path / "keep.json"))
    assert not ignore.leaves_out_file(str(tmp_path / "sub" / "keep.json"))
    (tmp_path / "sub" / ".gitignore").write_text("")
    ignore.forget(str(tmp_path / "sub"))
    assert ignore.leaves_out_file(str(tmp_path / "sub" / "keep.json"))


def test_the_configuration_has_the_last_word(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.json\n")
    ignore = Ignore(str(tmp_path), ignored=["docs/", "!data.json"], wanted=["*.py", "*.json"])
    assert ignore.leaves_out_folder(str(tmp_path / "docs"))
    assert not ignore.leaves_out_file(str(tmp_path / "data.json"))
    assert ignore.leaves_out_file(str(tmp_path / "other.json"))
    assert ignore.leaves_out_file(str(tmp_path / "a.html"))
    assert not ignore.leaves_out_file(str(tmp_path / "a.py"))

"""Commit and branch as git has them, without git."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from itdash.project_commit import Commit, read

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git makes what is read here")


def git(folder: Path, *arguments: str) -> str:
    """Run git with nobody's configuration."""
    done = subprocess.run(
        ["git", "-c", "user.name=n", "-c", "user.email=e@localhost", "-c", "protocol.file.allow=always",
         *arguments],
        cwd=folder, check=True, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"},
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "deep" / "er").mkdir(parents=True)
    for name in ("a.py", "deep/b.py", "deep/er/ü.py"):
        (folder / name).write_text(name)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "one")
    return folder


def told(folder: Path) -> Commit:
    return read(folder, {})


def test_the_commit_and_the_branch(repository: Path) -> None:
    expected = Commit(git(repository, "rev-parse", "HEAD"), "main", True)
    assert told(repository) == expected
    assert told(repository / "deep" / "er") == expected


def test_a_branch_with_a_slash_and_packed_refs(repository: Path) -> None:
    git(repository, "checkout", "-qb", "feature/ä-1")
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git/refs/heads/feature").exists()
    assert told(repository) == Commit(git(repository, "rev-parse", "HEAD"), "feature/ä-1", True)


def test_a_detached_head_has_the_branch_of_the_machine_that_tests(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    assert told(repository).branch == ""
    assert read(repository, {"GITHUB_REF_NAME": "topic"}).branch == "topic"
    assert read(repository, {"GITHUB_HEAD_REF": "", "CI_COMMIT_REF_NAME": "x"}).branch == "x"
    git(repository, "checkout", "-q", "main")
    assert read(repository, {"GITHUB_REF_NAME": "topic"}).branch == "main"


def test_a_worktree_has_a_branch_of_its_own(repository: Path, tmp_path: Path) -> None:
    place = tmp_path / "tree"
    git(repository, "worktree", "add", "-q", "-b", "side", str(place))
    assert told(place) == Commit(git(place, "rev-parse", "HEAD"), "side", True)
    git(repository, "pack-refs", "--all")
    assert told(place).id == git(place, "rev-parse", "HEAD")


def test_a_submodule(repository: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q", "-b", "main")
    git(outer, "submodule", "--quiet", "add", str(repository), "inner")
    git(outer, "commit", "-qm", "with it")
    assert told(outer / "inner").id == git(repository, "rev-parse", "HEAD")
    assert told(outer) == Commit(git(outer, "rev-parse", "HEAD"), "main", True)


def test_before_the_first_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    assert told(tmp_path) == Commit("", "main", False)


def test_a_clone_is_clean(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(repository), "clone")
    assert told(tmp_path / "clone").clean


@pytest.mark.parametrize("how", ["changed", "deleted", "staged", "added"])
def test_files_that_differ_from_the_commit(repository: Path, how: str) -> None:
    if how == "deleted":
        (repository / "a.py").unlink()
    elif how == "added":
        (repository / "new.py").write_text("new")
        git(repository, "add", "new.py")
    else:
        (repository / "a.py").write_text("something else")
        if how == "staged":
            git(repository, "add", "a.py")
    assert not told(repository).clean


def test_the_same_again_is_clean(repository: Path) -> None:
    (repository / "a.py").write_text("something else")
    git(repository, "commit", "-qam", "two")
    assert told(repository).clean


def test_where_git_names_another_folder_that_is_none(tmp_path: Path) -> None:
    for text in ("", "gitdir: nowhere", "something else"):
        (tmp_path / ".git").write_text(text)
        assert told(tmp_path) == Commit()


@pytest.mark.parametrize("text", [b"", b"ref: refs/heads/../../secret", b"ref: /etc/passwd", b"\xff\xfe\0",
                                  b"ref: refs/heads/nowhere", b"zzzz"])  # fmt: skip
def test_a_damaged_head_names_no_commit(repository: Path, text: bytes) -> None:
    (repository / ".git/HEAD").write_bytes(text)
    assert told(repository)[::2] == ("", False)


@pytest.mark.parametrize("cut", [0, 3, 12, 70, 200])
def test_an_index_that_cannot_be_read_is_not_clean(repository: Path, cut: int) -> None:
    index = repository / ".git/index"
    index.write_bytes(index.read_bytes()[:cut])
    assert told(repository) == Commit(git(repository, "rev-parse", "HEAD"), "main", False)

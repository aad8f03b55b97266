"""The commit and the branch that a project's files are at, read from git's own files."""

from __future__ import annotations

import os
import re
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LARGEST_INDEX: Final = 600_000
"""Looking at every file of a larger one would hold the run up: some five thousand files take 10 ms."""

_HEAD: Final = 4096
_DEEPEST: Final = 5
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BRANCHES: Final = "refs/heads/"
_OF_CI: Final = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME", "BRANCH_NAME")
"""A machine that tests checks a commit out without its branch, and names that in one of these variables."""

_ENTRY: Final = struct.Struct(">10L20sH")
_SUBMODULE: Final = 0o160000
_UNWATCHED: Final = 0x8000  # what git was told not to look at
_EXTENDED: Final = 0x4000
_STAGE: Final = 0x3000


class Commit(NamedTuple):
    """Empty where there is none; `clean` if every file that git follows is known to be as it has it."""

    id: str = ""
    branch: str = ""
    clean: bool = False


def read(folder: Path, environment: Mapping[str, str] = os.environ) -> Commit:
    """What is checked out around the folder; nothing is asked that takes a process, and nothing is raised."""
    try:
        return _read(folder, environment)
    except (OSError, ValueError):
        return Commit()


def _read(folder: Path, environment: Mapping[str, str]) -> Commit:
    top = next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)
    if top is None:
        return Commit()
    git = _git_folder(top / ".git")
    shared = _shared(git)
    branch, commit = "", _text(git / "HEAD")
    for _ in range(_DEEPEST):
        if not commit.startswith("ref:"):
            break
        name = commit[4:].strip()
        branch = branch or name
        commit = _of_ref(name, git, shared)
    if not _COMMIT.fullmatch(commit):
        commit = ""
    if not branch:
        branch = next(filter(None, map(environment.get, _OF_CI)), "") or ""
    return Commit(commit, branch.removeprefix(_BRANCHES), bool(commit) and _is_clean(top, git / "index"))


def _git_folder(place: Path) -> Path:
    """Of a worktree and of a submodule `.git` is a file that names the folder."""
    if place.is_dir():
        return place
    _, found, name = _text(place).partition("gitdir:")
    if not found:
        raise ValueError("neither a folder nor the name of one")
    return place.parent / name.strip()


def _shared(git: Path) -> Path:
    """Where the branches are: those of a worktree are the repository's."""
    try:
        return git / _text(git / "commondir")
    except OSError:
        return git


def _of_ref(name: str, git: Path, shared: Path) -> str:
    if not name.startswith("refs/") or ".." in name:
        return ""
    for place in (git, shared):
        try:
            return _text(place / name)
        except OSError:
            continue
    try:
        packed = (shared / "packed-refs").read_bytes()
    except OSError:
        return ""
    found = re.search(rb"^([0-9a-f]+) " + re.escape(os.fsencode(name)) + rb"$", packed, re.MULTILINE)
    return found[1].decode() if found else ""


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return os.fsdecode(file.read(_HEAD)).strip()


# -- whether files were changed --


def _is_clean(top: Path, index: Path) -> bool:
    """Whether each file has the size and the time that git noted, and nothing is staged."""
    try:
        if index.stat().st_size > _LARGEST_INDEX:
            return False
        return _matches(os.fsencode(top), index.read_bytes())
    except (OSError, ValueError, struct.error):
        return False


def _matches(top: bytes, data: bytes) -> bool:
    mark, version, count = struct.unpack_from(">4sLL", data)
    if mark != b"DIRC" or version not in (2, 3):
        return False
    place = 12
    for _ in range(count):
        *numbers, _, flags = _ENTRY.unpack_from(data, place)
        name = place + _ENTRY.size + (2 if flags & _EXTENDED else 0)
        end = data.index(b"\0", name)
        if flags & _STAGE or not (flags & _UNWATCHED or _is_same(os.path.join(top, data[name:end]), numbers)):
            return False
        place += (end - place + 8) // 8 * 8
    return _is_committed(data[place:-20])


def _is_same(path: bytes, noted: list[int]) -> bool:
    _, _, seconds, nanoseconds, _, _, mode, _, _, size = noted
    if mode == _SUBMODULE:
        return True
    found = os.lstat(path)
    return (found.st_size & 0xFFFFFFFF, *divmod(found.st_mtime_ns, 10**9)) == (size, seconds, nanoseconds)


def _is_committed(extensions: bytes) -> bool:
    """Whether git knows the tree of all that is staged: it forgets it when something is added."""
    place = 0
    while place + 8 <= len(extensions):
        mark, size = struct.unpack_from(">4sL", extensions, place)
        if mark == b"TREE":
            root = extensions[place + 8 : place + 8 + size].partition(b"\0")[2]
            return root[:1].isdigit()
        if mark[:1].islower():
            return False  # one that must be understood: the index is split or sparse
        place += 8 + size
    return False

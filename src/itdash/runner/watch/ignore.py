"""What counts as no save: editors' own files, caches, what git ignores, what the configuration leaves out."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from itdash.runner.watch import gitignore

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from itdash.runner.watch.gitignore import Pattern

GITIGNORE = ".gitignore"

_FOLDERS = frozenset({
    ".git", ".hg", ".svn", ".jj", "CVS", "_darcs", ".idea", ".vscode", ".vs", "__pycache__", "node_modules",
    "site-packages", ".venv", ".tox", ".nox", ".eggs", ".cache", ".hypothesis", ".ipynb_checkpoints",
    "htmlcov", "__pypackages__", ".direnv", ".pixi", ".terraform",
})  # fmt: skip
_CACHE = re.compile(r"\..*_cache|.*\.egg-info|.*\.dist-info|.*\.egg")
_BUILT = frozenset({"build", "dist"})
_EDITORS = re.compile(
    r".*~|\.#.*|#.*#|~\$.*|.*\.sw[a-z]|.*\.kate-swp|.*___jb_(?:tmp|old|bak)___|\.goutputstream-.*"
    r"|.*\.tmp(?:\..*)?|.*\.temp|\.nfs[0-9a-f]{8,}|\.fuse_hidden.*|\.DS_Store|.*\.(?:orig|rej|bak|crswap|part)"
)
_MADE = re.compile(
    r".*\.py[co]|.*\$py\.class|\.coverage(?:\..+)?|coverage\.xml|\.testmondata.*|.*\.sqlite3?-(?:wal|shm|journal)"
)
_VIM = 4913


class Ignore:
    """Tells of a path whether it counts; it must be asked about a folder before what is in it."""

    def __init__(
        self, root: str, ignored: Sequence[str] = (), wanted: Sequence[str] = (), places: Iterable[str] = ()
    ) -> None:
        self._root = root
        self._own = gitignore.parse("\n".join(ignored))
        self._wanted = gitignore.parse("\n".join(wanted))
        self._places = frozenset(places)
        self._files: dict[str, tuple[Pattern, ...]] = {}

    def forget(self, folder: str) -> None:
        """The `.gitignore` of this folder may say something else now."""
        self._files.pop(folder, None)

    def leaves_out_folder(self, path: str, names: frozenset[str] | None = None) -> bool:
        """Whether nothing in this folder counts; `names` is what it holds, where that is known."""
        name = os.path.basename(path)
        if name in _FOLDERS or path in self._places or _CACHE.fullmatch(name):
            return True
        held = names if names is not None else _listed(path)
        if "pyvenv.cfg" in held or "conda-meta" in held:
            return True
        if name in _BUILT and "__init__.py" not in held:
            return True
        return self._by_patterns(path, True)

    def leaves_out_file(self, path: str) -> bool:
        """Whether saving this file means nothing; its folder is known to count."""
        name = os.path.basename(path)
        if name == GITIGNORE:
            return False
        if _EDITORS.fullmatch(name) or _MADE.fullmatch(name) or _is_vims(name) or path in self._places:
            return True
        if self._by_patterns(path, False):
            return True
        return bool(self._wanted) and gitignore.verdict(self._wanted, self._relative(path), False) is not True

    def _by_patterns(self, path: str, is_folder: bool) -> bool:
        """The configuration has the last word, then the nearest `.gitignore`, up to the project's folder."""
        said = gitignore.verdict(self._own, self._relative(path), is_folder)
        if said is not None:
            return said
        folder = os.path.dirname(path)
        while True:
            patterns = self._of(folder)
            if patterns:
                said = gitignore.verdict(patterns, os.path.relpath(path, folder), is_folder)
                if said is not None:
                    return said
            if folder == self._root or len(folder) <= len(self._root):
                return False
            folder = os.path.dirname(folder)

    def _of(self, folder: str) -> tuple[Pattern, ...]:
        found = self._files.get(folder)
        if found is None:
            try:
                with open(os.path.join(folder, GITIGNORE), encoding="utf-8", errors="replace") as handle:
                    found = gitignore.parse(handle.read())
            except OSError:
                found = ()
            self._files[folder] = found
        return found

    def _relative(self, path: str) -> str:
        inside = path.startswith(f"{self._root}{os.sep}")
        return path[len(self._root) + 1 :] if inside else path.lstrip(os.sep)


def _listed(path: str) -> frozenset[str]:
    try:
        return frozenset(os.listdir(path))
    except OSError:
        return frozenset()


def _is_vims(name: str) -> bool:
    """vim tries whether it may write with a file named 4913, or that and a multiple of 123."""
    return name.isdecimal() and name.isascii() and int(name) >= _VIM and (int(name) - _VIM) % 123 == 0

"""Whose a module is: the standard library's, an installed package's, or the project's own."""

from __future__ import annotations

import os
import sys
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

_INSTALLED = ("site-packages", "dist-packages")
_LIBRARY = os.path.dirname(os.__file__)


def installed() -> tuple[str, ...]:
    """The folders of installed packages that this interpreter looks into, with the real places of links."""
    folders = [path for path in sys.path if os.path.basename(path.rstrip(os.sep)) in _INSTALLED]
    return tuple(dict.fromkeys(place for path in folders for place in (path, os.path.realpath(path))))


class Places:
    """Tells of a file whether it is installed or belongs to the standard library."""

    def __init__(self) -> None:
        self.installed = tuple(folder + os.sep for folder in installed())
        self._library = tuple({_LIBRARY + os.sep, os.path.realpath(_LIBRARY) + os.sep})

    def foreign(self, file: str) -> bool:
        """Whether a file is certainly not the project's."""
        if file.startswith(self.installed):
            return True
        return file.startswith(self._library) and not any(
            f"{os.sep}{name}{os.sep}" in file for name in _INSTALLED
        )

    def own(self, file: str) -> bool:
        """Whether a file is the project's own, or that of a package which is installed to be edited."""
        return not self.foreign(file)

    def imported_once(self, spec: ModuleSpec) -> bool:
        """Whether no part of a module is the project's, nor linked to it."""
        if spec.origin in ("built-in", "frozen"):
            return True
        if spec.origin is None:
            folders = list(spec.submodule_search_locations or ())
            return bool(folders) and all(self.foreign(os.path.realpath(folder)) for folder in folders)
        return self.foreign(spec.origin) and self.foreign(os.path.realpath(spec.origin))


def notes(folder: str) -> str:
    """Where notes are kept on what this interpreter, with these packages, imports for the project."""
    told = "\0".join((sys.executable, sys.version, *installed()))
    return os.path.join(folder, sha256(os.fsencode(told)).hexdigest()[:12])

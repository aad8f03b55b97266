"""What a project tells pytest in its own file: where its tests are, how they are named, its marks."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from itdash.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

_USUAL = ("test_*.py", "*_test.py")
_SECTIONS = {
    "pytest.ini": "pytest", ".pytest.ini": "pytest", "tox.ini": "pytest", "setup.cfg": "tool:pytest",
}  # fmt: skip
_ORDER = (
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "pyproject.toml",
    "tox.ini",
    "setup.cfg",
)
"""The first of these that speaks of pytest is the one that pytest reads."""

_MARK = re.compile(r"\s*([A-Za-z_]\w*)")


class Told(NamedTuple):
    """What a project tells pytest; empty where it says nothing."""

    file: str = ""
    testpaths: tuple[str, ...] = ()
    python_files: tuple[str, ...] = _USUAL
    markers: tuple[str, ...] = ()
    norecursedirs: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    timeout_method: str = ""

    @property
    def ignored(self) -> tuple[str, ...]:
        """The paths that the arguments leave out."""
        found = [word.partition("=")[2] for word in self.arguments if word.startswith("--ignore=")]
        pairs = zip(self.arguments, self.arguments[1:], strict=False)
        return (*found, *(word for before, word in pairs if before == "--ignore"))


def read(root: Path) -> Told:
    """Look at the files that pytest would look at, in its order."""
    for name in _ORDER:
        path = root / name
        if path.is_file() and (table := _table(path)) is not None:
            return _told(name, table)
    return Told()


def _table(path: Path) -> dict[str, Any] | None:
    if path.suffix == ".toml":
        return _of_toml(path)
    import configparser

    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        parser.read_string(path.read_text("utf-8-sig"))
    except (configparser.Error, UnicodeDecodeError) as error:
        what = " ".join(str(error).split())
        raise ConfigError(
            f"pytest's file cannot be read: {what}", where=str(path), mend="correct it"
        ) from None
    except OSError as error:
        raise ConfigError(f"this file cannot be read: {error.strerror or error}", where=str(path)) from None
    section = _SECTIONS[path.name]
    if not parser.has_section(section):
        return {} if path.name in ("pytest.ini", ".pytest.ini") else None
    return dict(parser[section])


def _of_toml(path: Path) -> dict[str, Any] | None:
    from itdash.project import read_toml

    tables = read_toml(path)
    if path.name != "pyproject.toml":
        found = tables.get("pytest", {})
    else:
        tools = tables.get("tool")
        of_pytest = tools.get("pytest") if isinstance(tools, dict) else None
        found = of_pytest.get("ini_options", of_pytest) if isinstance(of_pytest, dict) else None
    return found if isinstance(found, dict) else None


def _told(name: str, table: dict[str, Any]) -> Told:
    marks = [_MARK.match(line) for line in _lines(table.get("markers"))]
    return Told(
        name,
        testpaths=_words(table.get("testpaths")),
        python_files=_words(table.get("python_files")) or _USUAL,
        markers=tuple(dict.fromkeys(mark[1] for mark in marks if mark)),
        norecursedirs=_words(table.get("norecursedirs")),
        arguments=_words(table.get("addopts")),
        timeout_method=str(table.get("timeout_method") or ""),
    )


def _lines(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.splitlines()
    return [str(line) for line in value] if isinstance(value, list) else []


def _words(value: Any) -> tuple[str, ...]:
    """A list of texts, or a text whose words are parted as in a shell."""
    if isinstance(value, list):
        return tuple(str(word) for word in value)
    if not isinstance(value, str):
        return ()
    try:
        return tuple(shlex.split(value))
    except ValueError:
        return tuple(value.split())

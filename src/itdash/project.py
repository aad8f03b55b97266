"""The folder of the project that one stands in, and the table of configuration that stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itdash.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def find(cwd: Path) -> tuple[Path, str, dict[str, Any]]:
    """The project's folder, its configuration file if it has one, and the table that stands there."""
    fallback: Path | None = None
    for folder in (cwd, *cwd.parents):
        own, shared = folder / "itdash.toml", folder / "pyproject.toml"
        if own.is_file():
            return folder, str(own), read_toml(own)
        if shared.is_file():
            table = _our_table(shared)
            if table is not None:
                return folder, str(shared), table
            fallback = fallback or folder
        if (folder / ".git").exists():
            return fallback or folder, "", {}
    return fallback or cwd, "", {}


def _our_table(path: Path) -> dict[str, Any] | None:
    try:
        if b"itdash" not in path.read_bytes():
            return None  # most projects that try itdash do not; reading TOML takes longer than this
    except OSError:
        return None
    tools = read_toml(path).get("tool")
    table = tools.get("itdash") if isinstance(tools, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError("tool.itdash must be a table", where=str(path), mend="write [tool.itdash]")
    return table


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a file; a broken one is told with its line."""
    import tomllib

    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"this file is not valid TOML: {error}", where=str(path), mend="correct that line"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"this file cannot be read: {error}", where=str(path)) from None

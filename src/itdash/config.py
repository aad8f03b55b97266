"""`[tool.itdash]`, profiles, environment and flags made into one frozen `Config` that knows its origins."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, get_type_hints

import msgspec

from itdash.errors import ConfigError, nearest

if TYPE_CHECKING:
    from pathlib import Path


class SuiteConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One suite: where its tests are, and the groups that can be picked from it."""

    name: str
    title: str = ""
    paths: tuple[str, ...] = ()
    groups: dict[str, str] = {}


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every value that steers a run. The comment beside a key is its help."""

    suites: tuple[SuiteConfig, ...] = ()
    directory: str = ".itdash"
    pytest_args: tuple[str, ...] = ()
    workers: str = ""
    timeout: float = 0.0
    retries: int = 0
    max_fail: int = 0
    max_crashes: int = 10
    grace: float = 10.0
    keep_runs: int = 100
    keep_bytes: int = 1_000_000_000
    slowest: int = 5
    failures_shown: int = 50
    ascii: bool = False


HELP = {
    "suites": "the suites: name, title, paths, groups",
    "directory": "where runs are kept, below the project's folder",
    "pytest_args": "arguments that pytest gets in every run",
    "workers": "number of pytest-xdist workers, or auto; empty for none",
    "timeout": "seconds that a test may take; 0 for no limit",
    "retries": "how often a failed test is tried again",
    "max_fail": "stop after so many failures; 0 for no limit",
    "max_crashes": "how many processes may crash before the rest is given up",
    "grace": "seconds that pytest has to end by itself when it is asked to stop",
    "keep_runs": "how many runs are kept",
    "keep_bytes": "how many bytes all kept runs may take",
    "slowest": "how many of the slowest tests are listed",
    "failures_shown": "how many failures are printed whole at the end",
    "ascii": "use plain ASCII instead of glyphs",
}

_FLOORS = {
    "timeout": 0,
    "retries": 0,
    "max_fail": 0,
    "max_crashes": 0,
    "grace": 0,
    "keep_runs": 1,
    "keep_bytes": 0,
}


class Loaded(msgspec.Struct, frozen=True):
    """A configuration, the folder of the project, and for each key where its value came from."""

    config: Config
    root: Path
    origins: dict[str, str]
    file: str = ""


def load(cwd: Path, flags: dict[str, Any], profile: str = "") -> Loaded:
    """Read all sources; flags win over environment, over profile, over file, over default."""
    root, file, table = find(cwd)
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Config.__struct_fields__, "default")

    def take(source: dict[str, Any], origin: str) -> None:
        for key, value in source.items():
            values[key] = value
            origins[key] = origin

    profiles = table.pop("profiles", {})
    name = profile or os.environ.get("ITDASH_PROFILE", "")
    take(_checked(table, file), file)
    if name:
        take(_checked(_profile(profiles, name, file), f"{file}, profile {name}"), f"{file}, profile {name}")
    take(_from_environment(), "environment")
    take({key: value for key, value in flags.items() if value is not None}, "flag")
    try:
        config = msgspec.convert(values, Config, strict=False)
    except msgspec.ValidationError as error:
        raise _wrong_value(error, origins) from None
    _check(config, origins)
    return Loaded(config, root, origins, file)


def find(cwd: Path) -> tuple[Path, str, dict[str, Any]]:
    """The project's folder, its configuration file if it has one, and the table that stands there."""
    fallback: Path | None = None
    for folder in (cwd, *cwd.parents):
        own, shared = folder / "itdash.toml", folder / "pyproject.toml"
        if own.is_file():
            return folder, str(own), _read(own)
        if shared.is_file():
            table = _read(shared).get("tool", {}).get("itdash") if _mentions_us(shared) else None
            if table is not None:
                return folder, str(shared), dict(table)
            fallback = fallback or folder
        if (folder / ".git").exists():
            return fallback or folder, "", {}
    return fallback or cwd, "", {}


def _mentions_us(path: Path) -> bool:
    """Most projects that try itdash do not; reading TOML takes longer than this."""
    try:
        return b"itdash" in path.read_bytes()
    except OSError:
        return False


def _read(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"this file is not valid TOML: {error}", where=str(path), mend="correct that line"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"this file cannot be read: {error}", where=str(path)) from None


def _checked(table: dict[str, Any], where: str) -> dict[str, Any]:
    known = list(Config.__struct_fields__)
    out = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in known:
            raise ConfigError(f"unknown key {key!r}", where=where, mend=nearest(name, [*known, "profiles"]))
        out[name] = _suites(value, where) if name == "suites" else value
    return out


def _suites(value: Any, where: str) -> Any:
    """Suites may be a list of tables, or a table of tables named by the suite."""
    if isinstance(value, dict):
        value = [
            {"name": name, **(suite if isinstance(suite, dict) else {})} for name, suite in value.items()
        ]
    if not isinstance(value, list):
        raise ConfigError(
            "`suites` must be a table of suites", where=where, mend="write [tool.itdash.suites.NAME]"
        )
    known = list(SuiteConfig.__struct_fields__)
    for suite in value:
        for key in suite:
            if key not in known:
                name = suite.get("name", "?")
                raise ConfigError(
                    f"unknown key {key!r} in suite {name!r}", where=where, mend=nearest(key, known)
                )
        if isinstance(suite.get("paths"), str):
            suite["paths"] = [suite["paths"]]
    return value


def _profile(profiles: Any, name: str, file: str) -> dict[str, Any]:
    if not isinstance(profiles, dict) or name not in profiles:
        known = list(profiles) if isinstance(profiles, dict) else []
        mend = nearest(name, known) if known else "declare it as [tool.itdash.profiles.NAME]"
        raise ConfigError(f"there is no profile {name!r}", where=file or "no configuration file", mend=mend)
    return dict(profiles[name])


def _from_environment() -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key in Config.__struct_fields__:
        text = os.environ.get(f"ITDASH_{key.upper()}")
        if text is None or key == "suites":
            continue
        out[key] = text.split() if key == "pytest_args" else _lowered_bool(key, text)
    return out


def _lowered_bool(key: str, text: str) -> Any:
    if get_type_hints(Config)[key] is bool:
        return text.lower() in ("1", "true", "yes", "on")
    return text


def _wrong_value(error: msgspec.ValidationError, origins: dict[str, str]) -> ConfigError:
    text = str(error)
    key = text.rpartition("$.")[2].strip("`").partition("[")[0].partition(".")[0]
    what = text.partition(" - at ")[0]
    return ConfigError(
        f"{key}: {what}", where=origins.get(key, ""), mend=f"{key} is {HELP.get(key, 'a known key')}"
    )


def _check(config: Config, origins: dict[str, str]) -> None:
    for key, floor in _FLOORS.items():
        value = getattr(config, key)
        if not value >= floor:
            raise ConfigError(f"{key} must be at least {floor}, not {value}", where=origins[key])
    if config.workers and config.workers not in ("auto", "logical") and not config.workers.isdigit():
        raise ConfigError(
            f"workers must be a number or auto, not {config.workers!r}", where=origins["workers"]
        )
    seen: set[str] = set()
    for suite in config.suites:
        if suite.name in seen:
            raise ConfigError(f"two suites are named {suite.name!r}", where=origins["suites"])
        seen.add(suite.name)
        if not suite.paths:
            raise ConfigError(
                f"suite {suite.name!r} has no paths", where=origins["suites"], mend='add paths = ["..."]'
            )

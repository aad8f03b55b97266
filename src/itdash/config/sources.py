"""All sources of the configuration put together, and the configuration that follows from them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from itdash.config.environment import from_environment
from itdash.config.model import Config, Loaded, keys
from itdash.config.values import checked
from itdash.errors import ConfigError, nearest
from itdash.project import find

if TYPE_CHECKING:
    from pathlib import Path


def load(cwd: Path, flags: dict[str, Any], profile: str = "") -> Loaded:
    """Read all sources; flags win over environment, over profile, over file, over default."""
    root, file, table = find(cwd)
    values: dict[str, Any] = {}
    origins = dict.fromkeys(Config.__struct_fields__, "default")

    def take(source: dict[str, Any], origin: str) -> None:
        values.update(source)
        origins.update(dict.fromkeys(source, origin))

    profiles = _profiles(table.pop("profiles", {}), file)
    take(checked(table, file), file)
    if name := profile or os.environ.get("ITDASH_PROFILE", "").strip():
        wanted_by = "--profile" if profile else "ITDASH_PROFILE"
        take(_chosen(profiles, name, file, wanted_by), _in_profile(file, name))
    given, unused = from_environment()
    for key, text in given.items():
        origin = f"the variable {keys()[key].variable}"
        take(checked({key: text}, origin), origin)
    for key, value in flags.items():
        if value is not None:
            origin = f"the flag {keys()[key].flag}"
            take(checked({key: value}, origin), origin)
    config = Config(**values)
    _check_directory(config.directory, root, origins["directory"])
    return Loaded(config, root, origins, file, unused)


def _profiles(profiles: Any, file: str) -> dict[str, dict[str, Any]]:
    """All profiles, checked whether they are used now or not."""
    if not isinstance(profiles, dict) or not all(isinstance(table, dict) for table in profiles.values()):
        raise ConfigError(
            "each profile must be a table", where=file, mend="write [tool.itdash.profiles.NAME]"
        )
    return {name: checked(table, _in_profile(file, name)) for name, table in profiles.items()}


def _in_profile(file: str, name: str) -> str:
    return f"{file}, profile {name}"


def _chosen(profiles: dict[str, Any], name: str, file: str, wanted_by: str) -> dict[str, Any]:
    if name in profiles:
        return dict(profiles[name])
    mend = nearest(name, list(profiles)) if profiles else "declare it as [tool.itdash.profiles.NAME]"
    raise ConfigError(
        f"there is no profile {name!r}, which {wanted_by} names",
        where=file or "no configuration file",
        mend=mend,
    )


def _check_directory(directory: str, root: Path, where: str) -> None:
    """The run folder hides itself from git and deletes what is old in it: it must be a folder of its own."""
    place = os.path.normpath(root / directory)
    if "\0" in directory or os.path.commonpath([place, root]) == place:
        raise ConfigError(
            f"directory must be a folder of its own, not {directory!r}",
            where=where,
            mend="write .itdash, or the like",
        )

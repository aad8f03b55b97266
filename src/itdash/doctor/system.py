"""The system: forks, limits of watching, room for runs, services that suites may talk to."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final

from itdash.doctor.finding import Finding
from itdash.render import words

if TYPE_CHECKING:
    from itdash.doctor.finding import Findings, Patient

_LIMITS: Final = Path("/proc/sys/fs/inotify")
_INSTANCES: Final = 16
_SCARCE, _SMALL = 50_000_000, 1_000_000_000
_SERVICES: Final = {"redis": 6379, "postgres": 5432}
_PATIENCE: Final = 0.3


def forks(patient: Patient) -> Findings:
    """Whether later runs of a session can start warm."""
    from itdash.runner.warmth import warmth

    warm, why = warmth(patient.config)
    yield Finding("warm runs", "good", why if warm else f"off: {why}")


def watching(patient: Patient) -> Findings:
    """Whether the system can tell of all folders that watch mode looks at."""
    from itdash.runner.watch.ignore import Ignore
    from itdash.runner.watch.tree import grown

    watch = patient.config.watch
    root = os.path.realpath(patient.root)
    ignore = Ignore(root, watch.ignore, watch.patterns, [os.path.join(root, patient.config.directory)])
    folders = len(grown([os.path.join(root, place) for place in watch.paths or (root,)], ignore).watched())
    if watch.poll:
        yield Finding(
            "watching", "good", f"{words.count(folders, 'folder')}, looked at again and again (watch.poll)"
        )
        return
    try:
        most, instances = (
            int((_LIMITS / name).read_text()) for name in ("max_user_watches", "max_user_instances")
        )
    except (OSError, ValueError):
        yield Finding(
            "watching", "note", "the system's limits are not known", "if saves go unseen: watch.poll"
        )
        return
    found = f"{words.count(folders, 'folder')} of at most {most:,}"
    if folders > most:
        mend = f"sysctl fs.inotify.max_user_watches={folders * 2}, or name watch.paths"
        yield Finding("watching", "note", f"{found}: files are looked at again and again instead", mend)
    elif instances < _INSTANCES:
        found = f"{found}, but only {instances} watchers for all programs"
        yield Finding("watching", "note", found, "sysctl fs.inotify.max_user_instances=128")
    else:
        yield Finding("watching", "good", found)


def room(patient: Patient) -> Findings:
    """Whether runs can be kept where the configuration says; nothing is written to find out."""
    place = patient.root / patient.config.directory
    there = next(path for path in (place, *place.parents) if os.path.lexists(path))
    if not there.is_dir():
        mend = "remove that file, or set `directory` to a folder of its own"
        yield Finding("place of runs", "wrong", f"{there} is a file where a folder should be", mend)
        return
    if not os.access(there, os.W_OK | os.X_OK):
        found = f"{there} cannot be written to: runs go to the temporary folder"
        mend = "give yourself the right to write there, or set `directory`"
        yield Finding("place of runs", "wrong", found, mend)
        return
    free = shutil.disk_usage(there).free
    found = f"{place}, {free / 1e9:,.1f} GB free"
    if free < _SCARCE:
        yield Finding("place of runs", "wrong", found, "make room; `itdash runs prune` deletes old runs")
    elif free < _SMALL:
        mend = "make room, or set keep_bytes lower than that"
        yield Finding("place of runs", "note", found, mend)
    else:
        yield Finding("place of runs", "good", found)


def services(patient: Patient) -> Findings:
    """Whether anything listens where services usually do; each is asked once and told nothing."""
    del patient
    for name, port in _SERVICES.items():
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
            connection.settimeout(_PATIENCE)
            there = connection.connect_ex(("127.0.0.1", port)) == 0
        found = "listens on" if there else "not found on"
        yield Finding(
            name, "good", f"{found} 127.0.0.1:{port}" + ("" if there else "; only suites that use it need it")
        )

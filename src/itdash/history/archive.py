"""A run directory as one file: written whole, and opened as far as it can be read."""

from __future__ import annotations

import gzip
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Final

from itdash.errors import INTERNAL_ERROR, ItdashError
from itdash.events.journal import SEGMENTS
from itdash.history.find import NoSuchRun, find

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIX: Final = ".tar.gz"
_OPENED: Final = (SUFFIX, ".tgz", ".zip")
_DAMAGE: Final = (
    EOFError, OSError, tarfile.TarError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError,
    ValueError,
)  # fmt: skip
_CHUNK: Final = 1 << 20
_MOST: Final = 64 << 30


class BadArchive(ItdashError):
    """The file holds no run, or none of it can be read."""

    exit_code = INTERNAL_ERROR


def pack(run: Path, target: Path) -> int:
    """Write the files of a run into one; how many bytes that took. OSError where that cannot be."""
    part = target.with_name(f".{target.name}.{os.getpid()}")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(part, "w:gz", compresslevel=6) as archive:
            for path in sorted(run.rglob("*")):
                if stat.S_ISREG(path.lstat().st_mode):
                    archive.add(path, f"{run.name}/{path.relative_to(run)}", recursive=False)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


def is_archive(path: Path) -> bool:
    """Whether the file's name says that it holds files."""
    return path.name.lower().endswith(_OPENED) and path.is_file()


@contextmanager
def opened(base: Path, wanted: str) -> Iterator[tuple[Path, str]]:
    """The folder of a run below `base`, anywhere, or in an archive; and what of it could not be read.

    What an archive holds is taken out into a folder that is gone afterwards.
    """
    path = Path(wanted)
    if wanted.lower().endswith(_OPENED) and not path.exists():
        raise NoSuchRun("there is no such file", where=wanted)
    if not is_archive(path):
        yield find(base, wanted), ""
        return
    place = Path(tempfile.mkdtemp(prefix="itdash-run-"))
    try:
        damage = _unpack(path, place)
        yield _run_in(place, path, damage), damage
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _run_in(place: Path, path: Path, damage: str) -> Path:
    found = sorted(folder for folder in place.rglob(SEGMENTS) if folder.is_dir())
    if not found:
        raise BadArchive(
            "the archive holds no run" + (f": {damage}" if damage else ""), where=str(path),
            mend=f"`itdash export -o run{SUFFIX}` makes one that does; so does a zipped run directory",
        )  # fmt: skip
    return found[0].parent


def _unpack(path: Path, place: Path) -> str:
    """Take out what can be read; what stopped it, or nothing."""
    try:
        members = _zipped(path) if path.name.lower().endswith(".zip") else _tarred(path)
        left = _MOST
        for name, stream in members:
            left = _take(name, stream, place, left)
            if left < 0:
                return f"it holds more than {_MOST >> 30} GB"
    except _DAMAGE as error:
        return f"the archive is damaged, or cut short: {error or type(error).__name__}"
    return ""


def _tarred(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with gzip.open(path) as data:
        with tarfile.open(
            fileobj=data, mode="r|"
        ) as archive:  # as a stream: what stands before damage is read
            for member in archive:
                stream = archive.extractfile(member) if member.isreg() else None
                if stream is not None:
                    yield member.name, stream
        while data.read(_CHUNK):  # a file that was cut between two members has an end that does not fit
            pass


def _zipped(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not name.endswith("/"):
                with archive.open(name) as stream:
                    yield name, stream


def _take(name: str, stream: IO[bytes], place: Path, left: int) -> int:
    """Write one file below `place`, never anywhere else; what came before the damage stays."""
    pieces = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    if not pieces:
        return left
    target = place.joinpath(*pieces)
    with suppress(FileExistsError):
        target.parent.mkdir(parents=True)
    with target.open("wb") as out:
        while left >= 0 and (piece := stream.read(_CHUNK)):
            left -= len(piece)
            out.write(piece)
    return left

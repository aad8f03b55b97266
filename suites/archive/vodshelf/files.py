"""Files on disk: media by their checksums, captions by their videos, and nothing outside of one folder."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from .errors import NotFound, StorageError, TooLarge, ValidationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Media(msgspec.Struct, frozen=True):
    """What was received."""

    size: int
    checksum: str


class FileStore:
    """One folder, in which a file appears whole or not at all."""

    def __init__(self, root: str, media_limit: int) -> None:
        self.root = Path(root).resolve()
        self._media_limit = media_limit

    def prepare(self) -> None:
        """Make the folders, and remove what processes left unfinished that are gone."""
        for name in ("media", "captions", "partial"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        for file in (self.root / "partial").iterdir():
            if not Path(f"/proc/{file.name.partition('-')[0]}").exists():
                file.unlink(missing_ok=True)

    async def receive(self, vod_id: str, chunks: AsyncIterator[bytes], promised: str | None) -> Media:
        """Keep what comes in, if all of it comes and has the checksum that was promised."""
        partial = self._partial()
        digest, size = hashlib.sha256(), 0
        try:
            with partial.open("xb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > self._media_limit:
                        raise TooLarge(f"media may have {self._media_limit} bytes, these have more")
                    digest.update(chunk)
                    file.write(chunk)
                await asyncio.to_thread(_to_disk, file.fileno())
            checksum = digest.hexdigest()
            if promised is not None and promised.lower() != checksum:
                raise ValidationError(f"the checksum of what came is {checksum}, not {promised}")
            place = self.media(vod_id, checksum)
            place.parent.mkdir(exist_ok=True)
            partial.replace(place)
        except OSError as error:
            raise _trouble(error) from error
        finally:
            partial.unlink(missing_ok=True)
        return Media(size, checksum)

    def media(self, vod_id: str, checksum: str) -> Path:
        return self.root / "media" / vod_id / checksum

    def read(self, relative: str) -> bytes:
        """A file by its path below the folder, or NotFound."""
        try:
            return self.inside(relative).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFound(f"there is no file {relative!r}") from None
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise NotFound("no file has such a name") from None
            raise _trouble(error) from error

    def write(self, relative: str, content: bytes) -> None:
        """Put a file there, or another in its place: who reads sees one of them, never a part."""
        place = self.inside(relative)
        partial = self._partial()
        try:
            with partial.open("xb") as file:
                file.write(content)
                file.flush()
                _to_disk(file.fileno())
            partial.replace(place)
        except OSError as error:
            raise _trouble(error) from error
        finally:
            partial.unlink(missing_ok=True)

    def remove(self, vod_id: str, checksum: str | None = None) -> None:
        """Remove some media of a video, or everything that belongs to it."""
        folder = self.root / "media" / vod_id
        unwanted = list(folder.glob("*")) if checksum is None else [folder / checksum]
        if checksum is None:
            unwanted.append(self.root / captions_of(vod_id))
        for file in unwanted:
            file.unlink(missing_ok=True)
        if checksum is None and folder.exists():
            folder.rmdir()

    def inside(self, relative: str) -> Path:
        """The path below the folder, or NotFound: what lies outside is not there, also through a link."""
        if "\0" in relative:
            raise NotFound("no file has such a name")
        place = (self.root / relative).resolve()
        if not place.is_relative_to(self.root):
            raise NotFound(f"there is no file {relative!r}")
        return place

    def _partial(self) -> Path:
        return self.root / "partial" / f"{os.getpid()}-{uuid.uuid4().hex}"

    def check(self) -> None:
        """Whether something could be written now, or StorageError."""
        partial = self._partial()
        try:
            partial.touch()
            partial.unlink()
        except OSError as error:
            raise _trouble(error) from error


def captions_of(vod_id: str) -> str:
    return f"captions/{vod_id}.scc"


def _to_disk(descriptor: int) -> None:
    os.fsync(descriptor)


def _trouble(error: OSError) -> StorageError:
    return StorageError(f"the disk: {error.strerror or error}")

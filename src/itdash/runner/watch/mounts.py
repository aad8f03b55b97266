"""Which places lie on a file system that does not tell of changes made elsewhere."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_REMOTE = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "vboxsf", "prl_fs",
    "drvfs", "virtiofs", "vmhgfs", "fuse.sshfs", "fuse.vmhgfs-fuse", "fuse.rclone", "fuse.s3fs",
    "fuse.glusterfs", "fuse.osxfs", "fuse.grpcfuse", "fakeowner", "davfs", "fuse.davfs2", "ncpfs", "beegfs",
})  # fmt: skip


def remote(places: Iterable[str], table: str = "/proc/self/mountinfo") -> str:
    """The first of these places that lies on such a file system, with its kind; empty where none does."""
    try:
        with open(table, encoding="utf-8", errors="surrogateescape") as handle:
            mounts = [_mount(line) for line in handle]
    except OSError:
        return ""
    for place in places:
        above = [mount for mount in mounts if _is_below(place, mount[0])]
        if above and (kind := max(above, key=lambda mount: len(mount[0]))[1]) in _REMOTE:
            return f"{place} ({kind})"
    return ""


def _mount(line: str) -> tuple[str, str]:
    before, _, after = line.partition(" - ")
    words = before.split(" ")
    place = words[4] if len(words) > 4 else ""
    for code, sign in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        place = place.replace(code, sign)
    return place, after.partition(" ")[0]


def _is_below(path: str, folder: str) -> bool:
    return bool(folder) and (path == folder or path.startswith(f"{folder.rstrip(os.sep)}{os.sep}"))

"""Which part of the tests this machine runs: `2/5`, balanced by recorded times, the same on every machine."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from itdash.errors import ItdashError
from itdash.orders import SPLIT, Shard

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_WORDS: Final = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")


class WrongShard(ItdashError):
    """No part of the tests is meant, or the recorded times cannot be read."""


class Times(msgspec.Struct, frozen=True):
    """How many seconds each test took, by its id; the content of a `.times.json` file."""

    schema: int
    tests: dict[str, float]


def shard(words: str, times: Path | None) -> Shard | None:
    """`2/5`, with the file of recorded times if there is one; nothing for no words."""
    if not words:
        if times is not None:
            raise WrongShard(
                "recorded times are for shards", where="--times", mend="name one with --shard 2/5"
            )
        return None
    found = _WORDS.fullmatch(words)
    index, total = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= index <= total:
        raise WrongShard(f"{words!r} is no shard", where="--shard", mend="such as 2/5: the second of five")
    homes = assigned(_read(times), total) if times else {}
    told = repr((total, sorted(homes.items())))
    return Shard(index, total, homes, sha256(told.encode("utf-8", "backslashreplace")).hexdigest()[:12])


def _read(path: Path) -> dict[str, float]:
    try:
        times = msgspec.json.decode(path.read_bytes(), type=Times)
    except OSError as error:
        raise WrongShard(f"recorded times cannot be read: {error.strerror}", where=str(path)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WrongShard(
            f"this holds no recorded times: {error}", where=str(path),
            mend="`itdash export -o tests.times.json` writes such a file",
        ) from None  # fmt: skip
    return times.tests


def assigned(times: Mapping[str, float], total: int) -> dict[str, int]:
    """The shard of each file, and of each test of a file that alone takes longer than a shard should.

    The longest goes first to the shard that has least to do. Nothing but the times decides, so that tests
    which are added or left out move no other.
    """
    files: dict[str, dict[str, float]] = {}
    for nodeid, seconds in times.items():
        files.setdefault(nodeid.partition("::")[0], {})[nodeid] = max(0.0, seconds)
    share = sum(map(sum, (tests.values() for tests in files.values()))) / total
    homes: dict[str, int] = {}
    units: list[tuple[float, str]] = []
    for file, tests in files.items():
        whole = sum(tests.values())
        if whole > share and len(tests) > 1:
            homes[file] = SPLIT
            units += [(seconds, nodeid) for nodeid, seconds in tests.items()]
        else:
            units.append((whole, file))
    loads = [(0.0, index) for index in range(1, total + 1)]
    for seconds, name in sorted(units, key=lambda unit: (-unit[0], unit[1])):
        least = min(loads)
        loads[loads.index(least)] = (least[0] + seconds, least[1])
        homes[name] = least[1]
    return homes

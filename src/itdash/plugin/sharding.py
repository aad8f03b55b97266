"""Keeps the tests of one shard, and tells of what it is a part."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from itdash.events import model
from itdash.orders import SPLIT

if TYPE_CHECKING:
    import pytest

    from itdash.orders import Shard


def take(shard: Shard, items: list[pytest.Item], now: int) -> tuple[list[pytest.Item], model.ShardTaken]:
    """Keep in `items` those of the shard; what was left out, and what there was before."""
    ids = [item.nodeid for item in items]
    kept = [item for item in items if home(shard, item.nodeid) == shard.index]
    mine = set(map(id, kept))
    out = [item for item in items if id(item) not in mine]
    items[:] = kept
    digest = sha256("\n".join(sorted(ids)).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    taken = model.ShardTaken(now, shard.index, shard.total, len(kept), len(ids), digest, shard.fingerprint)
    return out, taken


def home(shard: Shard, nodeid: str) -> int:
    """The part that runs a test; a file whose times are not known is in one part as a whole."""
    homes = shard.homes
    file = nodeid.partition("::")[0]
    known = homes.get(nodeid) or homes.get(file, -1)
    if known > 0:
        return known
    name = nodeid if known == SPLIT else file
    number = int.from_bytes(sha256(name.encode("utf-8", "surrogatepass")).digest()[:8], "big")
    return number % shard.total + 1

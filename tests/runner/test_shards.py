"""Which tests a shard has: every test one shard, the same one everywhere, and none much more to do."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from itdash.orders import Shard
from itdash.plugin.sharding import home
from itdash.runner.shards import Times, WrongShard, assigned, shard

if TYPE_CHECKING:
    from collections.abc import Mapping

FILES = st.sampled_from([f"tests/test_{n}.py" for n in range(12)])
IDS = st.builds("{}::{}".format, FILES, st.text("abcd\ud800[]-", max_size=3))
TIMES = st.dictionaries(IDS, st.floats(0, 100), max_size=60)


def of(homes: Mapping[str, int], total: int) -> Shard:
    """A shard that divides so; which one does not matter here."""
    return Shard(1, total, dict(homes), "")


@given(times=TIMES, others=st.lists(IDS), total=st.integers(1, 7))
def test_every_test_has_one_shard_and_keeps_it_when_others_come(
    times: dict[str, float], others: list[str], total: int
) -> None:
    few, many = of(assigned(times, total), total), of(assigned(dict(reversed(times.items())), total), total)
    for nodeid in [*times, *others]:
        assert 1 <= home(few, nodeid) <= total
        assert home(few, nodeid) == home(many, nodeid), "the order in which times are written decides nothing"


@given(times=TIMES, total=st.integers(1, 7))
def test_no_shard_has_much_more_to_do_than_its_share(times: dict[str, float], total: int) -> None:
    divided = of(assigned(times, total), total)
    loads: Counter[int] = Counter()
    for nodeid, seconds in times.items():
        loads[home(divided, nodeid)] += seconds  # type: ignore[assignment]  # a Counter of seconds
    share = sum(times.values()) / total
    longest = max(times.values(), default=0)
    assert max(loads.values(), default=0) <= share + max(share, longest) + 1e-6


def test_a_file_stays_whole_unless_it_is_too_long() -> None:
    times = {f"short_{file}.py::test_{n}": 1.0 for file in range(8) for n in range(3)}
    times |= {f"long.py::test_{n}": 5.0 for n in range(12)}
    divided = of(assigned(times, 4), 4)
    for file in range(8):
        assert len({home(divided, f"short_{file}.py::test_{n}") for n in range(4)}) == 1, "also its new test"
    assert len({home(divided, f"long.py::test_{n}") for n in range(12)}) == 4


def test_without_times_files_are_divided_by_their_names() -> None:
    divided = of({}, 3)
    homes = {f"tests/test_{n}.py": home(divided, f"tests/test_{n}.py::a") for n in range(60)}
    assert set(homes.values()) == {1, 2, 3}
    assert all(home(divided, f"{file}::b[1]") == one for file, one in homes.items())


def test_the_words_of_a_shard(tmp_path: Path) -> None:
    assert shard("", None) is None
    file = tmp_path / "tests.times.json"
    file.write_bytes(msgspec.json.encode(Times(1, {"a.py::b": 1.0})))
    plain, balanced = shard("2/5", None), shard("2/5", file)
    assert plain and balanced
    assert (plain.index, plain.total) == (2, 5)
    assert plain.fingerprint != balanced.fingerprint
    again = shard("3/5", file)
    assert again and again.fingerprint == balanced.fingerprint


@pytest.mark.parametrize("words", ["5", "0/5", "6/5", "a/b", "1/0", "-1/2", "1/2/3", "1 / 2", "٣/٥"])
def test_what_is_no_shard(words: str) -> None:
    with pytest.raises(WrongShard, match="is no shard"):
        shard(words, None)


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "No such file"), (b"[]", "holds no"), (b"\xff", "holds no")],
)
def test_times_that_cannot_be_read(tmp_path: Path, content: bytes | None, told: str) -> None:
    file = tmp_path / "tests.times.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(WrongShard, match=told):
        shard("1/2", file)


def test_times_without_a_shard_are_a_mistake() -> None:
    with pytest.raises(WrongShard, match="for shards"):
        shard("", Path("x"))

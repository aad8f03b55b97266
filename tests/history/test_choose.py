"""Which run is meant, and which one it is held against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from history_support import name, run

from itdash.errors import ItdashError
from itdash.events.staying import make_baseline
from itdash.history import choose
from itdash.history.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store() -> Iterator[Store]:
    """Runs of two branches, with a selection, a failure and one that was cut off."""
    with Store.in_memory() as made:
        made.add([
            run(1, branch="main"), run(2, branch="main", verdict="failed"),
            run(3, branch="topic", asked=("tests/one",)), run(4, verdict="interrupted"),
            run(5, branch="topic"),
        ])  # fmt: skip
        yield made


def based(store: Store, place: Path, wanted: str, number: int = 5) -> str:
    return choose.base(store, place, wanted, choose.run(store, name(number)).record).record.head.name


@pytest.mark.parametrize(
    ("wanted", "number"), [("latest", 5), ("-1", 5), ("-2", 4), ("-5", 1), ("20260101-000002", 2)]
)
def test_a_run_by_its_place_and_by_its_name(store: Store, wanted: str, number: int) -> None:
    assert choose.run(store, wanted).record.head.name == name(number)


@pytest.mark.parametrize("wanted", ["-6", "main", "", "20260102", "-0", "--2", "previous"])
def test_what_is_no_run(store: Store, wanted: str) -> None:
    with pytest.raises(ItdashError, match="there is no run"):
        choose.run(store, wanted)


def test_a_start_that_several_have(store: Store) -> None:
    with pytest.raises(ItdashError, match="several runs begin") as caught:
        choose.run(store, "20260101")
    assert caught.value.mend == f"one of {', '.join(name(n) for n in (5, 4, 3, 2, 1))}"


@pytest.mark.parametrize(
    ("wanted", "number"),
    [("", 2), ("previous", 2), ("green", 1), ("main", 2), ("topic", 3), ("-3", 3), ("latest", 5)],
)
def test_what_a_run_is_held_against(store: Store, tmp_path: Path, wanted: str, number: int) -> None:
    """The one before that ended and was asked for the same, unless another is named."""
    assert based(store, tmp_path, wanted) == name(number)


def test_where_nothing_else_was_asked_for_the_same(store: Store, tmp_path: Path) -> None:
    assert based(store, tmp_path, "previous", 3) == name(2)
    assert based(store, tmp_path, "green", 3) == name(1)
    with pytest.raises(ItdashError, match="no run before"):
        based(store, tmp_path, "previous", 1)


def test_the_baseline_that_was_chosen(store: Store, tmp_path: Path) -> None:
    make_baseline(tmp_path, name(3))
    assert based(store, tmp_path, "") == name(3)
    assert based(store, tmp_path, "baseline") == name(3)
    assert based(store, tmp_path, "previous") == name(2)
    make_baseline(tmp_path, "gone")
    with pytest.raises(ItdashError, match="'gone' is not in the history"):
        based(store, tmp_path, "")
    make_baseline(tmp_path, "")
    with pytest.raises(ItdashError, match="no run was made the baseline"):
        based(store, tmp_path, "baseline")

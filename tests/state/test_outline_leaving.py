"""What is not there any more leaves the outline; what was only not asked for stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from itdash.events import model
from itdash.state.fold import apply_all
from itdash.state.outline import Node, Outline
from itdash.state.run import RunState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def play(
    outline: Outline, tests: Sequence[str], deselected: int = 0, broken: Iterable[str] = (), left_out: int = 0
) -> None:
    """Another run, which finds these tests and runs them."""
    files = dict.fromkeys([*(id.partition("::")[0] for id in tests), *broken])
    events: list[model.AnyEvent] = [model.CollectorStarted(1, file) for file in files]
    events += [
        model.CollectionFailed(2, file, "failed", "error", msgspec.Raw(b'{"longrepr": "no"}'))
        for file in broken
    ]
    events += [model.CasesDeselected(3, deselected)] if deselected else []
    events.append(model.CasesCollected(4, 0, tuple(map(model.CollectedCase, tests))))
    events.append(model.CollectionFinished(5, len(tests), left_out))
    for number in range(len(tests)):
        events += [model.CaseStarted(6, number), model.CaseFinished(7, number)]
    state = RunState()
    apply_all(state, events)
    outline.begin()
    outline.take(state, events)


def check(outline: Outline) -> None:
    """Counts, branches and tests tell the same."""
    stack: list[Node] = [outline.root]
    found = set()
    while stack:
        node = stack.pop()
        if node.children is None:
            found.add(node.id)
        else:
            assert node is outline.root or node.children, node.id
            assert node.total == sum(1 for _ in node.tests())
            stack += node.children
    assert found == set(outline.tests)


def test_a_renamed_test_leaves_with_its_branch() -> None:
    outline = Outline()
    play(outline, ["a.py::TestOld::test_one", "a.py::test_two", "b.py::test_three"])
    play(outline, ["a.py::test_two", "a.py::test_new"])
    assert set(outline.tests) == {"a.py::test_two", "a.py::test_new", "b.py::test_three"}
    check(outline)


def test_what_was_only_not_asked_for_stays() -> None:
    outline = Outline()
    play(outline, ["a.py::test_one", "a.py::test_two"])
    play(outline, ["a.py::test_two"], deselected=1)
    play(outline, ["a.py::test_two"], left_out=1)
    assert set(outline.tests) == {"a.py::test_one", "a.py::test_two"}


def test_a_file_that_breaks_keeps_its_tests_and_gives_its_mistake_up_when_mended() -> None:
    outline = Outline()
    play(outline, ["a.py::test_one"])
    play(outline, [], broken=["a.py"])
    assert set(outline.tests) == {"a.py::test_one", "a.py"}
    assert outline.failing() == ["a.py"]
    play(outline, ["a.py::test_one"])
    assert set(outline.tests) == {"a.py::test_one"}
    assert outline.failing() == []
    play(outline, [], broken=["a.py"])
    play(outline, ["a.py::test_one"], deselected=3)
    assert outline.failing() == []
    check(outline)


NAMES = st.tuples(st.sampled_from("ab"), st.sampled_from(["", "TestC::"]), st.sampled_from("xyz"))
IDS = st.lists(NAMES.map(lambda name: f"{name[0]}.py::{name[1]}{name[2]}"), unique=True, max_size=8)


@given(st.lists(st.tuples(IDS, st.integers(0, 1), st.sets(st.sampled_from(["a.py", "c.py"]))), max_size=5))
def test_whatever_comes_and_goes_the_counts_hold(runs: list[tuple[list[str], int, set[str]]]) -> None:
    outline = Outline()
    for ids, deselected, broken in runs:
        play(outline, [id for id in ids if id.partition("::")[0] not in broken], deselected, sorted(broken))
        check(outline)

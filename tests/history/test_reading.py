"""A run is the same record, from its state, from its directory and from its summary alone."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from itdash.events.journal import replay
from itdash.events.wire import encode_value
from itdash.history.reading import NoRecord, of_file, of_folder, of_state
from itdash.history.record import Head, name_of
from itdash.state import fold
from itdash.views.summary import summary

if TYPE_CHECKING:
    from pathlib import Path


def test_three_ways_to_the_same(journal: Path, tmp_path: Path) -> None:
    state = fold.replay(replay(journal)[0])
    folder = tmp_path / journal.name
    shutil.copytree(journal, folder)
    without = of_folder(folder)
    (folder / "summary.json").write_bytes(encode_value(summary(state, 0, 0)))
    expected = of_state(state, journal.name)
    assert without == expected
    found = of_folder(folder)
    # A summary has seconds as floats, and its journal is read at its start only.
    assert replace(found, tests={}, head=Head("")) == replace(expected, tests={}, head=Head(""))
    assert found.tests.keys() == expected.tests.keys()
    for id, test in found.tests.items():
        assert test._replace(duration=0) == expected.tests[id]._replace(duration=0)
        assert abs(test.duration - expected.tests[id].duration) < 10
    assert replace(found.head, duration=0) == replace(expected.head, duration=0)
    alone = of_file(folder / "summary.json")
    assert (alone.tests, alone.operations) == (found.tests, found.operations)
    assert alone.requirements == expected.requirements


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"run":"x","cases":{}}'])
def test_what_is_no_summary_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "summary.json"
    path.write_text(text)
    with pytest.raises(NoRecord, match="no summary"):
        of_file(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NoRecord, match="cannot be read"):
        of_file(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("nodeid", "rootdir", "expected"),
    [
        ("t.py::a", "/p", "t.py::a"),
        ("t.py::a[x::y]", "/p/tests", "tests/t.py::a[x::y]"),
        ("t.py::a", "", "t.py::a"),
        ("../t.py::a", "/p/tests", "t.py::a"),
        ("(test 5, its name was lost)", "/p", "(test 5, its name was lost)"),
    ],
)
def test_the_name_of_a_test_does_not_depend_on_pytests_root(nodeid: str, rootdir: str, expected: str) -> None:
    assert name_of(nodeid, rootdir, "/p") == expected
